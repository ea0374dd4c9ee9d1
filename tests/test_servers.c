/* SPDX-License-Identifier: MIT */
/*
 * Real servers, clean and dirty, over real TCP: they serve, are stopped as their manuals say, end
 * as they do without the shim, and are reported as they are.
 */
#include "running.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 50

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

static int send_request(int port, const char *path)
{
	char request[200];
	int fd = connect_to(port);

	assert_true(fd >= 0);
	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return fd;
}

/* Reads the answer and closes, whatever the server then does about it. */
static void get(int port, const char *path)
{
	int fd = send_request(port, path);
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, " 200 OK"));
	close(fd);
}

static void wait_for_port(int port)
{
	for (int i = 0; i < 500; i++) {
		int fd = connect_to(port);

		if (fd >= 0) {
			close(fd);
			return;
		}
		usleep(20000);
	}
	fail_msg("nobody listens on port %d", port);
}

/* A port that was free a moment ago: for servers that cannot choose one themselves. */
static int free_port(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	close(fd);
	return ntohs(addr.sin_port);
}

/* Starts `argv` by itself, or under `socklint run`. */
static struct child serve(const char *dir, bool followed, const char *const *argv)
{
	const char *all[20] = {COMMAND, "run", "--dir", dir, "--"};
	int n = 5;

	if (!followed)
		return child_start(&(struct start){.argv = argv});
	for (; *argv; argv++)
		all[n++] = *argv;
	return child_start(&(struct start){.argv = all});
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void assert_clean(const struct run *run)
{
	assert_has_no_line(run->out, "error:");
	assert_has_no_line(run->out, "warning:");
	assert_has_line(run->out, "socklint: no leaks: ");
}

/* ---- nginx ---- */

static void nginx_configure(const char *dir, int port)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/nginx.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"daemon off;\nworker_processes 2;\npid %s/pid;\nerror_log %s/error.log;\n"
		"events { worker_connections 256; }\n"
		"http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p;\n"
		"fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n"
		"server { listen 127.0.0.1:%d; location / { return 200 'hello\\n'; } } }\n",
		dir, dir, dir, dir, dir, dir, dir, port);
	fclose(f);
}

/* Serves, keeps some connections open, and is stopped by `sig`; returns what it said. */
static struct run nginx_run(const char *dir, bool followed, int sig)
{
	char conf[300], recordings[300];
	int port = free_port(), held[5];
	struct child child;
	struct run run;
	FILE *f;
	int pid;

	nginx_configure(dir, port);
	snprintf(conf, sizeof(conf), "%s/nginx.conf", dir);
	snprintf(recordings, sizeof(recordings), "%s/run", dir);
	child = serve(recordings, followed, ARGV("/usr/sbin/nginx", "-p", dir, "-c", conf));
	wait_for_port(port);
	for (int i = 0; i < REQUESTS; i++)
		get(port, "/");
	for (int i = 0; i < 5; i++)
		assert_true((held[i] = connect_to(port)) >= 0);
	usleep(100000);
	snprintf(conf, sizeof(conf), "%s/pid", dir);
	f = fopen(conf, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	kill(pid, sig);
	if (sig == SIGQUIT) /* waits for its clients */
		for (int i = 0; i < 5; i++)
			close(held[i]);
	run = child_finish(&child);
	if (sig != SIGQUIT)
		for (int i = 0; i < 5; i++)
			close(held[i]);
	return run;
}

static void nginx_is_clean(int sig)
{
	char *dir = scratch_make();
	struct run bare, followed;

	if (access("/usr/sbin/nginx", X_OK)) {
		scratch_remove(dir);
		skip();
	}
	bare = nginx_run(dir, false, sig);
	followed = nginx_run(dir, true, sig);
	assert_clean(&followed);
	assert_int_equal(exit_status(followed.status), exit_status(bare.status));
	assert_null(strstr(followed.out, "no leaks: 0 sockets"));
	run_release(&bare);
	run_release(&followed);
	scratch_remove(dir);
}

static void nginx_stopped_gracefully(void **state)
{
	(void)state;
	nginx_is_clean(SIGQUIT);
}

static void nginx_stopped_fast(void **state)
{
	(void)state;
	nginx_is_clean(SIGTERM);
}

/* ---- Python ---- */

static int port_of(struct child *child, const char *before)
{
	char text[200] = "";
	char *at;

	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		assert_int_equal(read(child->out, text + n, 1), 1);
		at = strstr(text, before);
		if (at && !strchr("0123456789", text[n]) && at + strlen(before) < text + n)
			return atoi(at + strlen(before));
	}
	fail_msg("no port in: %s", text);
	return 0;
}

static struct run http_server_run(const char *dir, bool followed)
{
	struct child child = serve(dir, followed,
				   ARGV("/usr/bin/python3", "-u", "-m", "http.server", "--bind",
					"127.0.0.1", "--directory", SCRIPTS, "0"));
	int port = port_of(&child, " port ");
	struct run run;

	for (int i = 0; i < REQUESTS; i++)
		get(port, "/leaky.py");
	usleep(100000);
	kill(child.pid, SIGINT); /* `run` passes it on */
	run = child_finish(&child);
	assert_non_null(strstr(run.out, "Keyboard interrupt received, exiting."));
	return run;
}

static void python_http_server_is_clean(void **state)
{
	char *dir = scratch_make();
	struct run bare = http_server_run(dir, false), followed = http_server_run(dir, true);

	(void)state;
	assert_clean(&followed);
	assert_int_equal(exit_status(followed.status), exit_status(bare.status));
	run_release(&bare);
	run_release(&followed);
	scratch_remove(dir);
}

/* Clients come, some ask for a leak; the server is stopped when the FINs are old enough. */
static struct run leaky_run(const char *dir, int leaks)
{
	struct child child = serve(dir, true, ARGV("/usr/bin/python3", SCRIPTS "/leaky.py"));
	int port = port_of(&child, " port ");

	for (int i = 0; i < REQUESTS; i++)
		get(port, i < leaks ? "/leak" : "/");
	usleep(1300000);
	kill(child.pid, SIGTERM);
	return child_finish(&child);
}

static void python_server_that_keeps_sockets_is_reported(void **state)
{
	static const int leaks[] = {1, 7, REQUESTS};

	(void)state;
	for (size_t i = 0; i < sizeof(leaks) / sizeof(leaks[0]); i++) {
		char *dir = scratch_make(), line[100];
		struct run run = leaky_run(dir, leaks[i]);

		snprintf(line, sizeof(line),
			 "error: close-wait (eof-ignored): %d socket%s opened in", leaks[i],
			 leaks[i] == 1 ? "" : "s");
		assert_has_line(run.out, line);
		assert_int_equal(exit_status(run.status), 23);
		run_release(&run);
		scratch_remove(dir);
	}
}

static void python_server_without_leak_is_clean(void **state)
{
	char *dir = scratch_make();
	struct run run = leaky_run(dir, 0);

	(void)state;
	assert_clean(&run);
	assert_int_equal(exit_status(run.status), 128 + SIGTERM);
	run_release(&run);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nginx_stopped_gracefully),
		cmocka_unit_test(nginx_stopped_fast),
		cmocka_unit_test(python_http_server_is_clean),
		cmocka_unit_test(python_server_that_keeps_sockets_is_reported),
		cmocka_unit_test(python_server_without_leak_is_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
