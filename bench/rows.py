# SPDX-License-Identifier: MIT
"""The rows of the table: name, what it is, and how it is measured."""
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import children
from measure import Missing, need, spread
from servers import SERVERS

HERE = os.path.dirname(os.path.abspath(__file__))

CALLS = {  # a call on a live socket: how often
    **{name: 200000 for name in ("recv", "recv_turns", "read", "read_file", "send", "write",
                                 "poll1", "poll8", "select", "epoll_wait", "epoll_ctl")}}
LIVES = {  # a bench, how often, and frames
    **{f"life_{frames}": ("life", 100000, frames) for frames in (8, 16, 32)},
    "life_new_thread": ("life_thread", 5000, 16), "fork_many": ("fork_many", 30, 0)}

CALL_TITLES = {
    "recv_turns": "recv() on eight sockets in turn", "read_file": "read() of a pipe",
    "poll1": "poll() of one socket", "poll8": "poll() of eight",
    "select": "select() of one"}
LIFE_TITLES = {
    "life_new_thread": "a thread that opens and closes a socket",
    "fork_many": "fork() with as many sockets as may be open, up to 18,000"}


def server_row(bench, kind):
    kind.check()
    values = bench.servers(lambda k: kind(bench, k))
    more = bench.row("", dict(values), lambda bare, x: 1e9 / x - 1e9 / bare)
    row = bench.row("of bare", values, lambda bare, x: x / bare)
    for name, spread_of_more in more["kinds"].items():
        row["kinds"][name]["us_more"] = round(spread_of_more["median"] / 1e3, 2)
    return row


def call_row(bench, name, times, frames):
    n = max(20, int(times * bench.options.length))
    values = bench.rounds(bench.kinds(), lambda k: bench.hooks(k, name, n, frames))
    row = bench.row("ns more", values, lambda bare, x: x - bare)
    if bench.options.quick or name == "fork_many":
        return row
    for count, how in (("instructions", lambda k: bench.instructions(k, name, 4000, frames)),
                       ("system_calls", lambda k: bench.system_calls(k, name, frames))):
        try:
            base = how(bench.bare)
            for k in bench.shims:
                row["kinds"][k.name][count] = round(how(k) - base, 1)
        except Missing as what:
            row["missing_kinds"][count] = str(what)
    return row


def start_row(bench, argv):
    def start(kind):
        n = 40 // min(kind.slow, 10)
        used = 0.0
        for _ in range(n):
            usage = children.usage(kind.prefix + argv, env=kind.env(bench.where))[1]
            used += usage.ru_utime + usage.ru_stime
        return used / n * 1e3
    return bench.row("ms more", bench.rounds(bench.kinds(), start), lambda bare, x: x - bare)


def own_memory(pid):
    """Bytes in memory that the process has written, and of its recording: what the C library, or
    our own, has of its file there by chance would be more than the sockets' part."""
    kb, name = 0, ""
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                name = line
            elif re.match("Rss:" if ".socklint" in name else "Anonymous:", line):
                kb += int(line.split()[1])
    return kb * 1024


def inside(bench):
    """Who keeps what it knows in the program's own process."""
    return [k for k in bench.kinds() if not k.outside]


def memory_row(bench, nr):
    """Of a server that holds nr sockets, against one that holds none, bare and watched. Of one
    socket: all that the process has more than a bare one, for that is the first one's price."""
    server = SERVERS["echo_1"][0]

    def used(kind, idle):
        s = type("Idle", (server,), {"idle": idle})(bench, kind)
        try:
            s.start(kind.env(bench.where))
            return own_memory(s.child.pid)
        finally:
            s.stop()

    def per_socket(kind):
        return used(kind, 1) if nr == 1 else (used(kind, nr) - used(kind, 0)) / nr

    type("Idle", (server,), {"idle": nr}).check()
    return bench.row("bytes more", bench.rounds(inside(bench), per_socket),
                     lambda bare, x: x - bare)


def table_row(bench, nr):
    """Beyond the limit of descriptors: of the table alone."""
    done = children.run([bench.programs + "/bench_table", str(nr)])
    return {"unit": "bytes more", "kinds": {"table": spread([[float(done.stdout)]])}}


def size_of(bench, kind, lives):
    """KiB that the shim leaves, or strace prints."""
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        env = kind.env(where)
        env["SOCKLINT_OPTIONS"] = f"report=none:dir={where}"
        log = os.path.join(where, "strace.socklint")
        children.run([log if word == "/dev/null" else word for word in kind.prefix]
                     + [bench.programs + "/bench_hooks", "life_left", str(lives)], env=env)
        return sum(os.path.getsize(os.path.join(where, f)) for f in os.listdir(where)
                   if f.endswith(".socklint")) / 1024


def size_row(bench, lives):
    """Of the recording, after so many lives. It is the same each time."""
    kinds = bench.shims + [k for k in bench.peers if k.name == "strace" and lives <= 100000]
    return {"unit": "KiB", "kinds": {k.name: spread([[size_of(bench, k, lives)]]) for k in kinds},
            "missing_kinds": {"strace": "too much" for k in bench.peers
                              if k.outside and k not in kinds}}


def report_row(bench, fmt, recordings, lives, sites, binary=None):
    command = os.path.join(bench.options.build, "bin/socklint")
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        children.run([bench.programs + "/bench_synth", where, binary or command, str(recordings),
                      str(lives), str(sites), "16"])
        seconds, wall, peak = [], [], 0
        for _ in range(1 if bench.options.quick else 3):
            out = os.path.join(where, "out")
            began = time.monotonic()
            status, usage = children.usage([command, "report", f"--format={fmt}:{out}", where])
            wall.append(time.monotonic() - began)
            seconds.append(usage.ru_utime + usage.ru_stime)
            peak = max(peak, usage.ru_maxrss)
            if status not in (0, 1):
                raise Missing(f"socklint report: exit status {status}")
        what = dict(spread([seconds]), wall_s=round(min(wall), 2), peak_MB=peak // 1024,
                    output_MB=round(os.path.getsize(out) / 1e6, 1))
    return {"unit": "s of CPU", "kinds": {"report": what}}


def formats():
    with open(os.path.join(HERE, "../report/formats.def")) as f:
        return re.findall(r"^FORMAT\((\w+)\)", f.read(), re.M)


def page_row(bench):
    """The page of report_html in a browser, until it can be used."""
    build = os.path.abspath(bench.options.build)
    packages = os.path.join(build, "consumers")
    for needed in (shutil.which("node"), "/usr/bin/chromium",
                   os.path.join(packages, "node_modules/playwright-core")):
        if not needed or not os.path.exists(needed):
            raise Missing("node, chromium or playwright-core (tests/consumers/install BUILD)")
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        command, page = os.path.join(build, "bin/socklint"), os.path.join(where, "page.html")
        children.run([bench.programs + "/bench_synth", where, command, "1", "100000", "5000",
                      "16"])
        children.usage([command, "report", f"--format=html:{page}", where])
        done = children.run(["node", os.path.join(HERE, "page.mjs"), page,
                             "2" if bench.options.quick else "5"], cwd=packages, timeout=300)
    rounds = json.loads(done.stdout)
    what = {name: round(statistics.median(r[name] for r in rounds)) for name in
            ("loaded", "filtered")}
    return {"unit": "ms until it can be used",
            "kinds": {"page": dict(spread([[r["interactive"] for r in rounds]]), **what)}}


def cxx_row(bench):
    """C++ with all its debug information, if that is there."""
    binary = "/usr/lib/x86_64-linux-gnu/debug/libstdc++.so.6"
    if not os.path.exists(binary):
        raise Missing(f"{binary} is not there (apt-get install libstdc++6-12-dbg)")
    return report_row(bench, "text", 1, 5000, 5000, binary)


def descriptors():
    """As many sockets as a process may have here, but not so many that memory is what ends first."""
    return min(100000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)


class Row:
    """seconds: what it takes, roughly: to say how long the rest will."""

    def __init__(self, family, title, measure, seconds):
        self.family, self.title, self.measure, self.seconds = family, title, measure, seconds


def program_rows():
    made = {}
    for name, (kind, title) in SERVERS.items():
        made[name] = Row("servers", title, lambda b, k=kind: server_row(b, k),
                         {"node": 60, "python": 50}.get(name, 30))
    made["start_none"] = Row("starts", "start and end, no socket",
                             lambda b: start_row(b, ["/bin/true"]), 5)
    made["start_socket"] = Row("starts", "start and end, two sockets", lambda b: start_row(
        b, [b.programs + "/bench_hooks", "life", "1"]), 8)
    for name, times in CALLS.items():
        made[name] = Row("calls", CALL_TITLES.get(name, f"{name}()"),
                         lambda b, n=name, t=times: call_row(b, n, t, 0), 8)
    for name, (hook, times, frames) in LIVES.items():
        made[name] = Row("calls", LIFE_TITLES.get(name, f"socket() and close(), {frames} frames"),
                         lambda b, h=hook, t=times, f=frames: call_row(b, h, t, f),
                         60 if name == "fork_many" else 15)
    return made


def size_rows(quick):
    most = descriptors()
    made = {"memory_1": Row("memory", "a process with one socket, all told",
                            lambda b: memory_row(b, 1), 4)}
    for name, nr in (("memory_1000", 1000), ("memory_limit", most)):
        made[name] = Row("memory", f"of {nr:,} open sockets, each",
                         lambda b, n=nr: memory_row(b, n), 10)
    made["memory_table"] = Row("memory", "of 1,000,000, each, by the table alone",
                               lambda b: table_row(b, 10 ** 6), 1)
    for power in (3, 5) if quick else (3, 5, 7):
        made[f"size_1e{power}"] = Row("recording", f"after 10^{power} lives",
                                      lambda b, n=10 ** power: size_row(b, n), 5 * power)
    return made


def command_rows():
    made = {f"report_{fmt}": Row("command", f"100,000 open lives at 5,000 sites, as {fmt}",
                                 lambda b, f=fmt: report_row(b, f, 1, 100000, 5000), 4)
            for fmt in formats()}
    made["page"] = Row("command", "the page of 100,000 open lives in Chromium", page_row, 20)
    made["report_directory"] = Row("command", "2,000 recordings, 50 lives each",
                                   lambda b: report_row(b, "text", 2000, 50, 20), 4)
    made["report_cxx"] = Row("command", "5,000 sites in a large C++ library", cxx_row, 6)
    return made


def rows(quick):
    """{name: Row}, in the table's order."""
    return {**program_rows(), **size_rows(quick), **command_rows()}
