# SPDX-License-Identifier: MIT
"""Servers: loaded with a connection for each request, looked at, stopped as their manuals say.

Each is started twice: by `socklint run`, and stopped when all clients have gone; with a bare
preload, and stopped while some clients stay and others come.
"""
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import load
from case import Case, Failed, free_port, programs, settled


class Server(Case):
    requests, at_once, held = 240, 8, 5
    paths = ("/",)
    unprivileged = False
    stops = {"idle": signal.SIGTERM, "load": signal.SIGTERM}
    context = None
    ways = load.WAYS
    erratic = None  # what is left to chance: a word of the result's name

    def argv(self, m, port, where):
        raise NotImplementedError

    def talk(self, port, i):
        way = self.ways[i % len(self.ways)]
        path = self.paths[i // len(self.ways) % len(self.paths)]
        return "%s %s: %s" % (way, path, load.http(port, way, path, self.context))

    def load(self, m, mode, port):
        return load.spread(self.requests, self.at_once, lambda i: self.talk(port, i))

    def stop(self, m, mode, child, port):
        """A signal goes to the server itself: what `run` passes on has tests of its own."""
        os.kill(programs(child)[0], self.stops[mode])

    def measure(self, m):
        for mode in "idle", "load":
            self.serve(m, mode)

    def serve(self, m, mode):
        port, where = free_port(), m.room(mode, everybody=True)
        child = m.start(self.argv(m, port, where), preload=mode == "load",
                        unprivileged=self.unprivileged)
        load.wait_for_port(port, child)
        results = {"before " + k: v for k, v in settled(child).items()}
        for answer, count in self.load(m, mode, port).items():
            results["answers " + answer] = count
        results.update({"after " + k: v for k, v in settled(child).items()})
        clients = Clients(self, port) if mode == "load" else None
        self.stop(m, mode, child, port)
        if clients:
            clients.end()
        results["exit status"] = m.finish(child)
        results["output"] = m.normal(self.said(m, child))
        m.results.update({"%s: %s" % (mode, k): v for k, v in results.items()
                          if not self.erratic or self.erratic not in k})

    def said(self, m, child):
        return m.output(child)


class Clients:
    """Some that stay and say nothing, and one that comes again and again, at the time of the end."""

    def __init__(self, server, port):
        self.held = []
        for _ in range(server.held):
            self.held.append(load.dial(port))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.come_again, args=(server, port), daemon=True)
        self.thread.start()
        time.sleep(0.2)

    def come_again(self, server, port):
        i = 0
        while not self.over.is_set():
            try:
                server.talk(port, i)
            except OSError:
                time.sleep(0.01)
            i += 1

    def end(self):
        time.sleep(0.5)
        self.over.set()
        self.thread.join(30)
        for sock in self.held:
            sock.close()


def configured(text, **words):
    for word, value in words.items():
        text = text.replace("@%s@" % word, str(value))
    return text


class Nginx(Server):
    needs = ("/usr/sbin/nginx",)
    paths = "/", "/proxied", "/missing"
    flags = {"idle": "quit", "load": "stop"}

    def argv(self, m, port, where):
        self.conf = m.write(where + "/nginx.conf", configured("""
            @user@ daemon off; worker_processes 2; pid @at@/pid; error_log @at@/error.log;
            events { worker_connections 256; }
            http { access_log off; client_body_temp_path @at@/b; proxy_temp_path @at@/p;
                fastcgi_temp_path @at@/f; uwsgi_temp_path @at@/u; scgi_temp_path @at@/s;
                server { listen 127.0.0.1:@port@;
                    location = / { return 200 'hello\\n'; }
                    location = /proxied { proxy_ignore_client_abort on;
                        proxy_pass http://127.0.0.1:@port@/; } } }
            """, at=where, port=port, user="user nobody nogroup;" if os.geteuid() == 0 else ""))
        return ["/usr/sbin/nginx", "-p", where, "-c", self.conf]

    def stop(self, m, mode, child, port):
        subprocess.run(["/usr/sbin/nginx", "-c", self.conf, "-s", self.flags[mode]], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)


class Apache(Server):
    needs = ("/usr/sbin/apache2", "/usr/lib/apache2/modules/mod_mpm_event.so")
    paths = "/", "/missing"
    flags = {"idle": "graceful-stop", "load": "stop"}

    def argv(self, m, port, where):
        m.write(where + "/htdocs/index.html", "hello\n")
        self.conf = m.write(where + "/apache2.conf", configured("""
            ServerName localhost
            ServerRoot @at@
            DefaultRuntimeDir @at@
            PidFile @at@/pid
            ErrorLog @at@/error.log
            Listen 127.0.0.1:@port@
            LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
            LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
            LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
            Mutex posixsem
            StartServers 2
            ServerLimit 2
            ThreadsPerChild 8
            MaxRequestWorkers 16
            MinSpareThreads 1
            MaxSpareThreads 16
            DirectoryIndex index.html
            DocumentRoot @at@/htdocs
            <Directory @at@/htdocs>
            Require all granted
            </Directory>
            @user@
            """, at=where, port=port,
            user="User nobody\nGroup nogroup" if os.geteuid() == 0 else ""))
        return ["/usr/sbin/apache2", "-d", where, "-f", self.conf, "-DFOREGROUND"]

    def stop(self, m, mode, child, port):
        subprocess.run(["/usr/sbin/apache2", "-d", os.path.dirname(self.conf), "-f", self.conf,
                        "-k", self.flags[mode]], check=True, stdout=subprocess.DEVNULL, timeout=30)


class Lighttpd(Server):
    needs = ("/usr/sbin/lighttpd",)
    paths = "/", "/missing"
    stops = {"idle": signal.SIGINT, "load": signal.SIGTERM}

    def argv(self, m, port, where):
        m.write(where + "/htdocs/index.html", "hello\n")
        conf = m.write(where + "/lighttpd.conf", configured("""
            server.document-root = "@at@/htdocs"
            server.bind = "127.0.0.1"
            server.port = @port@
            server.errorlog = "@at@/error.log"
            index-file.names = ( "index.html" )
            """, at=where, port=port))
        return ["/usr/sbin/lighttpd", "-D", "-f", conf]


class Haproxy(Server):
    """SIGUSR1 waits for its clients, SIGTERM does not."""

    needs = ("/usr/sbin/haproxy",)
    paths = "/", "/proxied"
    stops = {"idle": signal.SIGUSR1, "load": signal.SIGTERM}

    def argv(self, m, port, where):
        conf = m.write(where + "/haproxy.cfg", configured("""
            global
                nbthread 2
                hard-stop-after 5s
            defaults
                mode http
                http-reuse never
                option httpclose
                timeout connect 5s
                timeout client 20s
                timeout server 20s
            frontend front
                bind 127.0.0.1:@port@
                http-request return status 200 content-type text/plain string "hello" if { path / }
                default_backend itself
            backend itself
                http-request set-path /
                server one 127.0.0.1:@port@
            """.rstrip(" "), port=port))
        return ["/usr/sbin/haproxy", "-W" if mode_of(where) == "load" else "-db", "-f", conf]


def mode_of(where):
    return os.path.basename(where)


class Redis(Server):
    """Loaded by its own benchmark, which is followed as well."""

    needs = "redis-server", "redis-benchmark", "redis-cli"

    def argv(self, m, port, where):
        return ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", where, "--save", "",
                "--appendonly", "no"]

    def talk(self, port, i):
        way = self.ways[i % len(self.ways)]
        return way + ": " + load.lines(port, way, (b"PING\r\nECHO hello\r\n", b"hello\r\n"))

    def load(self, m, mode, port):
        said = super().load(m, mode, port)
        status, output = m.run(["redis-benchmark", "-p", port, "-n", 1000, "-c", 10, "-k", 0,
                                "-t", "ping,set,get", "--csv"])
        said["redis-benchmark exit status"] = status
        for line in output.splitlines():
            said["redis-benchmark " + line.split(",")[0]] = 1
        info = self.ask(port)
        for field in "connected_clients", "rejected_connections", "total_error_replies":
            said[field] = re.search(field + r":(\d+)", info).group(1)
        return said

    def ask(self, port):
        return subprocess.run(["redis-cli", "-p", str(port), "info"], text=True, timeout=30,
                              stdout=subprocess.PIPE).stdout

    def stop(self, m, mode, child, port):
        if mode == "load":
            return super().stop(m, mode, child, port)
        subprocess.run(["redis-cli", "-p", str(port), "shutdown", "nosave"], timeout=30, check=True,
                       stdout=subprocess.DEVNULL)


class Memcached(Server):
    needs = ("memcached",)
    stops = {"idle": signal.SIGINT, "load": signal.SIGTERM}

    def argv(self, m, port, where):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        return ["memcached", "-l", "127.0.0.1", "-p", port, "-U", 0, "-t", 2] + user

    def talk(self, port, i):
        way = self.ways[i % len(self.ways)]
        key = b"key%d" % (i % 10)
        say = b"set " + key + b" 0 0 5\r\nhello\r\nget " + key + b"\r\n"
        return way + " %d: " % (i % 10) + load.lines(port, way, (say, b"END\r\n"))


class OpenSSL(Server):
    """It speaks with one client at a time, and ends when one is rude: so these clients are not."""

    needs = ("openssl",)
    requests, at_once, held = 60, 1, 0
    ways = "plain", "slow"

    def __init__(self, *args, **rest):
        super().__init__(*args, **rest)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def argv(self, m, port, where):
        key, certificate = m.path(where, "key.pem"), m.path(where, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=localhost", "-keyout", key, "-out", certificate], check=True,
                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
        m.write(where + "/index.html", "hello\n")
        return ["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-WWW", "-key", key,
                "-cert", certificate]

    paths = ("/idle/index.html",)


class Postgres(Server):
    """A process for each connection; pgbench -C makes one for each transaction."""

    needs = "postgres", "initdb", "pg_ctl", "pgbench", "setpriv"
    unprivileged = True
    held = 0

    def argv(self, m, port, where):
        self.data = where + "/data"
        self.tell(["initdb", "--auth=trust", "--username=me", "--no-sync", "-D", self.data])
        return ["postgres", "-D", self.data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c",
                "unix_socket_directories=" + where, "-c", "fsync=off"]

    def tell(self, argv, check=True):
        if os.geteuid() == 0:
            argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] + argv
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if check and done.returncode:
            raise Failed(done.stdout.decode())

    def load(self, m, mode, port):
        where = ["-h", "127.0.0.1", "-p", port, "-U", "me"]
        self.ready(port)
        said = {}
        for args in ["-i", "-q"], ["-C", "-n", "-c", 4, "-j", 2, "-t", 40]:
            status, output = m.run(["pgbench"] + args + where + ["postgres"])
            said["pgbench %s exit status" % args[0]] = status
            for line in re.findall(r"^number of .*", output, re.M):
                said[line] = 1
        return said

    def ready(self, port):
        for _ in range(100):
            if not subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)],
                                  timeout=20).returncode:
                return
            time.sleep(0.1)
        raise Failed("postgres is not ready")

    def talk(self, port, i):
        with load.dial(port) as sock:
            sock.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # an SSLRequest, answered by one letter
            return sock.recv(1).decode()

    def stop(self, m, mode, child, port):
        self.tell(["pg_ctl", "stop", "-D", self.data, "-m",
                   {"idle": "smart", "load": "fast"}[mode]])


CASES = [
    Nginx("servers/nginx"),
    Redis("servers/redis"),
    Haproxy("servers/haproxy"),
    Apache("servers/apache2"),
    Memcached("servers/memcached"),
    Lighttpd("servers/lighttpd"),
    OpenSSL("servers/openssl-s_server"),
    Postgres("servers/postgresql"),
]
