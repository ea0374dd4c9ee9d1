# tidy_server.py [forget]: SIGTERM makes it close its connections, and then its listener. With
# "forget" it takes those who say bye out of its set and leaves them open, to be closed at the end.
import select
import signal
import socket
import sys


class Stopped(Exception):
    pass


def stop(*_):
    raise Stopped


def accept(listener, poller, clients):
    sock, _ = listener.accept()
    clients[sock.fileno()] = sock
    poller.register(sock, select.EPOLLIN)


def serve(sock, poller, clients):
    line = sock.recv(100)
    if line.startswith(b"bye") and sys.argv[1:] == ["forget"]:
        poller.unregister(sock)  # the fault: and close
    elif not line or line.startswith(b"bye"):
        clients.pop(sock.fileno()).close()
    else:
        sock.sendall(line)


signal.signal(signal.SIGTERM, stop)
listener = socket.create_server(("127.0.0.1", 0), backlog=300)
poller, clients = select.epoll(), {}
poller.register(listener, select.EPOLLIN)
print("listening on %d," % listener.getsockname()[1], flush=True)
try:
    while True:
        for fd, _ in poller.poll():
            if fd == listener.fileno():
                accept(listener, poller, clients)
            else:
                serve(clients[fd], poller, clients)
except Stopped:
    for sock in clients.values():
        sock.close()
    listener.close()
