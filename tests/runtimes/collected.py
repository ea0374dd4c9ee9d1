# Closes nothing itself: the garbage collector closes what is in a cycle, some time later. For
# "/leak" the connection stays in a list.
import gc
import socket


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.me = self


kept = []
served = 0
listener = socket.create_server(("127.0.0.1", 0))
print("listening on port", listener.getsockname()[1], flush=True)
while True:
    session = Session(listener.accept()[0])
    request = session.connection.recv(4096)
    session.connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
    while session.connection.recv(4096):
        pass
    if b"/leak" in request:
        kept.append(session)
    session = None
    served += 1
    if served % 5 == 0:
        gc.collect()
