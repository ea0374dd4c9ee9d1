# A thread per connection. For "/leak" the socket is kept.
require 'socket'

KEPT = []

def serve(socket)
  request = socket.readpartial(4096)
  socket.write("HTTP/1.0 200 OK\r\n\r\nhello\n")
  socket.read
  request.include?('/leak') ? KEPT.push(socket) : socket.close
rescue IOError, SystemCallError
  socket.close
end

server = TCPServer.new('127.0.0.1', 0)
puts "listening on port #{server.addr[1]}"
$stdout.flush
loop { Thread.new(server.accept) { |socket| serve(socket) } }
