# SPDX-License-Identifier: MIT
"""What the tests in this directory share: a place, commands with a time limit, what is missing."""
import inspect
import os
import shutil
import subprocess
import tempfile
import traceback

FILES = ["bad_input", "docs", "install", "musl", "paths", "recipes", "trees"]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77


class Missing(Exception):
    """What a test needs is not here: it is skipped, and counted so."""


class Failed(Exception):
    pass


def check(condition, *what):
    if not condition:
        raise Failed("\n".join(str(w) for w in what))


def need(*programs):
    """The path of the last."""
    for program in programs:
        path = shutil.which(program)
        if not path:
            raise Missing("there is no %s" % program)
    return path


def source(path):
    return os.path.join(SOURCE, path)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Place:
    """A directory of the test's own, and the build that is tested."""

    def __init__(self, build):
        self.build = build
        self.dir = tempfile.mkdtemp(prefix="socklint-outside-")
        self.command = os.path.join(build, "bin/socklint")
        self.shim = os.path.join(build, "lib/libsocklint.so")
        self.cc = os.environ.get("CC", "cc")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def run(self, *argv, status=0, env=None, cwd=None, timeout=120):
        """Returns what it printed, on both channels; status None: any."""
        environment = dict(os.environ, LC_ALL="C", TMPDIR=self.dir, **(env or {}))
        for name in ("LD_PRELOAD", "SOCKLINT_OPTIONS", "SOCKLINT_SUPPRESSIONS", "MAKEFLAGS"):
            if name not in (env or {}):
                environment.pop(name, None)
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env=environment, cwd=cwd or self.dir,
                              timeout=timeout, check=False)
        text = done.stdout.decode("utf-8", "replace")
        if status is not None:
            check(done.returncode == status,
                  "exit status %d, not %d: %s" % (done.returncode, status, " ".join(argv)), text)
        return text

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def pack(place, where):
    """Debian's package. The name of the generator keeps cpack from building all anew beside others."""
    need("dpkg-deb", "dpkg-shlibdeps")
    place.run("cpack", "-G", "DEB", "-D", "CPACK_CMAKE_GENERATOR=Ninja", "--config",
              place.build + "/CPackConfig.cmake", "-B", where)
    deb, = [name for name in os.listdir(where) if name.endswith(".deb")]
    return os.path.join(where, deb)


def tests_of(module):
    """The functions that take a place and whose names begin with no underscore."""
    return [f for name, f in vars(module).items()
            if inspect.isfunction(f) and f.__module__ == module.__name__ and name[0] != "_"]


def _run_one(test, build):
    place = Place(build)
    try:
        test(place)
        return 0, "ok"
    except Missing as why:
        return SKIPPED, "skipped: %s" % why
    except Failed as why:
        return 1, "FAILED: %s" % why
    except Exception:  # whatever it was, the next test is to run
        return 1, "FAILED: " + traceback.format_exc()
    finally:
        place.remove()


def run_all(tests, build):
    results = []
    for test in tests:
        status, text = _run_one(test, build)
        print("%s.%s: %s" % (test.__module__, test.__name__, text), flush=True)
        results.append(status)
    if not results or 1 in results:
        return 1
    return SKIPPED if SKIPPED in results else 0
