# SPDX-License-Identifier: MIT
"""Other people's regression tests: every test's verdict is a result."""
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

    def argv(self, m):
        # VSOCK tests ask for hardware; network and cpu resources are off by default.
        return [PYTHON, "-m", "test", "--junit-xml", m.path("verdicts.xml"), "--tempdir",
                m.room("tmp"), "-i", "*VSOCK*", self.module]

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


class Unittest(Suite):
    """Installed tests that unittest runs: `name ... verdict` on a line each."""

    needs = (PYTHON,)

    def argv(self, m):
        return [PYTHON, "-m", "unittest", "-v"] + self.modules

    def verdicts(self, m, output):
        for test, verdict in re.findall(
                r"^(\w+ \([\w.]+\))(?:\n.*?)?? \.\.\. (ok|FAIL|ERROR|skipped|expected failure)",
                output, re.M):
            yield test, verdict


SHORT_MODULES = """
    test_socket test_select test_selectors test_epoll test_poll test_signal test_socketserver
    test_httplib test_httpservers test_ssl test_asyncore test_asyncio.test_streams
    test_asyncio.test_server test_asyncio.test_sock_lowlevel test_asyncio.test_sendfile
    test_asyncio.test_unix_events test_os test_posix test_fork1 test_wait4 test_pty
""".split()
LONG_MODULES = """
    test_subprocess test_threading test_asyncio.test_events test_asyncio.test_subprocess
    test_asyncio.test_base_events test_asyncio.test_ssl test_asyncio.test_sslproto
    test_asyncio.test_selector_events test_asyncio.test_tasks test_asyncio.test_runners
    test_asyncio.test_threads test_asyncio.test_buffered_proto test_ftplib test_smtplib test_poplib
    test_imaplib test_telnetlib test_urllib2_localnet test_xmlrpc test_docxmlrpc test_robotparser
    test_faulthandler test_eintr test_wait3 test_popen test_fcntl test_ioctl test_io test_file
    test_fileio test_posixpath test_pipes test_openpty test_asynchat test_smtpd test_nntplib
    test_multiprocessing_fork test_multiprocessing_spawn test_multiprocessing_forkserver
    test_concurrent_futures test_thread test_threadsignals test_logging test_mmap test_resource
    test_kqueue test_largefile test_getpass test_tty test_atexit test_exceptions test_syslog
    test_stat test_tempfile test_shutil test_gc test_sys test_venv test_repl test_cmd_line
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

CASES = (
    [CPython("suites/cpython." + m, module=m, short=m in SHORT_MODULES)
     for m in SHORT_MODULES + LONG_MODULES] +
    [Trial("suites/twisted." + n, modules=m, short=False) for n, m in TWISTED_MODULES.items()] +
    [Unittest("suites/tornado", modules=["tornado.test.runtests"], short=False,
              needs=("/usr/lib/python3/dist-packages/tornado/test/runtests.py",))]
)
