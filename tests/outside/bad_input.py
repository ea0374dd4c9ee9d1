# SPDX-License-Identifier: MIT
"""Bad input: one clear line, the documented status, nothing run, no half a file."""
import os
import stat

from outside import Missing, check, need, read, source

RAN = "RAN"


def _refused(place, line, status, *options):
    """`run` says the line first, and does not start the program."""
    text = place.run(place.command, "run", *options, "--", "touch", place.path(RAN), status=status)
    check(text.startswith(line), options, "said: " + text, "not: " + line)
    check(not os.path.exists(place.path(RAN)), options, "it was run")


def _recording(place):
    need(place.cc)
    server = place.path("server")
    place.run(place.cc, "-g", "-I", source("shim/include"), "-o", server,
              source("tests/outside/consumer/server.c"))
    place.run(place.command, "run", "--dir", place.path("rec"), "--", server, "leak", status=23)
    return place.path("rec")


def two_outputs_to_one_file(place):
    line = "socklint run: %s both go to %s\n"
    both = "text and json"
    _refused(place, line % (both, "a"), 2, "-f", "text:a", "-f", "json:a")
    _refused(place, line % (both, "./a"), 2, "-f", "text:a", "-f", "json:./a")
    _refused(place, line % (both, "standard output"), 2, "-f", "text", "-f", "json")
    os.symlink("a", place.path("link"))
    place.write("a", "old")
    _refused(place, line % (both, "link"), 2, "-f", "text:a", "-f", "json:link")
    _refused(place, line % ("json and the baseline", "a"), 2, "-f", "json:" + place.path("a"),
             "--write-baseline=a")
    check(read(place.path("a")) == "old")
    # Names that come to the same.
    line = "socklint: text and json both go to ./touch\n"
    _refused(place, line, 2, "-f", "text:touch", "-f", "json:./%e")
    _refused(place, "socklint run: text and json both go to %p\n", 2, "-f", "text:%p", "-f", "json:%p")
    # These replace nothing.
    place.run(place.command, "run", "-f", "text:/dev/stdout", "-f", "json:/dev/stdout", "-f",
              "text:b", "-f", "json:c", "--", "true")


def unknown_words(place):
    _refused(place, 'socklint run: unknown format "nope": there is text', 2, "-f", "nope")
    _refused(place, 'socklint run: --fail-on=nope: "nope" is neither a rule', 2,
             "--fail-on=nope")
    _refused(place, "socklint run: no file name after ", 2, "-f", "text:")
    for name, word in (("json:a%x", "%x"), ("json:a-%%%", "%"), ("json:%", "%"), ("json:%P", "%P")):
        _refused(place, 'socklint run: "%s" in "%s": there is %%p (process), %%h (host), '
                 "%%e (program) and %%%%\n" % (word, name), 2, "-f", name)
    text = place.run(place.command, "explain", "nope", status=2)
    check(text.startswith('socklint explain: unknown rule "nope"'), text)


def broken_files(place):
    place.write("s", "close-wait:x\nnonsense\n")
    _refused(place, 'socklint: s:2: neither a block nor RULE:PATTERN: "nonsense"\n', 2,
             "--suppressions=s")
    _refused(place, "socklint: none: No such file or directory\n", 2, "--suppressions=none")
    place.write("b", '{"format": "socklint-baseline", "version": 99, "findings": []}')
    _refused(place, "socklint: b: a baseline of version 99: this socklint knows version 1", 3,
             "--baseline=b")
    place.write("c", '{"format": "socklint-baseline",\n"version": ')
    _refused(place, "socklint: c:2", 3, "--baseline=c")


def output_that_cannot_be_written(place):
    recording = _recording(place)
    os.mkdir(place.path("d"))
    _refused(place, "socklint: d: cannot be written: Is a directory\n", 125, "-f", "text:d")
    text = place.run(place.command, "report", "-f", "json:none/x", recording, status=125)
    check(text == "socklint: none/x: cannot be written: No such file or directory\n", text)
    # The program may make the directory.
    place.run(place.command, "run", "-f", "json:made/x", "--", "mkdir", "made")
    check(os.path.exists(place.path("made/x")))


def what_a_link_leads_to_is_replaced(place):
    recording = _recording(place)
    place.write("old", "old")
    os.symlink("old", place.path("link"))
    with open(place.path("old"), encoding="utf-8") as before:
        place.run(place.command, "report", "-f", "json:link", recording, status=1)
        check(before.read() == "old", "it was written into the old file")
    check(stat.S_ISLNK(os.lstat(place.path("link")).st_mode), "the link is gone")
    check(read(place.path("old")).startswith("{"))


def full_disk_leaves_the_old_file(place):
    recording = _recording(place)
    os.mkdir(place.path("small"))
    script = ("mount -t tmpfs -o size=4k socklint small && echo old > small/out && "
              "ln -s out small/link; for to in out link; do "
              "%s report -f json:small/$to --write-baseline=small/b %s; "
              "echo status $?; cat small/out; done; ls small; %s report %s > /dev/full; "
              "echo status $?" % ((place.command, recording) * 2))
    flags = "-Urm" if os.geteuid() else "-m"
    try:
        place.run("unshare", flags, "true")
    except Exception as why:
        raise Missing("no namespaces here") from why
    text = place.run("unshare", flags, "sh", "-c", script)
    full = "cannot be written: No space left on device\n"
    check(text == ("socklint: small/out: " + full + "socklint: small/b: " + full +
                   "status 125\nold\n" + "socklint: small/link: " + full + "socklint: small/b: " +
                   full + "status 125\nold\nlink\nout\n" +
                   "socklint: the report " + full + "status 125\n"), text)
