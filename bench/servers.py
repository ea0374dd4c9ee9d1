# SPDX-License-Identifier: MIT
"""The servers that are measured: bare and watched ones run side by side, and are asked in turn."""
import os
import subprocess

from measure import Server, free_port, wait_for


class Echo(Server):
    threads, idle, work, clients, requests = 1, 0, 0, 1, 15000

    def start(self, env):
        child = self.popen([self.bench.programs + "/bench_echo", "serve", str(self.threads),
                            str(self.idle), str(self.work)], env,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = child.stdout.readline().strip()
        return child

    def rate(self):
        nr = self.times(self.requests)
        return self.ask([self.bench.programs + "/bench_echo", "ask", self.port, str(nr),
                         str(self.clients)], nr=nr)


def echo(**what):
    return type("Echo", (Echo,), what)


class Wrk(Server):
    """Asked by wrk, which wants a time, not a number."""
    close = False
    needs = ("wrk",)

    def rate(self):
        return self.ask(["wrk", "-t1", "-c8", f"-d{max(1, round(self.bench.options.length))}"]
                        + (["-H", "Connection: close"] if self.close else [])
                        + [f"http://127.0.0.1:{self.port}/"], r"Requests/sec:\s+([0-9.]+)",
                        nr_pattern=r"(\d+) requests in")


class Nginx(Wrk):
    needs = "nginx", "wrk"

    def start(self, env):
        self.port = free_port()
        conf = os.path.join(self.where, "nginx.conf")
        with open(conf, "w") as f:
            f.write("daemon off; worker_processes 1; pid %(w)s/pid; error_log %(w)s/log;"
                    "events {} http { access_log off; keepalive_requests 1000000000;"
                    "client_body_temp_path %(w)s/b; proxy_temp_path %(w)s/p;"
                    "fastcgi_temp_path %(w)s/f; uwsgi_temp_path %(w)s/u; scgi_temp_path %(w)s/s;"
                    "server { listen 127.0.0.1:%(p)d; location / { return 200 'hello'; } } }"
                    % {"w": self.where, "p": self.port})
        child = self.popen(["nginx", "-p", self.where, "-c", conf, "-e", self.where + "/log"], env)
        wait_for(self.port)
        return child


class NginxClose(Nginx):
    close = True


class Redis(Server):
    needs = "redis-server", "redis-benchmark"
    keep = "1"

    def start(self, env):
        self.port = free_port()
        child = self.popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                            "--save", "", "--dir", self.where], env)
        wait_for(self.port)
        return child

    def rate(self):
        n = self.times(40000 if self.keep == "1" else 8000)
        return self.ask(["redis-benchmark", "-p", str(self.port), "-t", "get", "-c", "8",
                         "-n", str(n), "-k", self.keep, "--csv"], r'"GET","([0-9.]+)"', nr=n)


class RedisClose(Redis):
    keep = "0"


class Python(Wrk):
    needs = "python3", "wrk"
    program = """
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hello).serve_forever()
"""
    command = "python3", "-c"

    def start(self, env):
        self.port = free_port()
        child = self.popen([*self.command, self.program, str(self.port)], env)
        wait_for(self.port)
        return child


class Node(Python):
    needs = "node", "wrk"
    close = True
    program = ('require("http").createServer((q, a) => a.end("hello"))'
               '.listen(+process.argv[1], "127.0.0.1")')
    command = "node", "-e"


SERVERS = {
    "echo_1": (echo(), "echo server, a connection per request, 1 thread"),
    "echo_2": (echo(threads=2, clients=2), "the same, 2 threads"),
    "echo_8": (echo(threads=8, clients=8), "8 threads"),
    "echo_64": (echo(threads=64, clients=16), "64 threads"),
    "echo_new_thread": (echo(threads=0), "a new thread per connection"),
    "echo_idle": (echo(idle=10000), "1 thread, 10,000 idle sockets open"),
    "nginx_close": (NginxClose, "nginx, a connection per request"),
    "nginx_keepalive": (Nginx, "nginx, keep-alive"),
    "redis_close": (RedisClose, "redis, a connection per request"),
    "redis_keepalive": (Redis, "redis, keep-alive"),
    "cpu_1": (echo(work=150, requests=4000), "150 us of work per request, 1 thread"),
    "cpu_2": (echo(work=150, threads=2, clients=2, requests=4000), "the same, 2 threads"),
    "python": (Python, "Python's http.server"),
    "node": (Node, "Node's http"),
}
