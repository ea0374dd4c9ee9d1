# SPDX-License-Identifier: MIT
"""Sources that were compiled elsewhere are named as the repository knows them, in every frame."""
import json
import os

from outside import check, need, read, source


def _files(node):
    """Every "file" of a JSON document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "file" and value:
                yield value
            yield from _files(value)
    elif isinstance(node, list):
        for value in node:
            yield from _files(value)


def _report(place, *options):
    path = place.path("report.json")
    place.run(place.command, "run", "-f", "json:" + path, *options, "--", place.path("server"),
              "leak", status=23)
    return set(_files(json.loads(read(path))))


def source_root_and_path_map(place):
    need(place.cc)
    here = source("tests/outside/consumer")
    place.run(place.cc, "-g", "-ffile-prefix-map=%s=/ci/build" % here, "-I",
              source("shim/include"), "-o", place.path("server"), here + "/server.c")
    files = _report(place)
    check("/ci/build/server.c" in files, files)
    files = _report(place, "--path-map=/ci/build=" + here)
    check(here + "/server.c" in files, files)
    check(not [f for f in files if f.startswith("/ci/")], files)
    files = _report(place, "--path-map=/ci/build=" + here, "--source-root", source("."))
    check("tests/outside/consumer/server.c" in files, files)
    check(not [f for f in files if f.startswith((source(""), "/ci/"))], files)
    # Below where the command was called.
    files = _report(place, "--path-map=/ci/build=" + place.dir, "--source-root=.")
    check("server.c" in files, files)


def page_shows_the_source(place):
    need(place.cc)
    here = source("tests/outside/consumer")
    place.run(place.cc, "-g", "-ffile-prefix-map=%s=/ci/build" % here, "-I",
              source("shim/include"), "-o", place.path("server"), here + "/server.c")
    page = place.path("page.html")
    said = place.run(place.command, "run", "-f", "text", "-f", "html:" + page,
                     "--path-map=/ci/build=" + here, "--source-root", source("."), "--",
                     place.path("server"), "leak", status=23)
    text = read(page)
    check("socklint:close-wait" in text, "no suppression to paste")
    check("socklint:close-wait" not in said, "the text tells what nobody asked for")
    check('<figcaption>tests/outside/consumer/server.c' in text, "no source in the page")
    check("<mark>" in text and "accept(" in text, "not the cited line")


def path_map_without_a_new_side(place):
    text = place.run(place.command, "run", "--path-map=/ci/build", "--", "true", status=2)
    check(text.startswith("socklint run: --path-map=/ci/build: not of the form OLD=NEW"), text)
    check(not os.path.exists(place.path("socklint-%d" % os.geteuid())), "something was run")


def outputs_are_named_by_their_run(place):
    need(place.cc)
    server, host = place.path("server"), os.uname().nodename
    place.run(place.cc, "-g", "-I", source("shim/include"), "-o", server,
              source("tests/outside/consumer/server.c"))
    os.mkdir(place.path("of-server"))
    place.run(place.command, "run", "--dir", "rec", "-f", "json:of-%e/%h.%p.%%p.json", "-f",
              "text:%e.txt", "--", server, "leak", status=23)
    name, = os.listdir(place.path("of-server"))
    pid = json.loads(read(place.path("of-server", name)))["processes"][0]["pid"]
    check(name == "%s.%d.%%p.json" % (host, pid), name)
    check("close-wait" in read(place.path("server.txt")))
    # The same of the recording, from whatever place.
    place.run(place.command, "report", "-f", "json:again-%e.%h.%p", "rec", status=1)
    check(os.path.exists(place.path("again-server.%s.%d" % (host, pid))), os.listdir(place.dir))
    # What does not run names nothing, and an old file of the name is replaced.
    place.run(place.command, "run", "-f", "text:%e.txt", "--", server, "close")
    check("no leaks" in read(place.path("server.txt")), read(place.path("server.txt")))
