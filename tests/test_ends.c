/* SPDX-License-Identifier: MIT */
/*
 * However a program ends: its status is its own, and its recording is read to the same verdicts.
 * One server is ended in each way, under "socklint run" and under a bare preload. Where nobody
 * could ask the kernel at the end the report says what is missing.
 */
#include "running.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FINDING "error: close-wait (eof-ignored): 3 sockets opened in accept_client (guest.c:"
#define UNASKED "blind: 1 process ended before the kernel could be asked"
#define UNDATED "blind: nobody saw when 1 process ended"
#define PASSED	"blind: 1 process became another program that left no recording"

struct end {
	const char *how;
	const char *arg;
	int status;	     /* as a shell says it: 128 + N for signal N */
	const char *missing; /* what the report says could not be known, or NULL */
	const char *undated; /* ... and what more where "socklint run" did not watch, or NULL */
};

static const struct end ends[] = {
	{"return", NULL, 40, NULL, NULL},
	{"exit", NULL, 41, NULL, NULL},
	{"_exit", NULL, 42, NULL, NULL},
	{"_Exit", NULL, 43, NULL, NULL},
	{"quick_exit", NULL, 44, NULL, NULL},
	{"syscall", NULL, 45, NULL, NULL},
	{"1", NULL, 128 + SIGHUP, NULL, NULL},
	{"2", NULL, 128 + SIGINT, NULL, NULL},
	{"15", NULL, 128 + SIGTERM, NULL, NULL},
	{"handler_exits", NULL, 5, NULL, NULL},
	{"handler_flag", NULL, 48, NULL, NULL},
	{"handler_once", NULL, 128 + SIGTERM, NULL, NULL},
	{"handler_again", NULL, 128 + SIGTERM, NULL, NULL},
	{"abort", NULL, 128 + SIGABRT, UNASKED, UNDATED},
	{"crash", NULL, 128 + SIGSEGV, UNASKED, UNDATED},
	{"9", NULL, 128 + SIGKILL, UNASKED, UNDATED},
	{"exec_static", GUEST_STATIC, 46, PASSED, NULL},
	{"exec_cleared", NULL, 47, PASSED, NULL},
};

#define NR_ENDS (sizeof(ends) / sizeof(ends[0]))

struct ending {
	char *dir;
	struct child child;
};

static int shell_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static struct ending start_preloaded(const struct end *e)
{
	struct ending s = {.dir = scratch_make()};
	char options[300];

	snprintf(options, sizeof(options), "dir=%s:report=none", s.dir);
	s.child = child_start(&(struct start){
		.argv = ARGV(GUEST, "ended", e->how, e->arg), .preload = SHIM, .options = options});
	return s;
}

static struct ending start_under_run(const struct end *e)
{
	struct ending s = {.dir = scratch_make()};
	char place[300];

	snprintf(place, sizeof(place), "%s/run", s.dir);
	s.child = child_start(&(struct start){.argv = ARGV(COMMAND, "run", "--dir", place, "--",
							   GUEST, "ended", e->how, e->arg)});
	return s;
}

static void assert_told(const struct end *e, const char *report, const char *undated)
{
	print_message("%s\n", e->how);
	assert_has_line(report, FINDING);
	assert_null(strstr(report, "socklint: no leak"));
	if (e->missing)
		assert_has_line(report, e->missing);
	if (undated)
		assert_has_line(report, undated);
	if (!e->missing && !undated)
		assert_has_no_line(report, "blind:");
}

static void finish_under_run(const struct end *e, struct ending *s)
{
	struct run run = child_finish(&s->child);

	assert_told(e, run.out, NULL);
	assert_int_equal(shell_status(run.status), e->status);
	run_release(&run);
	scratch_remove(s->dir);
}

static void finish_preloaded(const struct end *e, struct ending *s)
{
	struct run run = child_finish(&s->child), report = run_report(s->dir);

	assert_told(e, report.out, e->undated);
	assert_int_equal(shell_status(report.status), 1);
	assert_int_equal(shell_status(run.status), e->status);
	run_release(&report);
	run_release(&run);
	scratch_remove(s->dir);
}

/* All at once: they sleep most of the time. */
static void all_ends(struct ending (*start)(const struct end *),
		     void (*finish)(const struct end *, struct ending *))
{
	struct ending endings[NR_ENDS];

	for (size_t i = 0; i < NR_ENDS; i++)
		endings[i] = start(&ends[i]);
	for (size_t i = 0; i < NR_ENDS; i++)
		finish(&ends[i], &endings[i]);
}

static void each_end_under_run(void **state)
{
	(void)state;
	all_ends(start_under_run, finish_under_run);
}

static void each_end_under_a_bare_preload(void **state)
{
	(void)state;
	all_ends(start_preloaded, finish_preloaded);
}

/* ---- out of memory ---- */

static bool write_to(const char *dir, const char *file, const char *text)
{
	char path[300];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A memory cgroup with 24 MiB, of either version. Returns false where the machine allows none. */
static bool cgroup_make(char *dir, size_t room)
{
	static const struct {
		const char *root, *limit;
	} versions[] = {{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
			{"/sys/fs/cgroup", "memory.max"}};

	for (size_t i = 0; i < 2; i++) {
		snprintf(dir, room, "%s/socklint-test-%d", versions[i].root, (int)getpid());
		if (mkdir(dir, 0700) != 0)
			continue;
		if (write_to(dir, versions[i].limit, "25165824")) {
			write_to(dir, "memory.swap.max", "0");
			return true;
		}
		rmdir(dir);
	}
	return false;
}

static char cgroup[200]; /* "" while there is none */

static int cgroup_remove(void **state)
{
	(void)state;
	return cgroup[0] ? rmdir(cgroup) : 0;
}

static void out_of_memory(void **state)
{
	struct end end = {"out_of_memory", NULL, 128 + SIGKILL, UNASKED, UNDATED};
	struct ending run, preloaded;

	(void)state;
	if (!cgroup_make(cgroup, sizeof(cgroup))) {
		cgroup[0] = '\0';
		skip(); /* no right to make one, or no memory controller */
	}
	end.arg = cgroup;
	run = start_under_run(&end);
	finish_under_run(&end, &run);
	preloaded = start_preloaded(&end);
	finish_preloaded(&end, &preloaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_under_run),
		cmocka_unit_test(each_end_under_a_bare_preload),
		cmocka_unit_test_teardown(out_of_memory, cgroup_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
