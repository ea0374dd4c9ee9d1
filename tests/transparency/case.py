# SPDX-License-Identifier: MIT
"""What a case is, and what it needs to be measured: a place, processes, ports, a look at /proc."""
import collections
import glob
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

# Where Debian keeps servers out of a user's way.
os.environ["PATH"] = ":".join([os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"] +
                              glob.glob("/usr/lib/postgresql/*/bin"))


class Failed(Exception):
    """The case could not be measured: no result, which is not the same as a difference."""


class Case:
    """A row: `measure` fills in results by name. A healthy program has no findings."""

    healthy = True
    short = True
    needs = ()  # programs or files

    def __init__(self, name, **rest):
        self.name = name
        self.__dict__.update(rest)

    def missing(self):
        return " ".join(n for n in self.needs if not (os.path.exists(n) or shutil.which(n)))

    def measure(self, m):
        raise NotImplementedError


class Measure:
    """One measure of a case, natively or under the shim, in a directory of its own."""

    def __init__(self, where, tools):
        self.where, self.tools = where, tools
        self.results = {}
        self.recordings, self.processes = [], []
        os.makedirs(where)
        os.chmod(where, 0o755)

    def path(self, *parts):
        path = os.path.join(self.where, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def room(self, name, everybody=False):
        """A directory, for `nobody` as well if asked."""
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        if everybody:
            os.chmod(path, 0o777)
        return path

    def recording_dir(self):
        path = self.room("recordings.%d" % len(self.recordings), everybody=True)
        self.recordings.append(path)
        return path

    def start(self, argv, preload=False, unprivileged=False, env=None, **popen):
        """Under the shim by `socklint run`, or by a bare LD_PRELOAD where `run` would be noticed."""
        nr = len(self.processes)
        env = dict(os.environ, LC_ALL="C", **(env or {}))
        argv = [str(a) for a in argv]
        if self.tools and preload:
            env["LD_PRELOAD"] = self.tools.library
            env["SOCKLINT_OPTIONS"] = "report=none:max-files=100000:dir=" + self.recording_dir()
        elif self.tools:
            argv = [self.tools.command, "run", "--dir", self.recording_dir(), "--format",
                    "text:/dev/null", "--error-exitcode=0", "--"] + argv
        if unprivileged and os.geteuid() == 0:
            argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] + argv
        out = open(self.path("out.%d" % nr), "wb")
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("cwd", self.where)
        child = subprocess.Popen(argv, env=env, stdout=out, stderr=subprocess.STDOUT,
                                 start_new_session=True, **popen)
        out.close()
        child.output = out.name
        child.followed, child.preloaded = bool(self.tools) and not preload, preload
        self.processes.append(child)
        if self.tools and preload:
            self.prove_loaded(child)
        return child

    def prove_loaded(self, child):
        """A program without a socket leaves no recording: its map of memory must do."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if self.tools.library in read_file("/proc/%d/maps" % child.pid):
                return
            if child.poll() is not None:
                break
        raise Failed("the shim did not load into it; see " + child.output)

    def finish(self, child, timeout=60):
        """The exit status, of a deadly signal as `run` and shells say it: 128 + N."""
        try:
            status = child.wait(timeout)
            return 128 - status if status < 0 and not child.preloaded else status
        except subprocess.TimeoutExpired:
            kill_family(child.pid)
            return "did not end within %d s" % timeout

    def output(self, child):
        """Without the one line that `run` says of itself."""
        with open(child.output, errors="replace") as f:
            return re.sub(r"^socklint: the recordings? (?:is|are) in .*\n", "", f.read(), flags=re.M)

    def run(self, argv, timeout=60, **rest):
        child = self.start(argv, **rest)
        return self.finish(child, timeout), self.output(child)

    def findings(self):
        """The headlines of the report on all recordings."""
        found = []
        for path in self.recordings:
            done = subprocess.run([self.tools.command, "report", "--color=never", path], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            found += re.findall(r"^(?:error|warning): .*", done.stdout, re.M)
            if done.returncode not in (0, 1) and os.listdir(path):
                raise Failed("report: " + done.stdout.strip())
        if not self.recordings:
            raise Failed("nothing was started under the shim")
        return found

    def end(self):
        """Nothing that was started outlives its measure."""
        for child in self.processes:
            kill_family(child.pid)
            child.wait()

    def normal(self, text):
        """Output without what is new each time: numbers, the place, the order of the lines."""
        text = re.sub(r"0x[0-9a-f]+|\d+", "#", text.replace(self.where, "HERE"))
        return "\n".join(sorted(set(text.splitlines())))


def free_port():
    """Below the ephemeral ones, so that no client is given it between now and its use."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def read_file(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def children(pid):
    return [int(child) for task in ids("/proc/%d/task" % pid)
            for child in read_file("/proc/%d/task/%d/children" % (pid, task)).split()]


def ids(path):
    try:
        return [int(name) for name in os.listdir(path)]
    except OSError:
        return []


def family(pid):
    return [pid] + [d for child in children(pid) for d in family(child)]


def kill_family(pid):
    for member in family(pid):
        try:
            os.kill(member, signal.SIGKILL)
        except ProcessLookupError:
            pass


def programs(child):
    """Its processes, without those of `socklint run`: the command and its witness."""
    pids = family(child.pid)
    if not child.followed:
        return pids
    return [p for p in pids[1:] if read_file("/proc/%d/comm" % p).strip() != "socklint"]


SOCKET_TABLES = "tcp", "tcp6", "udp", "udp6", "unix"
TCP_STATES = {"01": "connected", "08": "close-wait", "0A": "listening"}


def socket_kinds(pid):
    """What each inode of the process's network namespace is."""
    kinds = {}
    for table in SOCKET_TABLES:
        for line in read_file("/proc/%d/net/%s" % (pid, table)).splitlines()[1:]:
            word = line.split()
            if table == "unix":
                kinds[word[6]] = "unix"
            else:
                kinds[word[9]] = table + " " + TCP_STATES.get(word[3], "other")
    return kinds


def describe(link, sockets):
    found = re.fullmatch(r"socket:\[(\d+)\]", link)
    if found:
        return "socket " + sockets.get(found.group(1), "of another kind")
    link = re.sub(r"\d+", "#", link)
    return re.sub(r".*/(?:shim|native)#/", "HERE/", link)


def descriptors(pid):
    sockets = socket_kinds(pid)
    count = collections.Counter()
    for fd in ids("/proc/%d/fd" % pid):
        try:
            count[describe(os.readlink("/proc/%d/fd/%d" % (pid, fd)), sockets)] += 1
        except OSError:
            pass
    return "; ".join("%d %s" % (n, kind) for kind, n in sorted(count.items()))


def status_of(pid):
    """SigCgt is left out: HACKING names it among the tells."""
    text = read_file("/proc/%d/status" % pid)
    return " ".join("".join(line.split()) for line in text.splitlines()
                    if line.startswith(("SigBlk:", "SigIgn:", "Uid:", "Gid:", "NoNewPrivs:",
                                        "Seccomp:")))


def snapshot(child):
    """All processes of a server, by name: what a look into /proc says of each."""
    rows = sorted((read_file("/proc/%d/comm" % p).strip(), descriptors(p), status_of(p),
                   len(ids("/proc/%d/task" % p))) for p in programs(child))
    looks = {}
    for i, (name, held, status, threads) in enumerate(rows):
        looks["process %d, descriptors" % i] = name + ": " + held
        looks["process %d, threads" % i] = "%s: %d" % (name, threads)
        looks["process %d, status" % i] = name + ": " + status
    return looks


def settled(child, seconds=4):
    """A snapshot that two looks agree on."""
    last = snapshot(child)
    for _ in range(int(seconds / 0.2)):
        time.sleep(0.2)
        now = snapshot(child)
        if now == last:
            break
        last = now
    return last


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]
