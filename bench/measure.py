# SPDX-License-Identifier: MIT
"""How to measure on a machine that does other things as well.

No time stands alone: the bare program, the shim and the peers take turns, the order changes each
time, and each turn gives a ratio (or a difference) of its own; told are the median of those and
between what it lies with a certainty of 95 % (a bootstrap). Servers are started anew each round,
and asked in many short turns: where a process happens to lie in memory is worth a few per cent, so
what counts is the number of rounds. --again says what all this is good for: it measures the bare
program against itself. Times are CPU time of the process that is measured: what others take from
it does not count. Clients have a processor of their own. Instructions are counted by callgrind:
exact, but they know nothing of the kernel, of caches, or of the vDSO (where valgrind runs, the clock
is a system call of 60 instructions).

Peers are slow. They are asked less often (Kind), in the first rounds alone, and not for ever:
who does not answer in ANSWER_S is given up, and the table says so.
"""
import os
import random
import re
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import children

ANSWER_S = 60
PACKAGES = {"nginx": "nginx-light", "node": "nodejs"}  # where they are named otherwise
TURNS = 12  # in which a server is asked


class Missing(Exception):
    """What a row cannot be measured without."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Missing(f"{program} is not installed (apt-get install "
                          f"{PACKAGES.get(program, program)})")


class Kind:
    """A way to run a program: as it is, or watched. slow: so many times fewer calls will do, and
    as many of the first rounds and turns. outside: another process does the watching."""

    def __init__(self, name, prefix=(), preload=None, outside=False, slow=1, rounds=10 ** 9,
                 turns=TURNS):
        self.name, self.prefix, self.preload, self.outside = name, list(prefix), preload, outside
        self.slow, self.rounds, self.turns = slow, rounds, turns

    def env(self, where):
        env = dict(os.environ)
        env.pop("LD_PRELOAD", None)
        if self.preload:
            env["LD_PRELOAD"] = self.preload
            env["SOCKLINT_OPTIONS"] = f"report=none:dir={where}/rec"
        return env


def peers(build):
    """What somebody would take instead; and why not, by name."""
    wanted = [Kind("naive", preload=os.path.join(build, "bench/libbench_naive.so"), rounds=3),
              Kind("valgrind", ["valgrind", "--tool=none", "--track-fds=yes",
                                "--log-file=/dev/null"], slow=5, rounds=3, turns=6),
              Kind("strace", ["strace", "-f", "-k", "-o", "/dev/null"], outside=True, slow=100,
                   rounds=2, turns=3)]
    found, missing = [], {}
    for kind in wanted:
        try:
            need(*kind.prefix[:1])
            found.append(kind)
        except Missing as what:
            missing[kind.name] = str(what)
    return found, missing


class Bench:
    def __init__(self, options, where):
        self.options, self.where = options, where
        self.programs = os.path.join(options.build, "bench")
        self.bare = Kind("bare")
        self.again = [Kind("again")] if options.again else []
        self.shims = [Kind("shim" if not i else f"shim {i + 1}", preload=path)
                      for i, path in enumerate(options.shim)]
        self.peers, self.missing = ([], {}) if options.quick or options.no_peers \
            else peers(options.build)
        self.failed = {}  # in the row that is measured: kind's name, and why

    def kinds(self, with_peers=True):
        return [self.bare, *self.again, *self.shims, *(self.peers if with_peers else ())]

    def give_up(self, kind, why):
        """A peer that cannot do it is no reason to do without the others."""
        if kind in (self.bare, *self.again, *self.shims):
            raise Missing(f"{kind.name}: {why}")
        self.failed[kind.name] = str(why)

    def rounds(self, kinds, measure):
        """{kind: [[value] of each round]}; peers take part in the first rounds alone."""
        values = {kind: [] for kind in kinds}
        for i in range(self.options.rounds):
            for kind in in_turn([k for k in kinds if i < k.rounds], i):
                if kind.name in self.failed:
                    continue
                try:
                    values[kind].append([measure(kind)])
                except subprocess.SubprocessError as why:
                    self.give_up(kind, why)
        return values

    def servers(self, make):
        """{kind: [[rate in each turn] of each round]}; peers are asked a few times."""
        values = {kind: [] for kind in self.kinds()}
        for i in range(self.options.rounds):
            kinds = [k for k in self.kinds() if i < k.rounds]
            servers = {}
            try:
                for kind in in_turn(kinds, i):
                    servers[kind] = make(kind)
                    self.ask(servers, kind)
                    values[kind].append([])
                for turn in range(TURNS):
                    for kind in in_turn([k for k in kinds if turn < k.turns], turn):
                        values[kind][-1] += self.ask(servers, kind)
            finally:
                for server in servers.values():
                    server.stop()
        return values

    def ask(self, servers, kind):
        """[its rate], or nothing where it has been given up."""
        try:
            return [servers[kind].rate()] if kind.name not in self.failed else []
        except Unanswered as why:
            self.give_up(kind, why)
            return []

    def row(self, unit, values, against):
        """against(bare, other): of each turn."""
        bare = values.pop(self.bare)
        row = {"unit": unit, "bare": statistics.median(sum(bare, [])), "kinds": {},
               "missing_kinds": {**self.missing, **self.failed}}
        for kind, rounds in values.items():
            if kind.name not in self.failed and any(rounds):
                row["kinds"][kind.name] = spread([[against(b, a) for b, a in zip(*both)]
                                                  for both in zip(bare, rounds)])
        return row

    def run(self, kind, argv):
        return children.run(kind.prefix + argv, env=kind.env(self.where), timeout=5 * ANSWER_S)

    def hooks(self, kind, name, times, frames):
        times = max(20, times // kind.slow)
        return float(self.run(kind, [self.programs + "/bench_hooks", name, str(times), str(frames)]
                              + ["wall"] * kind.outside).stdout)

    def instructions(self, kind, name, times, frames):
        """Per call. The warming of bench_hooks grows by a hundredth with its length."""
        need("valgrind")

        def count(n):
            p = children.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                              self.programs + "/bench_hooks", name, str(n), str(frames)],
                             env=kind.env(self.where))
            return int(re.search(r"Collected : (\d+)", p.stderr).group(1))
        return (count(2 * times) - count(times)) / (1.01 * times)

    def system_calls(self, kind, name, frames):
        """Per call, of all threads."""
        need("strace")

        def count(n):
            with tempfile.NamedTemporaryFile(dir=self.where) as out:
                children.run(["strace", "-f", "-c", "-o", out.name]
                             + [f"--env={k}={v}" for k, v in kind.env(self.where).items()
                                if k in ("LD_PRELOAD", "SOCKLINT_OPTIONS")]
                             + [self.programs + "/bench_hooks", name, str(n), str(frames)])
                return int(re.findall(r"(\d+)\s+(?:\d+\s+)?total", out.read().decode())[-1])
        return (count(400) - count(200)) / 202


def in_turn(kinds, i):
    """There and back, each time beginning with another."""
    kinds = kinds[::-1] if i % 2 else kinds
    return kinds[i // 2 % len(kinds):] + kinds[:i // 2 % len(kinds)]


def spread(rounds, resamples=1000):
    """The median of all turns; rounds are drawn anew, and within each of them turns."""
    chance = random.Random(1)

    def median(lists):
        return statistics.median(value for values in lists for value in values)

    medians = sorted(median([chance.choices(values, k=len(values))
                             for values in chance.choices(rounds, k=len(rounds))])
                     for _ in range(resamples))
    return {"median": median(rounds), "low": medians[resamples // 40],
            "high": medians[-resamples // 40]}


def cpu_seconds(pid):
    """Of a process, with its threads that have ended, and of its children that have not."""
    seconds = time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid() says
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as f:
                seconds += sum(cpu_seconds(int(child)) for child in f.read().split())
        except OSError:
            pass  # it has ended
    return seconds


class Unanswered(Exception):
    """A server that does not answer, or not in time."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, child):
    for _ in range(ANSWER_S * 20):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if child.poll() is not None:
                break
            time.sleep(0.05)
    raise Unanswered(f"{os.path.basename(child.args[0])} does not start")


class Server:
    """
    A child that is asked; rate() is in requests per second, of its CPU time or by the wall.
    ask: how bench/ask.c asks it, with how many threads, each with how many connections, what.
    """
    needs = ()
    one_processor = True
    requests = 2000  # in a turn
    ask = "close", 1, 1, ""

    @classmethod
    def check(cls):
        """Raises Missing where it cannot be measured here."""
        need(*cls.needs)

    def __init__(self, bench, kind):
        self.bench, self.kind = bench, kind
        self.where = tempfile.mkdtemp(dir=bench.where)
        os.chmod(self.where, 0o755)
        self.client = self.child = None

    def popen(self, argv, env, **rest):
        rest.setdefault("stdout", subprocess.DEVNULL)
        self.child = children.start(self.kind.prefix + argv, env=env, stderr=subprocess.DEVNULL,
                                    preexec_fn=self.pin(0), **rest)
        return self.child

    def stop(self):
        for child in (self.client, self.child):
            if child:
                if child.stdin:
                    child.stdin.close()
                    child.stdin = None
                    self.wait(child)
                children.end(child)

    @staticmethod
    def wait(child):
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            pass

    def pin(self, i):
        """Server and client: each to a processor of its own, if there are two."""
        number = sorted(os.sched_getaffinity(0))[-i]  # the first, or the last
        return lambda: os.sched_setaffinity(0, {number}) if self.one_processor else None

    def start_all(self):
        self.start(self.kind.env(self.bench.where))
        mode, threads, connections, request = self.ask
        self.client = children.start(
            [self.bench.programs + "/bench_ask", mode, str(self.port), str(threads),
             str(connections), request], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, bufsize=1, preexec_fn=self.pin(1))

    def rate(self):
        if not self.client:
            self.start_all()
        nr = max(50, int(self.requests * self.bench.options.length) // self.kind.slow)
        before = cpu_seconds(self.child.pid)
        try:
            self.client.stdin.write(f"{nr}\n")
        except BrokenPipeError:
            pass
        if not select.select([self.client.stdout], [], [], ANSWER_S)[0]:
            raise Unanswered(f"{nr} answers take more than {ANSWER_S} s")
        answer = self.client.stdout.readline()
        if not answer:
            raise Unanswered(f"{os.path.basename(self.child.args[0])} does not answer")
        if self.bench.options.wall:
            return float(answer)
        return nr / max(1e-9, cpu_seconds(self.child.pid) - before)
