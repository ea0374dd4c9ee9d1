# SPDX-License-Identifier: MIT
"""The rows of the table: name, what it is, and how it is measured."""
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from measure import spread
from servers import SERVERS

HERE = os.path.dirname(os.path.abspath(__file__))

CALLS = {  # a call on a live socket: how often
    **{name: 200000 for name in ("recv", "recv_turns", "read", "read_file", "send", "write",
                                 "poll1", "poll8", "select", "epoll_wait", "epoll_ctl")}}
LIVES = {  # a bench, how often, and frames
    **{f"life_{frames}": ("life", 100000, frames) for frames in (8, 16, 32)},
    "life_new_thread": ("life_thread", 5000, 16), "fork_many": ("fork_many", 30, 0)}


def server_row(bench, kind):
    for program in kind.needs:
        if not shutil.which(program):
            return {"missing": program}
    values = bench.servers(lambda k: kind(bench, k))
    more = bench.row("", dict(values), lambda bare, x: 1e9 / x - 1e9 / bare)
    row = bench.row("of bare", values, lambda bare, x: x / bare)
    for name, spread_of_more in more["kinds"].items():
        row["kinds"][name]["ns_more"] = round(spread_of_more["median"])
    return row


def call_row(bench, name, times, frames):
    n = max(20, int(times * bench.options.length))
    values = bench.rounds(bench.kinds(), lambda k: bench.hooks(k, name, n, frames))
    row = bench.row("ns more", values, lambda bare, x: x - bare)
    if bench.options.quick or name == "fork_many":
        return row
    for count, how in (("instructions", lambda k: bench.instructions(k, name, 4000, frames)),
                       ("system calls", lambda k: bench.system_calls(k, name, frames))):
        if not shutil.which("valgrind" if count == "instructions" else "strace"):
            continue
        base = how(bench.bare)
        for k in bench.shims:
            row["kinds"][k.name][count] = round(how(k) - base, 1)
    return row


def start_row(bench, argv):
    def start(kind):
        n = 40 // min(kind.slow, 10)
        used = 0.0
        for _ in range(n):
            null = os.open(os.devnull, os.O_WRONLY)
            child = subprocess.Popen(kind.prefix + argv, env=kind.env(bench.where),
                                     stdout=null, stderr=null)
            usage = os.wait4(child.pid, 0)[2]
            child.returncode = 0
            os.close(null)
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


def memory_row(bench, nr):
    """Of a server that holds nr sockets, against one that holds none, bare and watched."""
    def used(kind, idle):
        server = SERVERS["echo_1"][0]
        s = type("Idle", (server,), {"idle": idle})(bench, kind)
        n = own_memory(s.child.pid)
        s.stop()
        return n

    def per_socket(kind):
        return (used(kind, nr) - used(kind, 0)) / nr

    kinds = bench.kinds(with_peers=False)
    return bench.row("bytes more", {k: [[per_socket(k)] for _ in range(3)] for k in kinds},
                     lambda bare, x: x - bare)


def table_row(bench, nr):
    """Beyond the limit of descriptors: of the table alone."""
    done = subprocess.run([bench.programs + "/bench_table", str(nr)], check=True,
                          capture_output=True, text=True)
    return {"unit": "bytes more", "bare": 0, "kinds": {"table": spread([[float(done.stdout)]])}}


def size_row(bench, lives):
    """Of the recording, after so many lives."""
    def size(kind):
        with tempfile.TemporaryDirectory(dir=bench.where) as where:
            env = kind.env(where)
            env["SOCKLINT_OPTIONS"] = f"report=none:dir={where}"
            subprocess.run([bench.programs + "/bench_hooks", "life_left", str(lives)], env=env,
                           check=True, capture_output=True)
            return sum(os.path.getsize(os.path.join(where, f)) for f in os.listdir(where)
                       if f.endswith(".socklint")) / 1024
    kinds = {k.name: spread([[size(k)]]) for k in bench.shims}
    return {"unit": "KiB", "bare": 0, "kinds": kinds}


def report_row(bench, fmt, recordings, lives, sites, binary=None):
    command = os.path.join(bench.options.build, "bin/socklint")
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        subprocess.run([bench.programs + "/bench_synth", where, binary or command, str(recordings),
                        str(lives), str(sites), "16"], check=True)
        seconds, wall = [], []
        for _ in range(1 if bench.options.quick else 3):
            out = os.path.join(where, "out")
            began = time.monotonic()
            child = subprocess.Popen([command, "report", f"--format={fmt}:{out}", where],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall.append(time.monotonic() - began)
            seconds.append(usage.ru_utime + usage.ru_stime)
            if child.returncode not in (0, 1):
                return {"missing": f"socklint: exit status {child.returncode}"}
        what = dict(spread([seconds]), wall=round(min(wall), 2), peak_MB=usage.ru_maxrss // 1024,
                    output_MB=round(os.path.getsize(out) / 1e6, 1))
    return {"unit": "s of CPU", "bare": 0, "kinds": {"report": what}}


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
            return {"missing": "node, chromium or playwright-core (tests/consumers/install BUILD)"}
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        command, page = os.path.join(build, "bin/socklint"), os.path.join(where, "page.html")
        subprocess.run([bench.programs + "/bench_synth", where, command, "1", "100000", "5000",
                        "16"], check=True)
        subprocess.run([command, "report", f"--format=html:{page}", where], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = subprocess.run(["node", os.path.join(HERE, "page.mjs"), page,
                               "2" if bench.options.quick else "5"], cwd=packages, check=True,
                              capture_output=True, text=True, timeout=300)
    rounds = json.loads(done.stdout)
    what = {name: round(statistics.median(r[name] for r in rounds)) for name in
            ("loaded", "filtered")}
    return {"unit": "ms until it can be used", "bare": 0,
            "kinds": {"page": dict(spread([[r["interactive"] for r in rounds]]), **what)}}


def cxx_row(bench):
    """C++ with all its debug information, if that is there."""
    binary = "/usr/lib/x86_64-linux-gnu/debug/libstdc++.so.6"
    if not os.path.exists(binary):
        return {"missing": "libstdc++6-12-dbg"}
    return report_row(bench, "text", 1, 5000, 5000, binary)


def rows(quick):
    """{name: (title, function of the bench)}"""
    all_rows = {}
    for name, (kind, title) in SERVERS.items():
        all_rows[name] = title, lambda b, k=kind: server_row(b, k)
    all_rows["start_none"] = "start and end, no socket", lambda b: start_row(b, ["/bin/true"])
    all_rows["start_socket"] = "start and end, two sockets", lambda b: start_row(
        b, [b.programs + "/bench_hooks", "life", "1"])
    for name, times in CALLS.items():
        all_rows[name] = "a call", lambda b, n=name, t=times: call_row(b, n, t, 0)
    for name, (hook, times, frames) in LIVES.items():
        all_rows[name] = (f"a life, {frames} frames" if frames else "a fork with 18,000 sockets",
                          lambda b, h=hook, t=times, f=frames: call_row(b, h, t, f))
    for nr in (1, 1000, 18000):
        all_rows[f"memory_{nr}"] = (f"memory per socket, of {nr}",
                                    lambda b, n=nr: memory_row(b, n))
    all_rows["memory_table"] = ("memory per socket, of 1,000,000, by the table alone",
                                lambda b: table_row(b, 10 ** 6))
    for power in (3, 5) if quick else (3, 5, 7):
        all_rows[f"size_1e{power}"] = (f"the recording after 10^{power} lives",
                                       lambda b, n=10 ** power: size_row(b, n))
    for fmt in formats():
        all_rows[f"report_{fmt}"] = ("report: 100,000 open lives at 5,000 sites",
                                     lambda b, f=fmt: report_row(b, f, 1, 100000, 5000))
    all_rows["page"] = "the page of 100,000 open lives in Chromium", page_row
    all_rows["report_directory"] = ("report: 2,000 recordings, 50 lives each",
                                    lambda b: report_row(b, "text", 2000, 50, 20))
    all_rows["report_cxx"] = "report: 5,000 sites in a large C++ library", cxx_row
    return all_rows
