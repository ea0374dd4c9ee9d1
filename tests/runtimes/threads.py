# A thread per connection. Some are kept after the peer has closed: for "/leak".
import socket
import threading

kept = []


def serve(connection):
    request = connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
    while connection.recv(4096):
        pass
    if b"/leak" in request:
        kept.append(connection)
    else:
        connection.close()


listener = socket.create_server(("127.0.0.1", 0))
print("listening on port", listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=listener.accept()[:1]).start()
