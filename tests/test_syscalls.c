/* SPDX-License-Identifier: MIT */
/*
 * What the shim costs in system calls, counted by strace on two lengths of the same program, so
 * that the start and the end fall out: none on read and write, at most two per life. Addresses
 * must not move between the runs: how many pages a stack lies in is a thing that the shim asks.
 */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of the trace, which are calls but for a few of strace's own. */
static long calls(const char *name, const char *arg, const char *preload)
{
	char trace[300], env[400], options[300], line[4096];
	char *dir = scratch_make(); /* a fresh one: who makes the summary has more to do */
	long n = 0;
	FILE *f;

	snprintf(trace, sizeof(trace), "%s/trace", dir);
	snprintf(env, sizeof(env), "LD_PRELOAD=%s", preload);
	snprintf(options, sizeof(options), "SOCKLINT_OPTIONS=dir=%s:report=none", dir);
	struct run run = run_program(
		&(struct start){.argv = ARGV("setarch", "-R", "strace", "-f", "-qq", "-o", trace,
					     "-E", env, "-E", options, GUEST, name, arg)});
	if (run.status)
		fail_msg("strace: %s", run.err);
	run_release(&run);
	f = fopen(trace, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += !strstr(line, "resumed>") && !strstr(line, "+++") && !strstr(line, "---");
	fclose(f);
	scratch_remove(dir);
	return n;
}

/* Calls that the shim adds to 100 more rounds. */
static long added(const char *name)
{
	long bare = calls(name, "120", "") - calls(name, "020", "");
	long shimmed = calls(name, "120", SHIM) - calls(name, "020", SHIM);

	print_message("%s: 100 rounds are %ld calls, the shim adds %ld\n", name, bare,
		      shimmed - bare);
	assert_true(bare >= 100);
	return shimmed - bare;
}

/* How many lines of `guest nothing` under the shim are calls of `which`. */
static int of_nothing(const char *which)
{
	char env[300], trace[300];
	struct run run;
	int n = 0;

	snprintf(trace, sizeof(trace), "trace=%s", which);
	snprintf(env, sizeof(env), "LD_PRELOAD=%s", SHIM);
	run = run_program(
		&(struct start){.argv = ARGV("strace", "-qq", "-e", trace, "-E", env, "-E",
					     "SOCKLINT_OPTIONS=report=none", GUEST, "nothing")});
	assert_int_equal(run.status, 0);
	for (const char *at = run.err; (at = strchr(at, '\n')); at++)
		n++;
	run_release(&run);
	return n;
}

static int strace_works(void)
{
	struct run run = run_program(
		&(struct start){.argv = ARGV("strace", "-qq", "-o", "/dev/null", "true")});
	int ok = run.status == 0;

	run_release(&run);
	return ok;
}

static void none_on_read_and_write(void **state)
{
	(void)state;
	if (!strace_works())
		skip();
	assert_int_equal(added("exchange"), 0);
}

static void none_on_control_data(void **state)
{
	(void)state;
	if (!strace_works())
		skip();
	assert_int_equal(added("stamped"), 0);
}

/* A round of `serve` is two lives: the client's socket and the server's. */
static void at_most_two_per_life(void **state)
{
	(void)state;
	if (!strace_works())
		skip();
	assert_in_range(added("serve"), 0, 2 * 2 * 100);
}

/* As many, and a few for what a new thread must learn about itself: its id and its stack. */
static void few_more_with_a_thread_per_connection(void **state)
{
	(void)state;
	if (!strace_works())
		skip();
	assert_in_range(added("thread_per_connection"), 0, 2 * 2 * 100 + 100 + 30);
}

/* At the start and at the end. Beyond the standard three it may have some of this process's. */
static void descriptors_are_looked_at_once_at_each_end(void **state)
{
	(void)state;
	if (!strace_works())
		skip();
	assert_in_range(of_nothing("getdents64"), 2, 2 * 2);
	assert_in_range(of_nothing("getsockopt"), 2 * 3, 2 * scratch_count("/proc/self/fd", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_on_read_and_write),
		cmocka_unit_test(none_on_control_data),
		cmocka_unit_test(at_most_two_per_life),
		cmocka_unit_test(descriptors_are_looked_at_once_at_each_end),
		cmocka_unit_test(few_more_with_a_thread_per_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
