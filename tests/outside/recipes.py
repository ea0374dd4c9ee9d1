# SPDX-License-Identifier: MIT
"""The recipes of examples/ci and examples/deploy, linted and run as far as that can be done here."""
import base64
import http.server
import json
import os
import re
import shutil
import threading

from outside import Missing, check, need, pack, read, source

PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(project C)
enable_testing()
add_executable(server server.c)
target_include_directories(server PRIVATE %s)
add_test(NAME serves COMMAND server %s)
"""
INSTALLS = "apt-get "


def _yaml(path):
    try:
        import yaml
    except ImportError as why:
        raise Missing("there is no python3-yaml") from why
    return yaml.safe_load(read(source(path)))


def _lint(place, script, shell="bash"):
    need("shellcheck")
    place.run("shellcheck", "-s", shell, place.write("script", script))


def _need_formats(place, script):
    text = place.run(place.command, "report", "-f", "none", "x", status=2)
    known = re.search(r"there is (.*)", text).group(1).split(", ")
    lacking = sorted(set(re.findall(r"-f \"?([a-z]+)(?=[:\s])", script)) - set(known))
    if lacking:
        raise Missing("socklint has no format " + ", ".join(lacking))


def _project(place, way):
    """A repository of somebody's, where the steps are run."""
    place.write("repo/CMakeLists.txt", PROJECT % (source("shim/include"), way))
    shutil.copy(source("tests/outside/consumer/server.c"), place.path("repo"))
    place.write("repo/socklint-known.json",
                '{"format": "socklint-baseline", "version": 1, "findings": []}\n')


def _run_steps(place, scripts, shell, wrong=23):
    """The step that tests passes on clean tests, and fails where they leak."""
    env = {"PATH": os.path.dirname(place.command) + ":" + os.environ["PATH"],
           "GITHUB_STEP_SUMMARY": place.path("summary")}
    for way, status in (("close", 0), ("leak", wrong)):
        shutil.rmtree(place.path("repo"), ignore_errors=True)
        _project(place, way)
        for script in scripts:
            tests = "socklint run" in script
            place.run(*shell, script, status=status if tests else 0, env=env,
                      cwd=place.path("repo"), timeout=200)
        yield


def _try_pipeline(place, scripts, shell, outputs):
    for script in scripts:
        _lint(place, "\n".join(["set -e", script, ""]))
    runnable = [s for s in scripts if INSTALLS not in s]
    check(any("socklint selftest" in s for s in runnable), "no selftest")
    _need_formats(place, "\n".join(runnable))
    for _ in _run_steps(place, runnable, shell):
        for name in outputs:
            check(os.path.getsize(place.path("repo", name)) > 0, name)


def github(place):
    job = _yaml("examples/ci/github.yml")["jobs"]["leaks"]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    text = read(source("examples/ci/github.yml"))
    uses = {step["uses"].split("@")[0]: step["with"] for step in job["steps"] if "with" in step}
    sarif = uses["github/codeql-action/upload-sarif"]["sarif_file"]
    html = uses["actions/upload-artifact"]["path"]
    check("-f sarif:" + sarif in text and "-f html:" + html in text, sarif, html)
    for step in job["steps"]:  # what is to be seen of a failure
        if "tests" not in step and ("Summary" in step.get("name", "") or "with" in step):
            check(step["if"] == "always()", step)
    _try_pipeline(place, scripts, ["bash", "-e", "-o", "pipefail", "-c"],
                  [sarif, html, "leaks/summary.md", "../summary"])


def gitlab(place):
    job = _yaml("examples/ci/gitlab.yml")["sockets"]
    text = " ".join(job["script"])
    reports = job["artifacts"]["reports"]
    check("-f gitlab:" + reports["codequality"] in text, reports)
    check("-f junit:" + reports["junit"] in text, reports)
    check(job["artifacts"]["when"] == "always")
    _try_pipeline(place, job["before_script"] + job["script"], ["bash", "-e", "-c"],
                  list(reports.values()) + job["artifacts"]["paths"])


def jenkins(place):
    text = read(source("examples/ci/Jenkinsfile"))
    for pair in ("{}", "[]", "()"):
        check(text.count(pair[0]) == text.count(pair[1]), "unbalanced " + pair)
    scripts = re.findall(r"sh '''\n(.*?)'''", text, re.S)
    check(len(scripts) == 2, scripts)
    junit = re.search(r"testResults: '(.*?)'", text).group(1)
    html = re.search(r"reportDir: '(.*?)',\s*reportFiles: '(.*?)'", text).groups()
    check("-f junit:" + junit in text and "-f html:" + "/".join(html) in text, junit, html)
    _try_pipeline(place, scripts, ["sh", "-xe", "-c"], [junit, "/".join(html)])


def make(place):
    need("make")
    shutil.copy(source("examples/ci/Makefile"), place.path("Makefile"))
    here = {"PATH": os.path.dirname(place.command) + ":" + os.environ["PATH"]}

    def run(target, test, status):
        return place.run("make", target, "TEST=" + test, env=here, status=status)

    place.run(place.cc, "-g", "-I", source("shim/include"), "-o", place.path("server"),
              source("tests/outside/consumer/server.c"))
    run("check-leaks", "./server close", 0)
    check("Error 23" in run("check-leaks", "./server leak", 2))
    run("known-leaks", "./server leak", 0)
    run("check-leaks", "./server leak", 0)
    run("check-leaks", "false", 2)


# ---- in production ----


def _server(place):
    server = place.path("server")
    place.run(place.cc, "-g", "-I", source("shim/include"), "-o", server,
              source("tests/outside/consumer/server.c"))
    return server


def _follow(place, environment, recordings, replace):
    """The server under the environment of a recipe, with its paths replaced by ours."""
    env = dict(pair.split("=", 1) for pair in environment)
    for name in env:
        for old, new in replace:
            env[name] = env[name].replace(old, new)
    check(set(env) == {"LD_PRELOAD", "SOCKLINT_OPTIONS"}, env)
    check(os.path.exists(env["LD_PRELOAD"]), env)
    os.makedirs(recordings, exist_ok=True)
    text = place.run(_server(place), "leak", env=env)
    check(not text, text)  # report=none
    text = place.run(place.command, "report", recordings, status=1)
    check("1 socket leaked at 1 place (1 in CLOSE_WAIT" in text, text)


def systemd(place):
    need("systemd-analyze")
    text = read(source("examples/deploy/systemd.conf"))
    place.write("units/demo.service", "[Unit]\nDescription=demo\n[Service]\nExecStart=/bin/true\n")
    place.write("units/demo.service.d/socklint.conf", text)
    said = place.run("systemd-analyze", "verify", "--man=no", place.path("units/demo.service"),
                     status=None)
    check("demo" not in said and "socklint" not in said, said)
    # And a mistake would have been seen.
    place.write("units/demo.service.d/socklint.conf", text.replace("StateDirectory=", "StateDir="))
    said = place.run("systemd-analyze", "verify", "--man=no", place.path("units/demo.service"),
                     status=None)
    check("socklint.conf" in said, said)
    state = re.search(r"^StateDirectory=(.*)$", text, re.M).group(1)
    check("dir=/var/lib/" + state in text, state)
    _follow(place, re.findall(r"^Environment=(.*)$", text, re.M), place.path("state/socklint/demo"),
            [("/usr/lib/libsocklint.so", place.shim), ("/var/lib", place.path("state")),
             ("%N", "demo")])


def dockerfile(place):
    text = read(source("examples/deploy/Dockerfile"))
    pack(place, place.path("tmp"))
    os.makedirs(place.path("opt"))
    for script in re.findall(r"^RUN (.*)$", text, re.M):
        _lint(place, script + "\n")
        for path in ("/tmp", "/opt"):
            script = script.replace(path + "/", place.path(path[1:]) + "/")
        place.run("sh", "-ec", script)
    for copied in re.findall(r"^COPY --from=socklint (\S+)", text, re.M):
        check(os.path.exists(place.dir + copied), copied)
    place.run("cp", "-r", place.path("opt/recordings"), place.path("recordings"))
    _follow(place, re.findall(r"^ENV (.*)$", text, re.M), place.path("recordings"),
            [("/usr/lib/libsocklint.so", place.path("opt/socklint/usr/lib/libsocklint.so")),
             ("/var/lib/socklint", place.path("recordings"))])


def kubernetes(place):
    spec = _yaml("examples/deploy/kubernetes.yaml")["spec"]["template"]["spec"]
    volumes = {v["name"] for v in spec["volumes"]}
    init, = spec["initContainers"]
    server, = spec["containers"]
    for container in (init, server):
        for mount in container["volumeMounts"]:
            check(mount["name"] in volumes, mount)
    check(init["command"] == ["sh", "-ec"])
    script, = init["args"]
    _lint(place, script, "sh")
    deb = pack(place, place.path("tmp"))
    os.makedirs(place.path("socklint"))
    os.makedirs(place.path("opt"))
    place.run("dpkg-deb", "-x", deb, place.path("opt/socklint"))
    mount = init["volumeMounts"][0]["mountPath"]
    for path in ("/opt", mount):
        script = re.sub(r"(?<![\w.])%s/" % path, place.dir + path + "/", script)
    place.run("sh", "-ec", script)
    _follow(place, ["%s=%s" % (e["name"], e["value"]) for e in server["env"]],
            place.path("socklint/recordings"), [(mount + "/", place.path("socklint") + "/")])


def _recordings(place):
    place.run(place.command, "run", "--dir", place.path("recordings"), "--", _server(place), "leak",
              status=23)
    return place.path("recordings")


def _script(place, name):
    need("shellcheck")
    path = source("examples/deploy/" + name)
    place.run("shellcheck", path)
    _need_formats(place, read(path))
    return path, {"PATH": os.path.dirname(place.command) + ":" + os.environ["PATH"]}


def textfile(place):
    path, env = _script(place, "socklint-textfile")
    os.makedirs(place.path("all"))
    os.makedirs(place.path("textfiles"))
    os.rename(_recordings(place), place.path("all/server"))
    place.run(path, place.path("all"), place.path("textfiles"), env=env)
    text = read(place.path("textfiles/socklint-server.prom"))
    check("close_wait" in text and os.listdir(place.path("textfiles")) == [
        "socklint-server.prom"], text)
    place.write("all/broken/1.0.socklint", "no recording")
    place.run(path, place.path("all"), place.path("textfiles"), env=env, status=3)


class _Pyroscope(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.send_response(self.server.answer)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


def pyroscope(place):
    """The request, in the form that Pyroscope's HTTP API documents for PusherService/Push."""
    need("curl")
    path, env = _script(place, "socklint-pyroscope")
    recordings = _recordings(place)
    server = http.server.HTTPServer(("127.0.0.1", 0), _Pyroscope)
    server.asked, server.answer = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        env.update(PYROSCOPE_URL="http://127.0.0.1:%d" % server.server_port,
                   PYROSCOPE_TENANT="team-a")
        place.run(path, recordings, "demo", env=env)
        server.answer = 500
        place.run(path, recordings, "demo", env=env, status=22)
        place.run(path, recordings, 'de"mo', env=env, status=2)
    finally:
        server.shutdown()
        server.server_close()
    where, headers, body = server.asked[0]
    check(where == "/push.v1.PusherService/Push", where)
    check(headers["Content-Type"] == "application/json", headers)
    check(headers["X-Scope-OrgID"] == "team-a", headers)
    series, = json.loads(body)["series"]
    labels = {label["name"]: label["value"] for label in series["labels"]}
    check(labels["__name__"] == "sockets" and labels["service_name"] == "demo", labels)
    sample, = series["samples"]
    check(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sample["ID"]), sample["ID"])
    check(base64.b64decode(sample["rawProfile"], validate=True)[:2] == b"\x1f\x8b", "no gzip")
