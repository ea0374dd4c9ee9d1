/* SPDX-License-Identifier: MIT */
#include "running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void become(const struct start *s, int out, int err)
{
	signal(SIGPIPE, SIG_DFL);
	unsetenv("LD_PRELOAD");
	unsetenv("SOCKLINT_OPTIONS");
	unsetenv("LD_LIBRARY_PATH");
	if (s->preload)
		setenv("LD_PRELOAD", s->preload, 1);
	if (s->options)
		setenv("SOCKLINT_OPTIONS", s->options, 1);
	if (s->dir && chdir(s->dir) != 0)
		_exit(96);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(err, 2);
	for (int fd = 3; fd < 100; fd++)
		close(fd);
	execvp(s->argv[0], (char *const *)s->argv);
	fprintf(stderr, "cannot start %s: %s\n", s->argv[0], strerror(errno));
	_exit(95);
}

struct child child_start(const struct start *start)
{
	struct child child;
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	child.pid = fork();
	if (child.pid == 0)
		become(start, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	child.out = out[0];
	child.err = err[0];
	return child;
}

/* Appends what is there. Returns false at the end of the stream. */
static int take(int fd, char **text, size_t *len)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n <= 0)
		return 0;
	*text = realloc(*text, *len + (size_t)n + 1);
	memcpy(*text + *len, buf, (size_t)n);
	*len += (size_t)n;
	(*text)[*len] = '\0';
	return 1;
}

static int wait_until(pid_t pid, long deadline)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > deadline) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		usleep(2000);
	}
	return status;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/*
 * Reads both streams until they end, or until the program has: a daemon may keep them open. What
 * a program's own children print after its end is waited for a little. Its own last words may have
 * come between a look at the streams and one at the program: so it had ended before the streams
 * are found empty.
 */
struct run child_finish(struct child *child)
{
	struct run run = {-1, strdup(""), strdup("")};
	size_t out_len = 0, err_len = 0;
	long deadline = now_ms() + RUN_TIMEOUT_S * 1000L;
	struct pollfd p[2] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0}};
	bool ended = false;

	while ((p[0].fd >= 0 || p[1].fd >= 0) && now_ms() < deadline) {
		int n = poll(p, 2, 100);

		if (n > 0 && p[0].revents && !take(p[0].fd, &run.out, &out_len))
			p[0].fd = -1;
		if (n > 0 && p[1].revents && !take(p[1].fd, &run.err, &err_len))
			p[1].fd = -1;
		if (n == 0 && ended)
			break;
		ended = has_ended(child->pid);
	}
	run.status = wait_until(child->pid, deadline);
	close(child->out);
	close(child->err);
	return run;
}

void child_expect(struct child *child, const char *text)
{
	long deadline = now_ms() + RUN_TIMEOUT_S * 1000L;
	struct pollfd p = {child->out, POLLIN, 0};
	char *seen = strdup("");
	size_t len = 0;

	while (!strstr(seen, text)) {
		if (poll(&p, 1, 100) > 0 && !take(child->out, &seen, &len))
			fail_msg("ended before it said \"%s\": %s", text, seen);
		if (now_ms() > deadline)
			fail_msg("never said \"%s\": %s", text, seen);
	}
	free(seen);
}

struct run run_program(const struct start *start)
{
	struct child child = child_start(start);

	return child_finish(&child);
}

void run_release(struct run *run)
{
	free(run->out);
	free(run->err);
}

char *scratch_make(void)
{
	char *dir = strdup("/tmp/socklint-test-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

void scratch_remove(char *dir)
{
	struct run run = run_program(&(struct start){.argv = ARGV("rm", "-rf", "--", dir)});

	run_release(&run);
	free(dir);
}

int scratch_count(const char *dir, const char *suffix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name), want = strlen(suffix);

		n += len >= want && !strcmp(e->d_name + len - want, suffix);
	}
	closedir(d);
	return n;
}

struct run run_guest(const char *dir, const char *name, const char *arg)
{
	char options[300];

	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	return run_program(&(struct start){
		.argv = ARGV(GUEST, name, arg), .preload = SHIM, .options = options});
}

struct run run_report(const char *dir)
{
	return run_program(&(struct start){.argv = ARGV(COMMAND, "report", dir)});
}

static const char *find_line(const char *text, const char *start)
{
	const char *line = text;

	while (line && strncmp(line, start, strlen(start)) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line;
}

void assert_has_line(const char *text, const char *start)
{
	if (!find_line(text, start))
		fail_msg("no line \"%s...\" in:\n%s", start, text);
}

void assert_has_no_line(const char *text, const char *start)
{
	if (find_line(text, start))
		fail_msg("a line \"%s...\" in:\n%s", start, text);
}
