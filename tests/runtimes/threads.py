# A thread per connection. Some are kept after the peer has closed: for "/leak".
import os
import signal
import socket
import sys
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


# Java ends so: it catches the signal, and says by its status what it was.
if len(sys.argv) > 1:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(int(sys.argv[1])))

listener = socket.create_server(("127.0.0.1", 0))
print("listening on port", listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=listener.accept()[:1]).start()
