# SPDX-License-Identifier: MIT
"""The gate before whole trees of processes: what test runners start, thousands of short ones."""
import glob
import json
import os
import re
import shlex

from outside import check, need, read, source

LEAK = "error: close-wait (eof-ignored): %d socket%s opened in take (server.c:"

MAKEFILE = """\
check: %(tests)s
%%.test:
\t@%(server)s $(word 1,$(subst ., ,$@))
red.test:
\t@false
"""

# The second connection proves that the test was through with the first.
PYTEST = """\
import socket


def serve(forget):
    listener = socket.create_server(("127.0.0.1", 0))
    for number in range(2):
        client = socket.create_connection(listener.getsockname())
        conn, _ = listener.accept()
        client.close()
        assert conn.recv(1) == b""
        if forget and number == 0:
            conn.detach()
        else:
            conn.close()
    listener.close()


def test_clean():
    serve(False)


def test_other():
    serve(%s)


def test_without_sockets():
    assert %s
"""

# One test starts a server. The other is one, and leaves a socket to node, which closes all it has
# when it ends: that is seen only beside others of the place, which were closed long before.
NODE = """\
const test = require('node:test');
const assert = require('node:assert');
const net = require('node:net');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { setTimeout } = require('node:timers/promises');
const [server, way, sweeps, passes] = %s;
const kept = [];

// allowHalfOpen leaves our half to us.
async function serve() {
  const server = net.createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (let i = 0; i < 5; i++) {
    const client = net.connect(server.address().port, '127.0.0.1');
    const [socket] = await once(server, 'connection');
    client.end();
    socket.resume();
    await once(socket, 'end');
    if (i === 0 && sweeps) {
      kept.push(socket);
    } else {
      socket.end();
      await once(socket, 'close');
    }
    client.destroy();
  }
  if (sweeps) await setTimeout(3000);
  server.close();
  for (const socket of kept) socket.unref();
}

test('starts a server', () => assert.equal(spawnSync(server, [way]).status, 0));
test('serves', serve);
test('has no sockets', () => assert.ok(passes));
"""


def _server(place):
    """The consumer's server: "close" serves two and closes both, "leak" forgets the first."""
    server = place.path("server")
    need(place.cc)
    place.run(place.cc, "-g", "-I", source("shim/include"), "-o", server,
              source("tests/outside/consumer/server.c"))
    return server


def _gate(place, *argv, status, options=(), cwd=None):
    """Returns the report, and the recordings that are left."""
    directory = place.path("recordings-%d" % len(glob.glob(place.path("recordings-*"))))
    text = place.run(place.command, "run", "--dir", directory, *options, "--", *argv,
                     status=status, cwd=cwd)
    return text, glob.glob(directory + "/*.socklint")


def _make(place, server, *tests):
    place.write("Makefile", MAKEFILE % {"server": server,
                                        "tests": " ".join(t + ".test" for t in tests)})


def make_check(place):
    need("make")
    server = _server(place)
    _make(place, server, "close", "leak")
    text, left = _gate(place, "make", "check", status=23)
    check(LEAK % (1, "") in text, text)
    check(len(left) == 1, left, text)
    _make(place, server, "close")
    text, left = _gate(place, "make", "check", status=0)
    check("socklint: no leaks: " in text, text)
    check(not left, left)
    _make(place, server, "leak", "red")
    text, left = _gate(place, "make", "check", status=2)
    check(LEAK % (1, "") in text, text)


def findings_are_one_over_processes(place):
    server = _server(place)
    script = "for i in 1 2 3 4 5 6 7; do %s leak; %s close; done" % ((shlex.quote(server),) * 2)
    known = place.path("known.json")
    text, left = _gate(place, "sh", "-c", script, status=0,
                       options=["--write-baseline", known, "--fail-on=none"])
    check(LEAK % (7, "s") in text, text)
    check(text.count("error: ") == 1, text)
    check(len(left) == 7, left)
    check(read(known).count('"id"') == 1, read(known))
    # And what is known does not fail, unless it grows.
    _gate(place, server, "leak", status=0, options=["--baseline", known])
    _gate(place, "sh", "-c", script + "; %s leak" % server, status=23,
          options=["--baseline", known, "--growth"])


def ctest(place):
    need("ctest")
    server = _server(place)

    def write(*tests):
        place.write("t/CTestTestfile.cmake", "".join(
            'add_test(%s "%s" "%s")\n' % (t, server if t != "red" else "false", t)
            for t in tests))

    write("close", "leak")
    text, left = _gate(place, "ctest", status=23, cwd=place.path("t"))
    check("100% tests passed" in text and LEAK % (1, "") in text, text)
    check(len(left) == 1, left, text)
    write("close")
    text, left = _gate(place, "ctest", status=0, cwd=place.path("t"))
    check(not left, left)
    write("leak", "red")
    text, left = _gate(place, "ctest", status=8, cwd=place.path("t"))
    check(LEAK % (1, "") in text, text)


def pytest(place):
    need("pytest")

    def run(forget, passes, status):
        place.write("p/test_it.py", PYTEST % (forget, passes))
        return _gate(place, "pytest", "-q", "-p", "no:cacheprovider", status=status,
                     cwd=place.path("p"))

    text, _ = run(True, True, 23)
    check("3 passed" in text and "error: close-wait (eof-ignored): 1 socket" in text, text)
    text, left = run(False, True, 0)
    check("socklint: no leaks: " in text and not left, text, left)
    text, _ = run(True, False, 1)
    check("1 failed" in text and "error: close-wait" in text, text)


def npm_test(place):
    need("node", "npm")
    place.write("n/package.json", '{"name": "n", "scripts": {"test": "node --test"}}\n')
    env = {"NO_UPDATE_NOTIFIER": "1", "npm_config_cache": place.path("npm")}
    os.environ.update(env)

    server = _server(place)

    def run(status, way="close", sweeps=False, passes=True):
        place.write("n/it.test.js", NODE % json.dumps([server, way, sweeps, passes]))
        return _gate(place, "npm", "test", status=status, cwd=place.path("n"),
                     options=["--fail-on=warning"])

    text, _ = run(23, way="leak")
    check("# fail 0" in text and LEAK % (1, "") in text, text)
    text, _ = run(0)
    check("socklint: no leaks: " in text, text)
    text, _ = run(23, sweeps=True)
    check("warning: closed-at-end: 1 socket closed in " in text, text)
    text, _ = run(1, way="leak", passes=False)
    check("# fail 1" in text and LEAK % (1, "") in text, text)


# What runtimes do to start a program, in a child of theirs that is not a vfork's.
SPAWNING = {
    "node": """\
const { spawn } = require('node:child_process');
for (let i = 0; i < 50; i++) spawn('true', []).stdin.end();
spawn(process.argv[1], ['leak']);
""",
    "/usr/bin/python3": """\
import socket, subprocess, sys
pair = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
def nothing():
    pass
def opens():
    global kept
    kept = socket.socket()
for i in range(50):
    subprocess.run(["true"], stdin=pair[0], preexec_fn=nothing, check=True)
    subprocess.run(["true"], pass_fds=[listener.fileno()], preexec_fn=nothing, check=True)
    subprocess.run(["true"], close_fds=False, preexec_fn=opens, check=True)
subprocess.run([sys.argv[1], "leak"], stdin=pair[0], preexec_fn=nothing, check=True)
""",
}


def programs_that_runtimes_start_leave_nothing(place):
    server = _server(place)
    for runtime, script in SPAWNING.items():
        need(runtime)
        text, left = _gate(place, runtime, "-e" if runtime == "node" else "-c", script, server,
                           status=23)
        check(LEAK % (1, "") in text, runtime, text)
        # The leak's, and that of Python's listener and pair, which it leaves to its end.
        check(len(left) <= 2, runtime, left, text)


def thousands_of_short_processes_leave_nothing(place):
    server = _server(place)
    script = ("i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done; "
              "i=0; while [ $i -lt 200 ]; do %s close; i=$((i+1)); done; %s leak"
              % ((shlex.quote(server),) * 2))
    text, left = _gate(place, "sh", "-c", script, status=23)
    check(LEAK % (1, "") in text, text)
    check(len(left) == 1, left)
    size = sum(os.path.getsize(f) for f in glob.glob(os.path.dirname(left[0]) + "/*"))
    check(size < 2 << 20, size)
    # The processes of the servers are counted, though they left nothing: 5 sockets each.
    counted = re.search(r"(\d+) sockets? of (\d+) processes", text)
    check(counted is None or int(counted.group(1)) >= 1005, text)
