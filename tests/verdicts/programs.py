# SPDX-License-Identifier: MIT
"""Real programs, and small ones that behave as real ones do, with the verdict that each deserves."""
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import matrix
from following import Failed, Followed

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")
PYTHON = "/usr/bin/python3"
LISTENING = r"^listening on (\d+),"
SYSTEM_PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


class Program:
    """Nothing is found, and `reason` is given for one socket at least, if there is one."""

    bare = False
    options = ()  # of the report
    needs = ()
    finds = {}  # (severity, rule): how many
    reason = None
    pause = matrix.PAUSE

    def __init__(self, name, **rest):
        self.title = name
        self.__dict__.update(rest)

    def name(self):
        return "program/" + self.title

    def missing(self):
        return [n for n in self.needs if not shutil.which(n, path=SYSTEM_PATH)]

    def argv(self, tools, where):
        raise NotImplementedError

    def run(self, tools, where):
        os.makedirs(where)
        os.chmod(where, 0o755)
        self.held, self.servers = [], []
        followed = Followed(tools, where, self.argv(tools, where), self.bare)
        try:
            self.act(followed)
            return followed.report(self.options)
        finally:
            followed.end()
            for sock in self.held:
                sock.close()
            for server in self.servers:
                server.close()

    def act(self, followed):
        self.meet(followed)
        time.sleep(self.pause)
        os.kill(followed.program(), signal.SIGTERM)
        followed.finish()

    def judge(self, report, tools):
        found = {}
        for f in report.findings:
            key = f.severity, f.rule
            found[key] = found.get(key, 0) + f.count
        wrong = [] if found == self.finds else report.headlines() + ["found %s, not %s" % (
            found, self.finds)]
        if self.reason and self.reason not in report.still_open:
            wrong.append("not listed as %r: %s" % (self.reason, dict(report.still_open)))
        return 0, 0, wrong


def free_port():
    """Below the ephemeral ones, so that no client is given it meanwhile."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def say(port, line, half_close=False):
    sock = matrix.dial(port)
    sock.sendall(line)
    if half_close:
        sock.shutdown(socket.SHUT_WR)
    return sock


def converse(port, line=b"hello\r\n"):
    with say(port, line) as sock:
        if not sock.recv(100):
            raise Failed("no answer")


class Server(Program):
    """200 clients come and go, some stay; then it is stopped."""

    line = b"hello\r\n"
    file = command = None
    more = ()
    stay = 20

    def argv(self, tools, where):
        return [self.command, os.path.join(PROGRAMS, self.file), *self.more]

    def find_port(self, followed):
        return int(followed.wait_for(LISTENING)[1])

    def meet(self, followed):
        self.port = self.find_port(followed)
        for _ in range(200):
            converse(self.port, self.line)
        self.clients_that_stay()

    def clients_that_stay(self):
        for _ in range(self.stay):
            self.held.append(say(self.port, self.line))
            self.held[-1].recv(100)


class HalfClosing(Server):
    """Their answers take 3 s, and took as long before: who is forgotten looks the same at first."""

    def clients_that_stay(self):
        with say(self.port, b"wait 3\r\n", half_close=True) as sock:
            while sock.recv(100):
                pass
        for _ in range(self.stay):
            self.held.append(say(self.port, b"wait 3\r\n", half_close=True))


class Leaving(Server):
    """Some say bye before they go, and after them others come."""

    def meet(self, followed):
        super().meet(followed)
        for _ in range(15):
            say(self.port, b"bye\r\n").close()
        self.clients_that_stay()


class Configured(Server):
    """Its port is given to it."""

    def find_port(self, followed):
        matrix.dial(self.given).close()
        return self.given

    def argv(self, tools, where):
        self.given = free_port()
        path = os.path.join(where, "conf")
        with open(path, "w") as f:
            f.write(self.conf.replace("@port@", str(self.given)).replace("@at@", where))
        return [path if a == "CONF" else a for a in self.command]


NGINX = """
daemon off; worker_processes 2; pid @at@/pid; error_log @at@/error.log; %s
events { worker_connections 256; }
http { access_log off; client_body_temp_path @at@/b; proxy_temp_path @at@/p;
    fastcgi_temp_path @at@/f; uwsgi_temp_path @at@/u; scgi_temp_path @at@/s;
    server { listen 127.0.0.1:@port@; location / { return 200 'hello'; } } }
""" % ("user nobody nogroup;" if os.geteuid() == 0 else "")

HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:@port@
    http-request return status 200 content-type text/plain string "hello"
"""

REDIS = """
port @port@
bind 127.0.0.1
dir @at@
save ""
protected-mode no
"""
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Peer:
    """An HTTP server in this process: answers each connection once, and hangs up after a while."""

    def __init__(self, answer_after=0.0, hang_up_after=0.0):
        self.delays = answer_after, hang_up_after
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(sock,), daemon=True).start()

    def answer(self, sock):
        with sock:
            sock.recv(1000)
            time.sleep(self.delays[0])
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nk")
            time.sleep(self.delays[1])

    def close(self):
        self.listener.close()


class Client(Program):
    peers = ({},)
    file = None
    more = ()
    asked = "has asked"

    def argv(self, tools, where):
        self.servers += [Peer(**p) for p in self.peers]
        return [PYTHON, os.path.join(PROGRAMS, self.file), *(s.port for s in self.servers),
                *self.more]

    def meet(self, followed):
        followed.wait_for(self.asked)


class Ending(Client):
    """It ends by itself."""

    def act(self, followed):
        followed.finish()
        if followed.child.returncode:
            raise Failed("it failed: " + followed.said()[-500:])


class Curl(Ending):
    """The first connection waits in CLOSE_WAIT for the second answer, and is closed at the end."""

    peers = {"answer_after": 0}, {"answer_after": 2.5}

    def argv(self, tools, where):
        self.servers += [Peer(**p) for p in self.peers]
        return ["curl", "-s"] + ["http://127.0.0.1:%d/" % s.port for s in self.servers]


class Queue(Program):
    """The workers are busy, and those who wait for one have given up."""

    reason = "waiting in a hand-over queue?"

    def argv(self, tools, where):
        return [tools.server, "pool"]

    def meet(self, followed):
        port = int(followed.wait_for(LISTENING)[1])
        for i in range(60):
            matrix.visit(port, i)
        for _ in range(8):
            self.held.append(say(port, b"SSS"))
        time.sleep(0.2)
        for _ in range(20):
            say(port, b"h").close()


class Busy(Program):
    """Threads work for 3 s for clients who have given up, or wait with their half closed."""

    gives_up = False

    def argv(self, tools, where):
        return [tools.server, self.model]

    def meet(self, followed):
        port = int(followed.wait_for(LISTENING)[1])
        for i in range(60):
            matrix.visit(port, i)
        for _ in range(6):
            sock = say(port, b"S", half_close=not self.gives_up)
            if self.gives_up:
                sock.close()
            else:
                self.held.append(sock)


class Threads(Server):
    """A thread for each connection, and clients who stay without a word."""

    line = b"h"

    def argv(self, tools, where):
        return [tools.server, "threaded"]


class InARow(Program):
    """A test that leaks 100 and ends at once."""

    finds = {("error", "close-wait"): 100}

    def argv(self, tools, where):
        return [tools.server, "blocking", "most=100"]

    def act(self, followed):
        port = int(followed.wait_for(LISTENING)[1])
        for i in range(100):
            with matrix.dial(port, matrix.address_of_forgotten(i)) as sock:
                matrix.ask(sock, "e")
        followed.finish()


PARKED = "parked: may be reused"
ALL = [
    Server("asyncio idle", command=PYTHON, file="asyncio_server.py", needs=(PYTHON,)),
    Server("asyncio idle bare", command=PYTHON, file="asyncio_server.py", needs=(PYTHON,),
           bare=True),
    HalfClosing("asyncio with half-closing clients", command=PYTHON, file="asyncio_server.py",
                needs=(PYTHON,)),
    Configured("nginx", command=("nginx", "-p", ".", "-c", "CONF"), conf=NGINX, line=GET,
               needs=("nginx",)),
    Configured("haproxy", command=("haproxy", "-db", "-f", "CONF"), conf=HAPROXY, line=GET,
               needs=("haproxy",)),
    Configured("haproxy master and worker", command=("haproxy", "-W", "-f", "CONF"), conf=HAPROXY,
               line=GET, needs=("haproxy",)),
    Configured("redis", command=("redis-server", "CONF"), conf=REDIS, line=b"PING\r\n",
               needs=("redis-server",)),
    Server("node, an idle connection in epoll", command="node", file="node_server.js",
           needs=("node",), stay=3),
    Leaving("forgetful server that tidies up", command=PYTHON, file="tidy_server.py",
            more=("forget",), needs=(PYTHON,), finds={("warning", "closed-at-end"): 15}),
    Leaving("forgetful server that tidies up, bare", command=PYTHON, file="tidy_server.py",
            more=("forget",), needs=(PYTHON,), finds={("warning", "closed-at-end"): 15},
            bare=True),
    Leaving("server that tidies up", command=PYTHON, file="tidy_server.py", needs=(PYTHON,)),
    Curl("curl A B", needs=("curl",)),
    Curl("curl A B, of whom more haste is asked", needs=("curl",), options=("--max-dwell=1.5",),
         finds={("warning", "slow-close"): 1}),
    Client("keep-alive client", file="keep_alive_client.py", reason=PARKED, needs=(PYTHON,)),
    Client("keep-alive client of two", file="keep_alive_client.py", reason=PARKED,
           peers=({}, {"hang_up_after": 9}), needs=(PYTHON,)),
    Ending("pool that loses one", file="losing_pool.py", more=(6,), needs=(PYTHON,),
           finds={("error", "close-wait"): 1}),
    Ending("one-shot client", file="one_shot_client.py", needs=(PYTHON,)),
    Queue("clients gave up in the queue"),
    Busy("busy workers whose clients gave up", model="pool", gives_up=True),
    Busy("busy threads whose clients gave up", model="threaded", gives_up=True),
    Busy("busy workers and half-closing clients", model="pool"),
    Busy("busy threads and half-closing clients", model="threaded"),
    Threads("a thread for each connection"),
    InARow("100 in a row"),
]


def rows(short):
    return [p for p in ALL if not p.missing()]
