# SPDX-License-Identifier: MIT
"""The servers that are measured: bare and watched ones run side by side, and are asked in turn."""
import os
import resource
import subprocess

from measure import Missing, Server, free_port, wait_for


class Echo(Server):
    threads, idle, work = 1, 0, 0

    @classmethod
    def check(cls):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < cls.idle + 100:
            raise Missing(f"{cls.idle + 100:,} descriptors (ulimit -Hn)")

    def start(self, env):
        child = self.popen([self.bench.programs + "/bench_echo", str(self.threads),
                            str(self.idle), str(self.work)], env,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = child.stdout.readline().strip()


def echo(clients=1, **what):
    return type("Echo", (Echo,), dict(what, one_processor=clients == 1,
                                      ask=("close", clients, 1, "x" * 64)))


GET = r"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET_AND_CLOSE = r"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Nginx(Server):
    needs = ("nginx",)
    requests = 4000
    ask = "keep", 1, 8, GET

    def start(self, env):
        self.port = free_port()
        conf = os.path.join(self.where, "nginx.conf")
        with open(conf, "w") as f:
            f.write("daemon off; worker_processes 1; pid %(w)s/pid; error_log %(w)s/log;"
                    "events {} http { access_log off; keepalive_requests 1000000000;"
                    "client_body_temp_path %(w)s/b; proxy_temp_path %(w)s/p;"
                    "fastcgi_temp_path %(w)s/f; uwsgi_temp_path %(w)s/u; scgi_temp_path %(w)s/s;"
                    "server { listen 127.0.0.1:%(p)d; %(s)s } }"
                    % {"w": self.where, "p": self.port, "s": self.site()})
        wait_for(self.port, self.popen(["nginx", "-p", self.where, "-c", conf,
                                        "-e", self.where + "/log"], env))

    def site(self):
        return "location / { return 200 'hello'; }"


class NginxBehind(Nginx):
    def pin(self, i):
        return super().pin(1)  # with the client


class NginxClose(Nginx):
    requests = 2000
    ask = "eof", 1, 8, GET_AND_CLOSE


class NginxFile(Nginx):
    """As Debian has it: a file, by sendfile, and a line in the log."""

    def site(self):
        with open(os.path.join(self.where, "index.html"), "w") as f:
            f.write("<p>hello</p>\n" * 300)
        return (f"root {self.where}; index index.html; sendfile on; tcp_nopush on;"
                f"types {{ text/html html; }} access_log {self.where}/access.log;"
                "location / { try_files $uri $uri/ =404; }")


class Haproxy(Server):
    """In front of an nginx that is not watched."""
    needs = "haproxy", "nginx"
    requests = 2000
    ask = "keep", 1, 8, GET
    option = "http-keep-alive"
    behind = None

    def start(self, env):
        self.behind = NginxBehind(self.bench, self.bench.bare)
        self.behind.start(self.bench.bare.env(self.where))
        self.port = free_port()
        conf = os.path.join(self.where, "haproxy.cfg")
        with open(conf, "w") as f:
            f.write("global\n nbthread 1\n maxconn 1000\n"
                    "defaults\n mode http\n timeout connect 20s\n timeout client 60s\n"
                    f" timeout server 60s\n option {self.option}\n http-reuse always\n"
                    f"listen all\n bind 127.0.0.1:{self.port}\n"
                    f" server one 127.0.0.1:{self.behind.port}\n")
        wait_for(self.port, self.popen(["haproxy", "-db", "-f", conf], env))

    def stop(self):
        super().stop()
        if self.behind:
            self.behind.stop()


class HaproxyClose(Haproxy):
    """Both sides: two sockets for each request."""
    ask = "eof", 1, 8, GET_AND_CLOSE
    option = "httpclose"


class Redis(Server):
    needs = ("redis-server",)
    requests = 4000
    ask = "keep", 1, 8, r"GET key\r\n"

    def start(self, env):
        self.port = free_port()
        wait_for(self.port, self.popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
             "--protected-mode", "no", "--save", "", "--dir", self.where], env))


class RedisClose(Redis):
    requests = 2000
    ask = "close", 1, 8, r"GET key\r\n"


class Python(Server):
    needs = ("python3",)
    requests = 300
    ask = "eof", 1, 4, GET_AND_CLOSE
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
        wait_for(self.port, self.popen([*self.command, self.program, str(self.port)], env))


class Node(Python):
    needs = ("node",)
    one_processor = False  # its collector has threads of its own
    requests = 1000
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
    "nginx_keepalive": (Nginx, "nginx that returns a constant, keep-alive"),
    "nginx_file": (NginxFile, "nginx with a file of 4 KB and its log, keep-alive"),
    "haproxy_close": (HaproxyClose, "haproxy, a connection per request on both sides"),
    "haproxy_keepalive": (Haproxy, "haproxy, keep-alive on both sides"),
    "redis_close": (RedisClose, "redis, a connection per request"),
    "redis_keepalive": (Redis, "redis, keep-alive"),
    "cpu_1": (echo(work=150, requests=500), "150 us of work per request, 1 thread"),
    "cpu_2": (echo(work=150, threads=2, clients=2, requests=500), "the same, 2 threads"),
    "python": (Python, "Python's http.server"),
    "node": (Node, "Node's http"),
}
