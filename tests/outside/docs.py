# SPDX-License-Identifier: MIT
"""The manual names all there is, and real shells complete it."""
import os
import pty
import re
import select
import subprocess
import time

from outside import Failed, Missing, check, need, pack, read, source

PAGES = {"socklint.1": "man1", "socklint-suppressions.5": "man5", "libsocklint.7": "man7"}
COMMANDS = ("run", "report", "diff", "explain", "selftest")


def _page(place, name):
    return read(os.path.join(place.build, "man", name))


def mandoc_finds_no_fault(place):
    need("mandoc")
    prefix = place.path("prefix")
    place.run("cmake", "--install", place.build, "--prefix", prefix)
    man = os.path.join(prefix, "share/man")
    for name, section in PAGES.items():
        text = place.run("mandoc", "-T", "lint", os.path.join(man, section, name), status=None)
        # It looks for those that the system has: ours are not there, others need not be.
        check(not re.sub(r".*(referenced manual not found|outdated mandoc\.db).*\n", "", text), text)
        for xr, number in re.findall(r"^\.Xr (\S+) (\d)", read(os.path.join(man, section, name)),
                                     re.M):
            check(xr + "." + number in PAGES or (xr, number) in (("ss", "8"), ("ld.so", "8")), xr)


def manual_names_all_options(place):
    """What the command says of itself, against what its tables were made into."""
    page = _page(place, "socklint.1")
    for command in COMMANDS:
        start = page.index(".Ss socklint %s\n" % command) if command != "explain" else 0
        section = page[start:].split("\n.S", 2)[0] if start else page
        usage = place.run(place.command, command, "--help")
        options = set(re.findall(r"^ +(?:-\S, )?--([a-z-]+)", usage, re.M)) - {
            "help", "usage", "version"}
        check(options or command == "explain", usage)
        for option in options:
            check(re.search(r"Fl Fl %s( |$)" % re.escape(option), section, re.M),
                  "socklint.1 lacks --%s of %s" % (option, command))
    listed = re.search(r"there is (.*)", place.run(place.command, "nonsense", status=2)).group(1)
    check(set(listed.split(", ")) == set(COMMANDS), listed)


def manual_names_all_rules_and_keys(place):
    rules = [line.split()[0] for line in place.run(place.command, "explain").splitlines()]
    check(len(rules) > 10)
    for name in ("socklint.1", "socklint-suppressions.5"):
        for rule in rules:
            check(".It Cm %s " % rule in _page(place, name), name, rule)
    usage = place.run("true", env={"LD_PRELOAD": place.shim, "SOCKLINT_OPTIONS": "help=1"})
    keys = re.findall(r"^  ([a-z-]+)=", usage, re.M)
    check(len(keys) > 5, usage)
    for key in keys:
        check(".It Cm %s Ns = " % key in _page(place, "libsocklint.7"), key)
        check("`%s=" % key in read(source("README.md")), "README.md lacks %s" % key)
    formats = re.search(r"there is (.*)", place.run(place.command, "report", "-f", "none", "x",
                                                    status=2)).group(1)
    check(formats in _page(place, "socklint.1").replace("\n", " "), formats)


class _Shell:
    """A shell at a terminal, in which socklint prints the words that it was given."""

    def __init__(self, place, argv, *setup, **env):
        self.master, slave = pty.openpty()
        environment = dict(os.environ, TERM="dumb", LC_ALL="C", HOME=place.dir, PS1="", PROMPT="",
                           **env)
        for name in ("BASH_ENV", "ENV", "ZDOTDIR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, env=environment, cwd=place.dir)
        os.close(slave)
        for line in setup:
            self.send(line + "\n")
        self.send("socklint() { printf '<%s>' \"$@\"; echo '<<''END>>'; }\n")
        self.send("socklint\n")
        self.read()

    def send(self, text):
        os.write(self.master, text.encode())

    def read(self):
        got, end = "", time.monotonic() + 30
        while "<<END>>" not in got:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Failed("the shell says: %r" % got)
            got += os.read(self.master, 65536).decode("utf-8", "replace")
        return got[:got.index("<<END>>")]

    def complete(self, text):
        """The words after a key of Tab where the text has one, or behind it."""
        self.send((text if "\t" in text else text + "\t") + "\n")
        got = self.read()
        return re.findall(r"<([^<>]*)>", got[got.rindex("\n"):])

    def close(self):
        os.close(self.master)
        self.process.kill()
        self.process.wait()


def _completes(shell, place):
    place.write("known.json", "{}\n")
    place.write("some.rec/x", "")
    cases = {
        "socklint selft": ["selftest"],
        "socklint explain close-w": ["explain", "close-wait"],
        "socklint run --gen": ["run", "--gen-suppressions"],
        "socklint run --source-r\tx": ["run", "--source-root=x"],
        "socklint report --col\tx": ["report", "--color=x"],
        "socklint run --color=al": ["run", "--color=always"],
        "socklint run --pprof-time=rec": ["run", "--pprof-time=recorded"],
        "socklint run --html-assets=ex": ["run", "--html-assets=external"],
        "socklint run --fail-on=abandoned,slow": ["run", "--fail-on=abandoned,slow-close"],
        "socklint run --baseline=kno": ["run", "--baseline=known.json"],
        "socklint run -f tex": ["run", "-f", "text"],
        "socklint run -o some": ["run", "-o", "some.rec"],
        "socklint diff --rep": ["diff", "--repeat"],
        "socklint report some": ["report", "some.rec"],
        "socklint run --strict -- base64 kno": ["run", "--strict", "--", "base64", "known.json"],
        "socklint run -- basenam": ["run", "--", "basename"],
    }
    try:
        for typed, wanted in cases.items():
            got = [word.rstrip("/") for word in shell.complete(typed)]
            check(got == wanted, typed, got, wanted)
    finally:
        shell.close()


def _bash(place, how, **env):
    need("bash")
    return _Shell(place, ["bash", "--norc", "--noprofile", "-i"], "PS1=",
                  "bind 'set enable-bracketed-paste off'", how, **env)


def _zsh(place, fpath):
    need("zsh")
    return _Shell(place, ["zsh", "-f", "-i"], "PROMPT=", "unsetopt zle_bracketed_paste",
                  "unset zle_bracketed_paste", "fpath=(%s)" % fpath,
                  "autoload -U compinit && compinit -u -D")


def bash_completes(place):
    _completes(_bash(place, ". %s/man/socklint.bash" % place.build), place)


def zsh_completes(place):
    _completes(_zsh(place, "%s/man $fpath" % place.build), place)


def _installed(place):
    """Two trees as they would lie in /: what cmake installs below /usr/local, and the package."""
    place.run("cmake", "--install", place.build, "--prefix", place.path("cmake/usr/local"))
    yield place.path("cmake"), "/usr/local/share"
    place.run("dpkg-deb", "-x", pack(place, place.path("out")), place.path("deb"))
    yield place.path("deb"), "/usr/share"


def zsh_finds_what_is_installed(place):
    """Where it looks by itself, and nowhere else."""
    need("zsh")
    looks = place.run("zsh", "-fc", "print -l -- $fpath").split()
    for root, share in _installed(place):
        there = [os.path.join(d, f) for d, _, names in os.walk(root) for f in names
                 if f == "_socklint"]
        check(len(there) == 1, there)
        here = [root + d for d in looks if d.startswith(share + "/")]
        check(os.path.dirname(there[0]) in here, there, looks)
        _completes(_zsh(place, "%s $fpath" % " ".join(here)), place)


def bash_finds_what_is_installed(place):
    """By bash-completion, which loads it when it is wanted first."""
    loader = "/usr/share/bash-completion/bash_completion"
    if not os.path.exists(loader):
        raise Missing("there is no bash-completion")
    for root, share in _installed(place):
        _completes(_bash(place, ". " + loader, XDG_DATA_DIRS=root + share), place)


def completions_are_sound(place):
    need("shellcheck")
    place.run("shellcheck", "-s", "bash", place.build + "/man/socklint.bash")
