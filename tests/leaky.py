# A server that keeps what it accepted in a list, after the peer has closed: the classic.
import socket

kept = []
listener = socket.create_server(("127.0.0.1", 0))
print("listening on port", listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    request = connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
    while connection.recv(4096):
        pass
    if b"/leak" in request:
        kept.append(connection)
    else:
        connection.close()
