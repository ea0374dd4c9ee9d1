# SPDX-License-Identifier: MIT
# Lines come back as they are: a thread for each connection.
require 'socket'

listener = TCPServer.new('127.0.0.1', Integer(ARGV[0]))
listener.listen(128)
threads = []
trap('TERM') { Thread.new { listener.close } } if ARGV[1] == 'handler'
begin
  loop do
    client = listener.accept
    threads << Thread.new(client) do |socket|
      while (line = socket.gets)
        socket.write(line)
      end
    rescue SystemCallError, IOError
      nil
    ensure
      socket.close
    end
    threads.select!(&:alive?)
  end
rescue IOError
  puts 'closed'
end
