# SPDX-License-Identifier: MIT
"""Clients: many short connections in all the ways that clients behave, and some that stay."""
import collections
import socket
import struct
import threading
import time

from case import Failed, digest

WAYS = "plain", "keep-alive", "half-close", "reset", "silent", "slow"


def dial(port, context=None):
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    return context.wrap_socket(sock) if context else sock


def read_all(sock):
    chunks = []
    while True:
        data = sock.recv(65536)
        if not data:
            return b"".join(chunks)
        chunks.append(data)


def http_body(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return "%s, %d bytes, %s" % (head.split(b"\r\n")[0].decode("latin-1"), len(body), digest(body))


def http_answer(file):
    """One answer of a connection that goes on, by its Content-Length."""
    lines = []
    while True:
        line = file.readline()
        if line in (b"\r\n", b""):
            break
        lines.append(line)
    length = [int(line.split(b":")[1]) for line in lines
              if line.lower().startswith(b"content-length:")]
    body = file.read(length[0]) if length else b""
    return "%s, %d bytes" % (lines[0].decode("latin-1").strip() if lines else "EOF", len(body))


def http(port, way, path, context=None):
    """One connection, in one way; what came back as far as it is sure to be the same each time."""
    request = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
    last = request + b"Connection: close\r\n\r\n"
    sock = dial(port, context)
    with sock:
        if way == "silent":
            return "nothing said"
        if way == "reset":
            sock.sendall(last)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return "reset"
        if way == "keep-alive":
            with sock.makefile("rb") as file:
                sock.sendall(request + b"\r\n")
                first = http_answer(file)
                sock.sendall(last)
                return first + " then " + http_answer(file)
        if way == "slow":
            sock.sendall(last[:10])
            time.sleep(0.02)
            sock.sendall(last[10:])
        else:
            sock.sendall(last)
        if way == "half-close" and not context:
            sock.shutdown(socket.SHUT_WR)
        return http_body(read_all(sock))


def lines(port, way, say):
    """A protocol of lines: `say` is what to say, and how the answer ends or how long it is."""
    sock = dial(port)
    with sock:
        if way == "silent":
            return "nothing said"
        data, end = say
        sock.sendall(data)
        if way == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return "reset"
        if way == "half-close":
            sock.shutdown(socket.SHUT_WR)
            return digest(read_all(sock))
        answer = b""
        while len(answer) < end if isinstance(end, int) else not answer.endswith(end):
            got = sock.recv(65536)
            if not got:
                return digest(answer) + ", EOF"
            answer += got
        return digest(answer)


def spread(total, at_once, talk):
    """Calls talk(i) for all i, some at once; counts what it says."""
    said, numbers = collections.Counter(), iter(range(total))
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                i = next(numbers, None)
            if i is None:
                return
            try:
                answer = talk(i)
            except OSError as why:
                answer = type(why).__name__ + " " + str(why)
            with lock:
                said[answer] += 1

    threads = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return said


def wait_for_port(port, child, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            dial(port).close()
            return
        except OSError:
            pass
        if child.poll() is not None:
            raise Failed("it ended with %d before it listened; see %s" % (child.returncode,
                                                                         child.output))
        time.sleep(0.05)
    raise Failed("nobody listens on port %d; see %s" % (port, child.output))
