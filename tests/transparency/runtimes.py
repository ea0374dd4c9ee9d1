# SPDX-License-Identifier: MIT
"""Servers written for a runtime. Idle they end by a handler of theirs where they have one, under
load by SIGTERM's default or the runtime's own way with it."""
import os

import load
from servers import Server, mode_of

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")


class Program(Server):
    """`command`, the file, the port, and how to end."""

    command = ()
    file = None

    def argv(self, m, port, where):
        end = "handler" if mode_of(where) == "idle" else "default"
        return list(self.command) + [os.path.join(PROGRAMS, self.file), port, end]


class Echo(Program):
    def talk(self, port, i):
        way = self.ways[i % len(self.ways)]
        data = b"hello\n" * (1 + i % 4)
        return way + ": " + load.lines(port, way, (data, len(data)))


class Http(Program):
    pass


CASES = [
    Http("runtimes/node", needs=("node",), command=("node",), file="http.js",
         paths=("/", "/proxied")),
    Http("runtimes/java-httpserver", needs=("java", "javac"), command=("java",),
         file="HttpHello.java"),
    Echo("runtimes/java-nio", needs=("java", "javac"), command=("java",), file="NioEcho.java"),
    Echo("runtimes/java-threads", needs=("java", "javac"), command=("java",),
         file="ThreadedEcho.java"),
    Http("runtimes/python-asyncio", needs=("/usr/bin/python3",), command=("/usr/bin/python3",),
         file="asyncio_http.py"),
    Echo("runtimes/perl-fork", needs=("perl",), command=("perl",), file="forking_echo.pl"),
    Echo("runtimes/ruby-threads", needs=("ruby",), command=("ruby",), file="threaded_echo.rb",
         erratic="threads"),  # it keeps some that have ended for the next
    Echo("runtimes/php-streams", needs=("php",), command=("php",), file="stream_echo.php"),
]
