# losing_pool.py PORT ROUNDS: a pool that opens another connection when the one that it has turns
# out to be over, and closes the old one; except once, when an error is handled in between.
import os
import socket
import sys
import time


def connect(port):
    return socket.create_connection(("127.0.0.1", port))


def ask(sock):
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    return sock.recv(100)


pooled, lost = connect(int(sys.argv[1])), []
for i in range(int(sys.argv[2])):
    ask(pooled)
    time.sleep(0.2)
    if i == 2:
        lost.append(pooled)  # the fault
    else:
        pooled.close()
    pooled = connect(int(sys.argv[1]))
time.sleep(1.2)
os._exit(0)  # the interpreter's clean-up would close it
