# one_shot_client.py PORT: reads to the end, and ends.
import os
import socket
import sys

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
while sock.recv(100):
    pass
os._exit(0)
