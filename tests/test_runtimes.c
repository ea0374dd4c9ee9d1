/* SPDX-License-Identifier: MIT */
/*
 * One small server for each language, in runtimes/. It keeps the sockets whose request says
 * "/leak": exactly those are reported; without them it is clean, also when it is stopped under
 * load. What is not installed is skipped.
 */
#include "running.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNTIMES SCRIPTS "/runtimes"
#define CLIENTS	 40
#define LEAKS	 7
#define IDLE	 5

struct runtime {
	const char *name;
	const char *needs;    /* in PATH, or the test is skipped */
	const char *build;    /* a shell command, in an empty directory, or NULL */
	const char *argv[10]; /* as "run" is given it, in that directory */
	const char *head;     /* what the headline of the finding goes on with */
	int status;	      /* when it is stopped by SIGTERM */
	const char *frame;    /* a line of its stacks has this, too */
};

/* ---- clients ---- */

static int connect_to(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Returns whether it was answered. */
static bool get(int port, const char *path)
{
	struct timeval limit = {20, 0};
	char text[200];
	int fd = connect_to(port);
	ssize_t n;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
	send(fd, text, (size_t)n, MSG_NOSIGNAL);
	n = recv(fd, text, sizeof(text), 0);
	close(fd);
	return n > 0;
}

/* Asks without end, until it is killed. */
static pid_t start_load(int port)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	alarm(RUN_TIMEOUT_S);
	while (get(port, "/"))
		;
	_exit(0);
}

/* ---- servers ---- */

static bool is_installed(const char *program)
{
	char command[200];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

/* Node and Java leave their perf maps in /tmp. */
static void clean_up(char *dir)
{
	char path[300];
	DIR *recordings;
	struct dirent *e;

	snprintf(path, sizeof(path), "%s/recordings", dir);
	recordings = opendir(path);
	while (recordings && (e = readdir(recordings))) {
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", atoi(e->d_name));
		if (atoi(e->d_name))
			unlink(path);
	}
	if (recordings)
		closedir(recordings);
	scratch_remove(dir);
}

/* A directory with the server in it, when it is one that must be built. */
static char *prepare(const struct runtime *r)
{
	char *dir = scratch_make();
	struct run run;

	if (!is_installed(r->needs)) {
		scratch_remove(dir);
		skip();
	}
	if (r->build) {
		run = run_program(
			&(struct start){.argv = ARGV("/bin/sh", "-c", r->build), .dir = dir});
		if (run.status)
			fail_msg("%s: %s%s", r->build, run.out, run.err);
		run_release(&run);
	}
	return dir;
}

static int port_of(const struct runtime *r, struct child *child)
{
	static const char before[] = "listening on port ";
	char text[300] = "";
	char *at;

	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		struct pollfd p = {child->out, POLLIN, 0};

		if (poll(&p, 1, RUN_TIMEOUT_S * 1000) <= 0 || read(child->out, text + n, 1) != 1)
			break;
		at = strstr(text, before);
		if (at && strchr(" \n", text[n]) && at + strlen(before) < text + n)
			return atoi(at + strlen(before));
	}
	kill(child->pid, SIGKILL);
	fail_msg("%s: no port in \"%s\"", r->name, text);
	return 0;
}

static struct child serve(const struct runtime *r, const char *dir, int *port)
{
	const char *argv[20] = {COMMAND, "run", "--dir", "recordings", "--"};
	struct child child;

	memcpy(argv + 5, r->argv, sizeof(r->argv));
	child = child_start(&(struct start){.argv = argv, .dir = dir});
	*port = port_of(r, &child);
	return child;
}

static int status_of(const struct run *run)
{
	return WIFSIGNALED(run->status) ? 128 + WTERMSIG(run->status) : WEXITSTATUS(run->status);
}

/* The first is not among those that leak: perl opens its first in another way. */
static struct run serve_leaks(const struct runtime *r, const char *dir)
{
	struct child child;
	int port;

	child = serve(r, dir, &port);
	for (int i = 0; i < CLIENTS; i++)
		assert_true(get(port, i && i <= LEAKS ? "/leak" : "/"));
	usleep(1300000); /* a FIN within the last second is too young to judge */
	kill(child.pid, SIGTERM);
	return child_finish(&child);
}

/* Idle clients stay, others come and go while the signal is under way. */
static struct run serve_under_load(const struct runtime *r, const char *dir)
{
	int port, held[IDLE];
	struct child child;
	struct run run;
	pid_t load[2];

	child = serve(r, dir, &port);
	for (int i = 0; i < CLIENTS; i++)
		assert_true(get(port, "/"));
	/* A server that serves one after the other would wait for the idle ones. */
	for (int i = 0; i < 2; i++)
		load[i] = start_load(port);
	usleep(1300000);
	for (int i = 0; i < IDLE; i++)
		held[i] = connect_to(port);
	usleep(100000);
	kill(child.pid, SIGTERM);
	run = child_finish(&child);
	for (int i = 0; i < IDLE; i++)
		close(held[i]);
	for (int i = 0; i < 2; i++) {
		kill(load[i], SIGKILL);
		waitpid(load[i], NULL, 0);
	}
	return run;
}

/* ---- the tests ---- */

static void leaks_are_found(void **state)
{
	const struct runtime *r = *state;
	char *dir = prepare(r), line[300];
	struct run run;

	run = serve_leaks(r, dir);
	snprintf(line, sizeof(line), "error: close-wait (eof-ignored): %d sockets opened in %s",
		 LEAKS, r->head);
	assert_has_line(run.out, line);
	snprintf(line, sizeof(line), "socklint: %d sockets leaked at 1 place", LEAKS);
	assert_has_line(run.out, line);
	if (r->frame && !strstr(run.out, r->frame))
		fail_msg("no frame %s in %s", r->frame, run.out);
	assert_int_equal(status_of(&run), 23);
	run_release(&run);
	clean_up(dir);
}

static void the_healthy_are_clean(void **state)
{
	const struct runtime *r = *state;
	char *dir = prepare(r);
	struct run run;

	run = serve_under_load(r, dir);
	assert_has_no_line(run.out, "error:");
	assert_has_no_line(run.out, "warning:");
	assert_has_line(run.out, "socklint: no leaks: ");
	assert_null(strstr(run.out, "no leaks: 0 sockets"));
	assert_int_equal(status_of(&run), r->status);
	run_release(&run);
	clean_up(dir);
}

/* Ruby closes all it has when SIGTERM ends it: it is asked while it runs. */
static void leaks_are_found_in_a_running_ruby(void **state)
{
	const struct runtime *r = *state;
	char *dir = prepare(r), line[300], recordings[300];
	struct child child;
	struct run report, run;
	int port;

	snprintf(recordings, sizeof(recordings), "%s/recordings", dir);
	child = serve(r, dir, &port);
	for (int i = 0; i < CLIENTS; i++)
		assert_true(get(port, i && i <= LEAKS ? "/leak" : "/"));
	usleep(1300000);
	report = run_report(recordings);
	kill(child.pid, SIGTERM);
	run = child_finish(&child);
	snprintf(line, sizeof(line), "error: close-wait (eof-ignored): %d sockets opened in %s",
		 LEAKS, r->head);
	assert_has_line(report.out, line);
	run_release(&report);
	run_release(&run);
	clean_up(dir);
}

/* The event loop accepts, with no script on its stack; the listener is the script's own. */
static void node_names_the_function_that_listens(void **state)
{
	const struct runtime *r = *state;
	char *dir = prepare(r);
	struct run run;

	run = serve_leaks(r, dir);
	assert_has_line(run.out, "      1  openListener (half_open.js:19): listening");
	run_release(&run);
	clean_up(dir);
}

static void go_is_refused(void **state)
{
	const struct runtime *r = *state;
	char *dir = prepare(r);
	struct run run;

	run = run_program(
		&(struct start){.argv = ARGV(COMMAND, "run", "--", "./server"), .dir = dir});
	assert_int_equal(status_of(&run), 125);
	assert_non_null(strstr(run.err, "./server: made by Go"));
	run_release(&run);
	clean_up(dir);
}

#define PYTHON "/usr/bin/python3"
#define JAVA   "java", "-Xshare:auto", "-XX:TieredStopAtLevel=1"

static struct runtime python_threads = {
	.name = "python threads",
	.needs = PYTHON,
	.argv = {PYTHON, RUNTIMES "/threads.py"},
	.head = "",
	.status = 143,
};

static struct runtime python_that_exits = {
	.name = "python that exits",
	.needs = PYTHON,
	.argv = {PYTHON, RUNTIMES "/threads.py", "143"},
	.head = "",
	.status = 143,
};

static struct runtime python_asyncio = {
	.name = "python asyncio",
	.needs = PYTHON,
	.argv = {PYTHON, RUNTIMES "/asyncio_streams.py"},
	.head = "",
	.status = 143,
};

static struct runtime python_collected = {
	.name = "python collected",
	.needs = PYTHON,
	.argv = {PYTHON, RUNTIMES "/collected.py"},
	.head = "",
	.status = 143,
};

/* libuv, in Node itself or beside it, with symbols or without. */
static struct runtime node_half_open = {
	.name = "node half open",
	.needs = "node",
	.argv = {"node", "--perf-basic-prof", "--interpreted-frames-native-stack",
		 RUNTIMES "/half_open.js"},
	.head = "",
	.status = 143,
};

static struct runtime node_http = {
	.name = "node http",
	.needs = "node",
	.argv = {"node", RUNTIMES "/http.js"},
	.status = 143,
};

static struct runtime java_blocking = {
	.name = "java blocking",
	.needs = "javac",
	.argv = {JAVA, RUNTIMES "/Blocking.java"},
	.head = "Java_",
	.status = 143,
};

static struct runtime java_channels = {
	.name = "java channels",
	.needs = "javac",
	.argv = {JAVA, RUNTIMES "/Channels.java"},
	.head = "Java_sun_nio_ch_Net_accept (libnio.so",
	.status = 143,
};

static struct runtime java_http = {
	.name = "java http",
	.needs = "javac",
	.argv = {JAVA, RUNTIMES "/Http.java"},
	.status = 143,
};

/* The perf map of the compiled is written at the end; what is interpreted has no names. */
static struct runtime java_compiled = {
	.name = "java compiled",
	.needs = "javac",
	.build = "javac -d . " RUNTIMES "/Blocking.java",
	.argv = {"java", "-XX:+PreserveFramePointer", "-XX:+UnlockDiagnosticVMOptions",
		 "-XX:+DumpPerfMapAtExit", "-Xcomp", "-XX:CompileCommand=quiet",
		 "-XX:CompileOnly=Blocking::acceptOne", "Blocking"},
	.head = "Blocking.acceptOne (generated code)",
	.status = 143,
	.frame = " [JIT]\n",
};

static struct runtime ruby_threads = {
	.name = "ruby threads",
	.needs = "ruby",
	.argv = {"ruby", RUNTIMES "/threads.rb"},
	.head = "",
	.status = 143,
};

static struct runtime php_streams = {
	.name = "php streams",
	.needs = "php",
	.argv = {"php", RUNTIMES "/streams.php"},
	.head = "php_network_accept_incoming (php",
	.status = 143,
};

static struct runtime perl_handles = {
	.name = "perl handles",
	.needs = "perl",
	.argv = {"perl", RUNTIMES "/handles.pl"},
	.head = "Perl_pp_accept (",
	.status = 143,
};

static struct runtime cplusplus = {
	.name = "c++",
	.needs = "c++",
	.build = "c++ -g -O1 -o server " RUNTIMES "/server.cc",
	.argv = {"./server"},
	.head = "net::Server<net::Connection>::accept_one (server.cc:68)",
	.status = 143,
	.frame = "net::Connection::serve (server.cc:",
};

static struct runtime cplusplus_without_lines = {
	.name = "c++ without lines",
	.needs = "c++",
	.build = "c++ -O0 -o server " RUNTIMES "/server.cc",
	.argv = {"./server"},
	.head = "net::Server<net::Connection>::accept_one (server+0x",
	.status = 143,
	.frame = "net::Connection::serve (server+0x",
};

static struct runtime rust = {
	.name = "rust",
	.needs = "rustc",
	.build = "rustc -g -o server " RUNTIMES "/server.rs",
	.argv = {"./server"},
	.head = "server::main (server.rs:17)",
	.status = 143,
	.frame = "server::serve (server.rs:",
};

static struct runtime go = {
	.name = "go",
	.needs = "go",
	.build = "HOME=$PWD GOCACHE=$PWD/cache go build -o server " RUNTIMES "/server.go",
};

#define LEAKY(r)                                                                                   \
	{                                                                                          \
		"leaks_are_found: " #r, leaks_are_found, NULL, NULL, &(r)                          \
	}
#define HEALTHY(r)                                                                                 \
	{                                                                                          \
		"the_healthy_are_clean: " #r, the_healthy_are_clean, NULL, NULL, &(r)              \
	}
#define SPECIAL(test, r)                                                                           \
	{                                                                                          \
#test, test, NULL, NULL, &(r)                                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEAKY(python_threads),
		HEALTHY(python_threads),
		LEAKY(python_that_exits),
		LEAKY(python_asyncio),
		HEALTHY(python_asyncio),
		LEAKY(python_collected),
		HEALTHY(python_collected),
		LEAKY(node_half_open),
		HEALTHY(node_half_open),
		HEALTHY(node_http),
		SPECIAL(node_names_the_function_that_listens, node_half_open),
		LEAKY(java_blocking),
		HEALTHY(java_blocking),
		LEAKY(java_channels),
		HEALTHY(java_channels),
		HEALTHY(java_http),
		LEAKY(java_compiled),
		SPECIAL(leaks_are_found_in_a_running_ruby, ruby_threads),
		HEALTHY(ruby_threads),
		LEAKY(php_streams),
		HEALTHY(php_streams),
		LEAKY(perl_handles),
		HEALTHY(perl_handles),
		LEAKY(cplusplus),
		LEAKY(cplusplus_without_lines),
		HEALTHY(cplusplus),
		LEAKY(rust),
		HEALTHY(rust),
		SPECIAL(go_is_refused, go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
