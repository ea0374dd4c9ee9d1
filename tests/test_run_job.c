/* SPDX-License-Identifier: MIT */
/*
 * "socklint run" stands where the program stood: its status is the program's, and a signal that
 * comes to it alone reaches the program.
 */
#include "running.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void status_is_known_where_sigchld_is_ignored(void **state)
{
	struct run run =
		run_program(&(struct start){.argv = ARGV("env", "--ignore-signal=CHLD", COMMAND,
							 "run", "--", "sh", "-c", "exit 5")});

	(void)state;
	assert_int_equal(WEXITSTATUS(run.status), 5);
	run_release(&run);
}

static void signal_reaches_the_program(int sig)
{
	struct child child = child_start(&(struct start){
		.argv = ARGV(COMMAND, "run", "--", "sh", "-c",
			     "trap 'exit 6' TERM USR1 USR2; echo ready; while :; do sleep 0.1; "
			     "done")});
	struct run run;

	child_expect(&child, "ready");
	kill(child.pid, sig);
	run = child_finish(&child);
	assert_true(WIFEXITED(run.status));
	assert_int_equal(WEXITSTATUS(run.status), 6);
	run_release(&run);
}

static void signals_are_passed_on(void **state)
{
	(void)state;
	signal_reaches_the_program(SIGTERM);
	signal_reaches_the_program(SIGUSR1);
	signal_reaches_the_program(SIGUSR2);
}

/* A wrapper takes the shim away from the server: that is said, not passed over. */
static void programs_without_the_shim_are_named(void **state)
{
	char *dir = scratch_make(), place[300];
	struct run run;

	(void)state;
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_program(&(struct start){
		.argv = ARGV(COMMAND, "run", "--dir", place, "--", "env", "-i", GUEST, "leak")});
	assert_has_line(run.out, "blind: not followed: " GUEST " (1 time): its environment");
	run_release(&run);
	snprintf(place, sizeof(place), "%s/all", dir);
	run = run_program(&(struct start){.argv = ARGV(COMMAND, "run", "--dir", place, "--", "sh",
						       "-c", GUEST " clean; " GUEST " clean")});
	assert_has_no_line(run.out, "blind:");
	assert_has_line(run.out, "socklint: no leaks: ");
	run_release(&run);
	scratch_remove(dir);
}

static void processes_that_outlive_the_run_are_counted(void **state)
{
	char *dir = scratch_make(), place[300];
	struct run run;

	(void)state;
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_program(
		&(struct start){.argv = ARGV(COMMAND, "run", "--dir", place, "--", "sh", "-c",
					     GUEST " leak_and_wait 2 & sleep 0.5")});
	assert_has_line(run.err, "socklint: 1 of its processes still runs: ");
	run_release(&run);
	sleep(2); /* until it is gone */
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_known_where_sigchld_is_ignored),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(programs_without_the_shim_are_named),
		cmocka_unit_test(processes_that_outlive_the_run_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
