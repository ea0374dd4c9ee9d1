# SPDX-License-Identifier: MIT
"""A program that is followed by socklint from its start to its end, and what the report says."""
import collections
import os
import re
import shutil
import signal
import subprocess
import time

HEADLINE = re.compile(r"^(\w+): ([a-z-]+)(?: \(([a-z-]+)\))?: (\d+) \w+ \w+ in (\S+)"
                      r"(?: \(([^():]+):(\d+)\))?", re.M)
LISTED = re.compile(r"^ +(\d+) .*?: (.+)$")

Finding = collections.namedtuple("Finding", "severity rule kind count function file line text")


class Failed(Exception):
    """Nothing could be measured."""


class Report:
    def __init__(self, text):
        self.text = text
        starts = [m.start() for m in HEADLINE.finditer(text)] + [len(text)]
        self.findings = [self.finding(m, text[m.start():end])
                         for m, end in zip(HEADLINE.finditer(text), starts[1:])]
        # What is listed as no fault: how many sockets for each reason.
        self.still_open = collections.Counter()
        for line in text.partition("still open, no fault:")[2].splitlines():
            if m := LISTED.match(line):
                self.still_open[m[2]] += int(m[1])

    @staticmethod
    def finding(m, text):
        return Finding(m[1], m[2], m[3], int(m[4]), m[5], m[6], int(m[7] or 0), text)

    def headlines(self):
        return [f.text.splitlines()[0] for f in self.findings]


class Followed:
    """By `socklint run`, or with a bare preload; in a session of its own, all of which ends."""

    def __init__(self, tools, where, argv, bare=False, env=None, cwd=None):
        self.tools, self.dir, self.bare = tools, os.path.join(where, "recordings"), bare
        os.makedirs(self.dir, mode=0o777)
        os.chmod(self.dir, 0o777)
        self.output = os.path.join(where, "output")
        env = dict(os.environ, LC_ALL="C", **(env or {}))
        argv = [str(a) for a in argv]
        if bare:
            env["LD_PRELOAD"] = tools.library
            env["SOCKLINT_OPTIONS"] = "report=none:dir=" + self.dir
        else:
            argv = [tools.command, "run", "--dir", self.dir, "--format", "text:/dev/null",
                    "--error-exitcode=0", "--"] + argv
        with open(self.output, "wb") as out:
            self.child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT, start_new_session=True,
                                          cwd=cwd or where)

    def said(self):
        with open(self.output, errors="replace") as f:
            return f.read()

    def wait_for(self, pattern, seconds=20):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if m := re.search(pattern, self.said(), re.M):
                return m
            if self.child.poll() is not None:
                break
            time.sleep(0.01)
        raise Failed("never said %r: %s" % (pattern, self.said()[-500:]))

    def session(self):
        """All that it started and is alive, but not `socklint run` itself or its witness."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    name, rest = f.read().rsplit(")", 1)
            except OSError:
                continue
            words = rest.split()
            if int(words[3]) == self.child.pid and words[0] not in "ZX" and \
                    (self.bare or not name.endswith("(socklint")):
                found.append(int(pid))
        return sorted(found)

    def program(self):
        """The pid of what was to be started."""
        pids = [self.child.pid] if self.bare else self.session()
        if not pids:
            raise Failed("it has ended: " + self.said()[-500:])
        return pids[0]

    def kill(self):
        """The whole program at once; `socklint run` is left to see it."""
        for pid in reversed(self.session()):
            self.signal_one(pid, signal.SIGKILL)

    @staticmethod
    def signal_one(pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def finish(self, seconds=30):
        """Waits for all of its processes."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed("did not end within %d s" % seconds) from None
        until = time.monotonic() + seconds
        while self.session():
            if time.monotonic() > until:
                raise Failed("a process of it did not end")
            time.sleep(0.02)

    def report(self, options=()):
        done = subprocess.run([self.tools.command, "report", "--color=never", *options, self.dir],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if done.returncode not in (0, 1) and os.listdir(self.dir):
            raise Failed("report: " + done.stdout[-500:])
        return Report(done.stdout)

    def end(self):
        self.kill()
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()


class Tools:
    """The command and its library, copied: a build under way must not change them."""

    def __init__(self, build, scratch):
        self.scratch = scratch
        here = os.path.dirname(os.path.abspath(__file__))
        for part in "bin", "lib":
            if not os.path.isdir(os.path.join(build, part)):
                raise SystemExit("tests/verdicts/run: %s is not built; see --build" % build)
            shutil.copytree(os.path.join(build, part), os.path.join(scratch, part))
        self.server = shutil.copy(os.path.join(build, "tests", "verdicts_server"), scratch)
        self.source = shutil.copy(os.path.join(here, "server.c"), scratch)
        self.command = os.path.join(scratch, "bin", "socklint")
        self.library = os.path.join(scratch, "lib", "libsocklint.so")

    def mark(self, name):
        """The line of the server's source that bears a mark."""
        with open(self.source) as f:
            return 1 + [("mark: %s " % name) in line for line in f].index(True)
