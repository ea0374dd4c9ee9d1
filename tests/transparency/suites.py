# SPDX-License-Identifier: MIT
"""Other people's regression tests: every test's verdict is a result."""
import fnmatch
import os
import re
import sys
import xml.etree.ElementTree

from case import Case, Failed

PYTHON = "/usr/bin/python3.11"
PYTHON_TESTS = "/usr/lib/python3.11/test/test_socket.py"


class Suite(Case):
    """A test suite leaks on purpose: what is found in it is counted, and is no fault."""

    healthy = False
    timeout = 600

    def argv(self, m):
        raise NotImplementedError

    def verdicts(self, m, output):
        """Yields (test, verdict)."""
        raise NotImplementedError

    def measure(self, m):
        status, output = m.run(self.argv(m), self.timeout, preload=True,
                               unprivileged=getattr(self, "unprivileged", False))
        m.results["exit status"] = status
        m.results.update(self.verdicts(m, output))
        if len(m.results) < 2:
            raise Failed("no verdicts in %s" % m.path("out.0"))


class CPython(Suite):
    """One module of CPython's own tests, by its own runner."""

    needs = (PYTHON, PYTHON_TESTS)
    resources = "none"  # no internet, not for hours

    def argv(self, m):
        return [PYTHON, "-m", "test", "--junit-xml", m.path("verdicts.xml"), "--tempdir",
                m.room("tmp"), "-u", self.resources, "-i", "*VSOCK*", self.module]

    def verdicts(self, m, output):
        try:
            tree = xml.etree.ElementTree.parse(m.path("verdicts.xml"))
        except (OSError, xml.etree.ElementTree.ParseError) as why:
            raise Failed("%s; see %s" % (why, m.path("out.0")))
        for test in tree.iter("testcase"):
            kinds = [e.tag for e in test if not e.tag.startswith("system")]
            yield test.get("name"), " ".join(kinds) or "ok"


class Trial(Suite):
    """Twisted's tests, as installed by Debian's python3-twisted."""

    needs = (PYTHON, "/usr/lib/python3/dist-packages/twisted/internet/test/test_tcp.py")

    def argv(self, m):
        return [PYTHON, "-m", "twisted.trial", "--temp-directory", m.path("trial"),
                "--reporter=verbose"] + self.modules

    def verdicts(self, m, output):
        return tree_verdicts(output)


def tree_verdicts(output):
    """Trial's tree: modules, classes and tests by depth, the verdict behind dots."""
    above = {}
    for line in output.splitlines():
        found = re.match(r"( *)([\w.]+) \.\.\. .*?\[(\w[\w ]*)\]$", line)
        parent = re.match(r"( *)([\w.]+)$", line)
        if found:
            names = [above[d] for d in sorted(above) if d < len(found.group(1))]
            yield ".".join(names + [found.group(2)]), found.group(3)
        elif parent:
            depth = len(parent.group(1))
            above = {d: n for d, n in above.items() if d < depth}
            above[depth] = parent.group(2)
        elif line.startswith("====="):
            return


class Tornado(Suite):
    """Tornado's tests: `test (id) ... verdict`, perhaps with a line that describes it between."""

    needs = (PYTHON, "/usr/lib/python3/dist-packages/tornado/test/runtests.py")

    def argv(self, m):
        return [PYTHON, "-m", "tornado.test.runtests", "--verbose"]

    def verdicts(self, m, output):
        test = None
        for line in output.splitlines():
            named = re.match(r"\w+ \(([\w.]+)\)", line)
            test = named.group(1) if named else test
            verdict = re.search(r"(?:\.\.\. |^)(ok|FAIL|ERROR|skipped|expected failure)\b", line)
            if test and verdict:
                yield test, verdict.group(1)
                test = None


class Programs(Suite):
    """A directory of programs, each a test that says by its exit status how it went, or more if it
    speaks TAP. No package has it: a variable of the environment says where it is."""

    short = False
    timeout = 60

    def missing(self):
        if not os.environ.get(self.variable):
            return "$%s is not set" % self.variable
        return super().missing()

    def command(self, path):
        raise NotImplementedError

    def measure(self, m):
        place = os.path.abspath(os.environ[self.variable])
        for name in sorted(os.listdir(place)):
            if any(fnmatch.fnmatch(name, p) for p in self.patterns):
                m.results[name], output = m.run(self.command(os.path.join(place, name)),
                                                self.timeout, preload=True, cwd=place)
                for verdict, nr in re.findall(r"^(ok|not ok) (\d+)", output, re.M):
                    m.results["%s %s" % (name, nr)] = verdict
        if not m.results:
            raise Failed("no such test in " + place)


class Node(Programs):
    """NODE_TESTS: test/parallel of Node's source."""

    needs = ("node",)
    variable = "NODE_TESTS"

    def command(self, path):
        with open(path, errors="replace") as f:
            flags = re.search(r"^// Flags:(.*)", f.read(), re.M)
        return ["node"] + (flags.group(1).split() if flags else []) + [path]


class NginxTests(Programs):
    """NGINX_TESTS: nginx's own tests, in Perl. They want all modules that nginx says it was built
    with, and Debian has most in packages of their own: so it says nothing of these."""

    needs = "perl", "/usr/sbin/nginx"
    variable = "NGINX_TESTS"

    def command(self, path):
        return ["env", "TEST_NGINX_BINARY=" + self.binary, "perl", path]

    def measure(self, m):
        self.binary = m.write("nginx", """#!/bin/sh
            [ "$1" != -V ] && exec /usr/sbin/nginx "$@"
            /usr/sbin/nginx -V 2>&1 | sed 's/--with-[a-z_0-9]*=dynamic//g' >&2""")
        os.chmod(self.binary, 0o755)
        super().measure(m)


SHORT_MODULES = """
    test_socket test_select test_epoll test_os test_posix test_httplib test_httpservers
    test_asyncio.test_streams test_asyncio.test_server test_asyncio.test_sock_lowlevel
    test_asyncio.test_sendfile test_asyncio.test_unix_events test_asyncore test_fcntl
""".split()
LONG_MODULES = """
    test_subprocess test_signal test_ssl test_selectors test_poll test_socketserver test_threading
    test_fork1 test_wait3 test_wait4 test_pty test_popen test_eintr test_io test_faulthandler
    test_asyncio.test_events test_asyncio.test_subprocess test_asyncio.test_base_events
    test_asyncio.test_ssl test_asyncio.test_sslproto test_asyncio.test_selector_events
    test_asyncio.test_tasks test_asyncio.test_runners test_asyncio.test_threads
    test_asyncio.test_buffered_proto test_multiprocessing_fork test_multiprocessing_spawn
    test_multiprocessing_forkserver test_concurrent_futures test_threadsignals test_asynchat
    test_ftplib test_smtplib test_smtpd test_poplib test_imaplib test_nntplib test_telnetlib
    test_urllib2_localnet test_xmlrpc test_docxmlrpc test_robotparser test_logging test_pipes
    test_openpty test_fileio test_tempfile test_atexit test_cmd_line test_sys test_resource
""".split()
TWISTED = "twisted.internet.test.test_"
TWISTED_MODULES = {
    "tcp": ["twisted.test.test_tcp", TWISTED + "tcp", TWISTED + "endpoints"],
    "udp-unix": ["twisted.test.test_udp", "twisted.test.test_unix", TWISTED + "udp",
                 TWISTED + "unix"],
    "process": ["twisted.test.test_process", TWISTED + "process", TWISTED + "fdset",
                "twisted.test.test_stdio", TWISTED + "sigchld", TWISTED + "posixbase"],
    "tls-web": [TWISTED + "tls", "twisted.web.test.test_http", "twisted.web.test.test_wsgi",
                "twisted.web.test.test_distrib"],
    "reactor": [TWISTED + n for n in "core base threads time newtls socket default".split()],
}
NODE_FAMILIES = """
    net http https tls dgram cluster child-process pipe stdio stdin stdout process signal
""".split()
NGINX_FAMILIES = "proxy http upstream stream mail h2 fastcgi limit worker".split()

CASES = (
    [CPython("suites/cpython." + m, module=m, short=True) for m in SHORT_MODULES] +
    [CPython("suites/cpython." + m, module=m, short=False,
             resources="network" if m == "test_socketserver" else "none") for m in LONG_MODULES] +
    [Trial("suites/twisted." + n, modules=m, short=False) for n, m in TWISTED_MODULES.items()] +
    [Tornado("suites/tornado", short=False)] +
    [Node("suites/node." + n, patterns=["test-%s-*.js" % n]) for n in NODE_FAMILIES] +
    [NginxTests("suites/nginx." + n, patterns=[n + "*.t"]) for n in NGINX_FAMILIES]
)
