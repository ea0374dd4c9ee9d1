/* SPDX-License-Identifier: MIT */
/*
 * "socklint run" stands where the program stood: its status is the program's, and a signal that
 * comes to it alone reaches the program.
 */
#include "running.h"

#include <signal.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_known_where_sigchld_is_ignored),
		cmocka_unit_test(signals_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
