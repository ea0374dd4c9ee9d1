# SPDX-License-Identifier: MIT
"""An installation, and who builds against it."""
import glob
import os
import shutil

import chroot
from outside import check, need, pack, source


def _install(place):
    prefix = place.path("prefix")
    place.run("cmake", "--install", place.build, "--prefix", prefix)
    return prefix


def _verdicts(text):
    """{"name": "Passed" or "***Failed"} of ctest's lines."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if "Test" in words and "#" in line and len(words) > 5:
            found[words[3]] = "Passed" in line
    return found


def _try_consumer(place, prefix, name):
    build = place.path("consumer-" + name)
    place.run("cmake", "-S", source("tests/outside/consumer"), "-B", build,
              "-DCMAKE_PREFIX_PATH=" + prefix)
    place.run("cmake", "--build", build)
    text = place.run("ctest", "--test-dir", build, "--output-on-failure", status=8)
    verdicts = _verdicts(text)
    wanted = {"clean": True, "leaks": False, "leaks_of_no_matter": True, "asks_for_itself": True,
              "any_program": True, "elsewhere": True}
    check(verdicts == wanted, verdicts, text)
    check("close-wait (eof-ignored): 1 socket opened in take" in text, text)


def find_package(place):
    _try_consumer(place, _install(place), "here")


def find_package_where_it_was_moved_to(place):
    there = place.path("opt/some where/else").replace(" ", "_")
    os.makedirs(os.path.dirname(there))
    shutil.move(_install(place), there)
    _try_consumer(place, there, "moved")
    check("the self-test passed" in place.run(there + "/bin/socklint", "selftest"))


def find_package_refuses_what_it_does_not_know(place):
    prefix = _install(place)
    place.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(wrong C)\n"
                "find_package(Socklint REQUIRED)\nsocklint_add_test(NAME one COMAND true)\n")
    text = place.run("cmake", "-S", place.dir, "-B", place.path("b"),
                     "-DCMAKE_PREFIX_PATH=" + prefix, status=1)
    check("socklint_add_test(NAME name [OPTIONS option...] COMMAND command" in text, text)
    place.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(wrong C)\n"
                "find_package(Socklint 99 REQUIRED)\n")
    place.run("cmake", "-S", place.dir, "-B", place.path("b"),
              "-DCMAKE_PREFIX_PATH=" + prefix, status=1)


def pkg_config(place):
    prefix = _install(place)
    need("pkg-config", place.cc)
    env = {"PKG_CONFIG_PATH": ":".join(glob.glob(prefix + "/lib*/pkgconfig"))}

    def ask(*what):
        return place.run("pkg-config", *what, "socklint", env=env).strip()

    server = place.path("server")
    place.run(place.cc, *ask("--cflags").split(), "-o", server,
              source("tests/outside/consumer/server.c"), *ask("--libs").split())
    command = ask("--variable=command")
    text = place.run(command, "run", "--", server, "leak", status=23)
    check("in CLOSE_WAIT" in text, text)
    place.run(command, "run", "--", server, "close")
    text = place.run(server, "ask", env={"LD_PRELOAD": ask("--variable=preload")})
    check("1 socket leaks" in text, text)
    check(ask("--modversion") in place.run(command, "--version"))


def _package(place):
    return pack(place, place.path("out"))


def package(place):
    deb = _package(place)
    depends = place.run("dpkg-deb", "-f", deb, "Depends")
    for name in ("libunwind8", "libc6 (>= 2.", "libdw1 (>= 0.", "libjansson4", "libmnl0"):
        check(name in depends, name, depends)
    check("libasan" not in depends)
    place.run("dpkg-deb", "-x", deb, place.path("root"))
    text = place.run(place.path("root/usr/bin/socklint"), "selftest")
    check("library       " + place.path("root/usr/lib/") in text, text)


def package_in_a_chroot(place):
    """A team's first five minutes, where nothing is but what the package brings."""
    root = chroot.minbase(place)
    shutil.copy(_package(place), root + "/tmp/socklint.deb")
    place.run(place.cc, "-g", "-I", source("shim/include"), "-o", root + "/tmp/server",
              source("tests/outside/consumer/server.c"))
    text = chroot.run_in(place, root, """
        get() { apt-get -q -y install --no-install-recommends /tmp/socklint.deb; }
        get || { apt-get -q update && get; } # what the model knew may be gone from the mirror
        echo INSTALLED
        socklint --version
        socklint selftest
        test -s /usr/share/man/man1/socklint.1 || test -s /usr/share/man/man1/socklint.1.gz
        status=0
        socklint run -- /tmp/server leak || status=$?
        echo "status $status"
        apt-get -q -y remove socklint
        test ! -e /usr/bin/socklint
        """, timeout=300)
    text = text[text.index("INSTALLED"):]
    check("the self-test passed" in text and "/usr/lib/libsocklint.so" in text, text)
    check("\nsocklint " in text, "no version", text)
    check("close-wait (eof-ignored): 1 socket opened in take (server.c:" in text, text)
    check("\nstatus 23\n" in text, text)
