# SPDX-License-Identifier: MIT
"""server.c, asked to forget k of so many sockets, or none: what has to be found, and what not."""
import itertools
import os
import signal
import socket
import struct
import threading
import time

from following import Failed, Followed

MODELS = ("blocking", "threaded", "forked", "prefork", "pool", "poll", "select", "epoll-edge",
          "epoll-oneshot")
ONE_AT_A_TIME = {"blocking": 1, "prefork": 4, "pool": 4}  # how many clients may stay connected
BY_THREADS = "blocking", "threaded", "prefork", "pool"  # one for each connection, for a time
SINGLE = "blocking", "poll", "select", "epoll-edge"  # one thread for all
ENDINGS = list(itertools.product(("term", "own", "self", "kill"), (False, True), (False, True)))

# How to make it forget: the order, how the client leaves, and the verdict that this deserves.
WAYS = {
    "eof": ("e", "close", "error", "close-wait"),
    "error-path": ("p", "close", "error", "close-wait"),
    "reset": ("e", "reset", "error", "descriptor-leak"),
    "alive": ("p", "stay", "warning", "abandoned"),
    "stdio": ("f", "close", "error", "close-wait"),
    "parents-copy": ("h", "close", "error", "close-wait"),
}
REFRESHED = 40  # sockets that are surely looked at before a kill
PAUSE = 1.25  # longer than the grace
AFTERWARDS = 40  # so that each worker moves on


IP_BIND_ADDRESS_NO_PORT = 24

# Linux hands out a loopback port anew a second after its socket was closed, though the other end
# is in CLOSE_WAIT still: that is reset then. So the forgotten have ports of their own.
OTHERS = "127.0.0.2", 0


def address_of_forgotten(i):
    return "127.0.1.1", 10000 + i


def connect(port, source=OTHERS, seconds=20):
    sock = socket.socket()
    try:
        sock.settimeout(seconds)
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(source)
        sock.connect(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


def dial(port, source=OTHERS):
    for _ in range(200):
        try:
            return connect(port, source)
        except OSError:
            time.sleep(0.02)
    raise Failed("nobody listens on %d" % port)


def leave(sock, how):
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def ask(sock, order):
    sock.sendall(order.encode())
    if sock.recv(1) != b"k":
        raise OSError("no answer")


def visit(port, i, source=OTHERS):
    """A client that the server serves well."""
    sock = dial(port, source)
    try:
        way = i % 5
        if way == 3:  # gives up before it is answered
            sock.sendall(b"h")
            return leave(sock, "close")
        for _ in range(3 if way == 1 else 1):
            ask(sock, "h")
        if way == 2:  # half closes
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)
        leave(sock, "reset" if way == 4 else "close")
    finally:
        sock.close()


class Load:
    """Clients that come again and again, until the server is gone."""

    def __init__(self, port, nr=3):
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.come, args=(port,), daemon=True)
                        for _ in range(nr)]
        for t in self.threads:
            t.start()

    def come(self, port):
        while not self.over.is_set():
            try:
                with connect(port, seconds=0.5) as sock:
                    ask(sock, "h")
            except OSError:
                time.sleep(0.005)

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join(5)


class Row:
    """One run of the server. `expected` is (severity, rule) and how many, or None."""

    def __init__(self, model, ending):
        self.model, (self.stop, self.bare, self.loaded) = model, ending
        if model == "forked" and self.stop == "self":
            self.stop = "own"

    def name(self):
        return "%s/%s %s%s%s" % (self.model, self.what(), self.stop,
                                 " bare" if self.bare else "", " loaded" if self.loaded else "")

    def options(self):
        return [self.stop] if self.stop in ("own", "unwatch") else []

    def run(self, tools, where):
        os.makedirs(where)
        self.held = []
        followed = Followed(tools, where, [tools.server, self.model] + self.options(), self.bare)
        try:
            m = followed.wait_for(r"^listening on (\d+), process (\d+)")
            self.port, self.pid = int(m[1]), int(m[2])
            reports = self.act(followed)
        finally:
            followed.end()
            for sock in self.held:
                sock.close()
        return reports

    def act(self, followed):
        self.meet(followed)
        load = Load(self.port) if self.loaded else None
        time.sleep(PAUSE)
        if self.stop == "kill":
            self.show_life()
        try:
            early = followed.report() if self.asks_early() else None
            self.end_server(followed)
        finally:
            if load:
                load.end()
        return early or followed.report()

    def asks_early(self):
        """A bare preload cannot tell when a kill came: the report is asked for before."""
        return self.stop == "kill" and self.bare

    def show_life(self):
        """The shim looks at idle sockets as long as the program does something."""
        for _ in range(3):
            for i in range(20):
                visit(self.port, i)
            time.sleep(1.1)
        for i in range(20):
            visit(self.port, i)

    def end_server(self, followed):
        if self.stop == "kill":
            followed.kill()
        elif self.stop == "self":
            self.order_end()
        else:
            os.kill(self.pid, signal.SIGTERM)
        if self.model == "forked":  # children stay as long as their clients
            time.sleep(0.2)
            for sock in self.held:
                sock.close()
        followed.finish()

    def order_end(self):
        """And more clients, for the threads that still wait for one."""
        with dial(self.port) as sock:
            ask(sock, "x")
        for _ in range(5):
            try:
                connect(self.port, seconds=0.3).close()
            except OSError:
                break
            time.sleep(0.02)


class Planted(Row):
    def __init__(self, model, ending, way, k, nr):
        super().__init__(model, ending)
        self.way, self.k, self.nr = way, k, nr
        self.order, self.leaving, self.severity, self.rule = WAYS[way]

    def what(self):
        return "%s %d of %d" % (self.way, self.k, self.nr)

    def options(self):
        if self.way != "parents-copy":
            return super().options()
        return super().options() + ["forget=%d,%d" % (self.nr // self.k, self.k)]

    def asks_early(self):
        return super().asks_early() or (self.stop == "kill" and self.k > REFRESHED)

    def meet(self, followed):
        planted = {int((i + 0.5) * self.nr / self.k) for i in range(self.k)}
        for i in range(self.nr):
            if self.way == "parents-copy":
                visit(self.port, 0, address_of_forgotten(i))
            elif i not in planted:
                visit(self.port, i)
            else:
                self.plant(i)
        for i in range(AFTERWARDS):
            visit(self.port, i)

    def plant(self, i):
        sock = dial(self.port, address_of_forgotten(i))
        ask(sock, self.order)
        if self.leaving == "stay":
            self.held.append(sock)
        else:
            leave(sock, self.leaving)

    def judge(self, report, tools):
        """Returns how many were found, how many others reported, and what was wrong."""
        found = others = 0
        wrong = []
        for f in report.findings:
            if (f.severity, f.rule) != (self.severity, self.rule):
                others += f.count
                wrong.append("reported: " + f.text.splitlines()[0])
                continue
            found += f.count
            wrong += self.wrong_lines(f, tools)
        if found > self.k:
            others, found = others + found - self.k, self.k
            wrong.append("more than were planted")
        if found < self.k:
            wrong.append("found %d; open: %s" % (found, dict(report.still_open)))
        return found, others, wrong

    def wrong_lines(self, f, tools):
        cited = {("opened in accept_client (server.c:%d)" % tools.mark("opened"))}
        if self.way in ("eof", "reset"):
            cited.add("(server.c:%d)" % tools.mark("read"))
        elif self.way in ("error-path", "alive"):
            cited.add("(server.c:%d)" % tools.mark("answered"))
        return ["does not cite %s: %s" % (c, f.text.splitlines()[0])
                for c in sorted(cited) if c not in f.text]


class Healthy(Row):
    def __init__(self, model, ending, scene):
        super().__init__(model, ending)
        self.scene = scene
        if scene == "idle" and model.startswith("epoll") and self.stop == "own":
            self.stop = "unwatch"

    def what(self):
        return "healthy " + self.scene

    def judge(self, report, tools):
        return 0, len(report.findings), report.headlines()

    def room(self):
        return ONE_AT_A_TIME.get(self.model, 10) - (self.loaded or self.stop in ("kill", "self"))

    def meet(self, followed):
        for i in range(60):
            visit(self.port, i)
        getattr(self, "clients_" + self.scene)()

    def clients_idle(self):
        for _ in range(self.room()):
            self.held.append(dial(self.port))
            ask(self.held[-1], "h")

    def clients_keep_alive(self):
        self.clients_idle()
        for _ in range(10):
            time.sleep(0.05)
            for sock in self.held:
                ask(sock, "h")

    def clients_gave_up(self):
        """Its handler is still at work on it."""
        with dial(self.port) as sock:
            sock.sendall(b"SSS")
            time.sleep(0.1)
        if self.model not in SINGLE:
            for i in range(60):
                visit(self.port, i)

    def clients_half_close(self):
        """They wait for an answer that takes its time."""
        sock = dial(self.port)
        self.held.append(sock)
        sock.sendall(b"sSS")
        sock.shutdown(socket.SHUT_WR)

    def clients_behind(self):
        """They come all at once, and give up while the server works for the first of them."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self.clients_half_close()
            behind = [dial(self.port) for _ in range(8)]
            for sock in behind:
                sock.sendall(b"h")
        finally:
            os.kill(self.pid, signal.SIGCONT)
        time.sleep(0.3)
        for i, sock in enumerate(behind):
            leave(sock, "reset" if i % 2 else "close")

    def clients_slow(self):
        """Connected, and nothing said yet."""
        for _ in range(self.room()):
            self.held.append(dial(self.port))

    def show_life(self):
        if self.scene in LONG and self.model in SINGLE:
            time.sleep(1)
        else:
            super().show_life()

    def order_end(self):
        if self.scene in LONG and self.model in SINGLE:
            self.held.append(dial(self.port))
            self.held[-1].sendall(b"x")
        else:
            super().order_end()


SCENES = "idle", "keep_alive", "gave_up", "half_close", "slow", "behind"
LONG = "gave_up", "half_close", "behind"  # the server is at work for seconds


def ways_of(model):
    if model == "forked":
        return ["parents-copy"]
    return ["eof", "error-path", "reset", "alive"] + (["stdio"] if model in BY_THREADS else [])


def planted_rows(short):
    """Each pair of a model and a way with each k; how it ends comes round."""
    nr, ks = (600, (1, 60)) if short else (10000, (1, 2, 7, 100, 1000))
    pairs = [(m, w) for m in MODELS for w in ways_of(m)]
    turn = itertools.count()
    for i, (model, way) in enumerate(pairs):
        for j, k in enumerate(ks):
            if short and (i + j) % 2:
                continue
            yield Planted(model, ENDINGS[next(turn) * 5 % len(ENDINGS)], way, k, nr)


def healthy_rows(short):
    turn = itertools.count()
    for model in MODELS:
        for scene in SCENES:
            if short:
                yield Healthy(model, ENDINGS[next(turn) * 3 % len(ENDINGS)], scene)
                continue
            for stop, loaded in itertools.product(("term", "kill", "own"), (False, True)):
                yield Healthy(model, (stop, bool(next(turn) % 2), loaded), scene)
