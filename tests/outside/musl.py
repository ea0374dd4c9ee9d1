# SPDX-License-Identifier: MIT
"""Programs of another C library: the library of a glibc build follows them, and so does musl's own."""
import glob
import os

from outside import Missing, check, need, read, source

BLIND = "ran without libunwind: callers only, no stacks"
LEAK = "error: close-wait (eof-ignored): 1 socket opened in take (server.c:"
LEFT_OUT = {"client", "unit_test"}


def _compile(place, out, *sources):
    need("musl-gcc")
    machine = os.uname().machine
    place.run("musl-gcc", "-g", "-O1", "-D_GNU_SOURCE", "-I", source("shim/include"), "-idirafter",
              "/usr/include", "-idirafter", "/usr/include/%s-linux-gnu" % machine, "-o", out,
              *sources, "-pthread")
    check("ld-musl" in place.run("readelf", "-lW", out), out)
    return out


def _server(place):
    return _compile(place, place.path("server"), source("tests/outside/consumer/server.c"))


def _follows(place, shim):
    """A leak is found, and that there are no stacks is said; its twin is silent."""
    server = _server(place)
    for way, status in (("leak", 1), ("close", 0)):
        recordings = place.path("recordings-" + way)
        os.mkdir(recordings)
        said = place.run(server, way, env={
            "LD_PRELOAD": shim, "SOCKLINT_OPTIONS": "dir=%s:report=none" % recordings})
        check(not said, said)
        text = place.run(place.command, "report", recordings, status=status)
        if status:
            check(LEAK in text and BLIND in text, text)
        else:
            check(text.endswith("socklint: no leaks: 5 sockets followed in 1 process\n"), text)
            check(not glob.glob(recordings + "/*.socklint"), os.listdir(recordings))
    asked = place.run(server, "ask", env={"LD_PRELOAD": shim, "SOCKLINT_OPTIONS": "report=none"})
    check("1 socket leaks" in asked, asked)


def library_of_glibc(place):
    _follows(place, place.shim)


def library_of_musl(place):
    """Built alone: musl has no argp, and the command reads its recordings anywhere."""
    need("musl-gcc")
    build = place.path("build")
    place.run("cmake", "-S", source("."), "-B", build, "-DCMAKE_C_COMPILER=musl-gcc",
              "-DSOCKLINT_COMMAND=OFF", "-DSOCKLINT_WERROR=ON")
    place.run("cmake", "--build", build)
    shim = build + "/lib/libsocklint.so"
    needed = [line for line in place.run("readelf", "-dW", shim).splitlines() if "NEEDED" in line]
    check(len(needed) == 1 and "[libc.so]" in needed[0], needed)
    _follows(place, shim)


def command_runs_programs(place):
    server = _server(place)
    text = place.run(place.command, "run", "--", server, "leak", status=23)
    check(LEAK in text and BLIND in text, text)
    place.run(place.command, "run", "--", server, "close")
    # Both kinds in one tree.
    text = place.run(place.command, "run", "--", "sh", "-c", server + " close; " + server + " leak",
                     status=23)
    check(LEAK in text, text)


def examples(place):
    """Each says in its first comment what is to be found."""
    harness = os.path.join(place.build, "tests/test_examples")
    if not os.path.exists(harness):
        raise Missing("the tests are not built")
    names = sorted(os.path.basename(path)[:-2] for path in glob.glob(source("examples/*.c")))
    tried = [name for name in names if name not in LEFT_OUT]
    check(len(tried) > 15, tried)
    for name in tried:
        path = source("examples/%s.c" % name)
        check("finds:" in read(path) or name == "correct", name)
        place.run(harness, path, _compile(place, place.path(name), path))
