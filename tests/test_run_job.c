/* SPDX-License-Identifier: MIT */
/*
 * "socklint run" stands where the program stood: its status is the program's, and a signal that
 * comes to it alone reaches the program.
 */
#include "running.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* How a shell's "kill %1" stops a job: all of its processes are sent the signal. */
static void signal_to_the_group_comes_once(void **state)
{
	struct child child = child_start(&(struct start){
		.argv = ARGV("setsid", COMMAND, "run", "--", GUEST, "count_signals")});
	struct run run;

	(void)state;
	child_expect(&child, "ready");
	kill(-child.pid, SIGTERM);
	run = child_finish(&child);
	assert_has_line(run.out, "told 1 times");
	run_release(&run);
}

static void signal_to_the_command_alone_comes_once(void **state)
{
	struct child child = child_start(&(struct start){
		.argv = ARGV("setsid", COMMAND, "run", "--", GUEST, "count_signals")});
	struct run run;

	(void)state;
	child_expect(&child, "ready");
	kill(child.pid, SIGTERM);
	run = child_finish(&child);
	assert_has_line(run.out, "told 1 times");
	run_release(&run);
}

/* A program that left our group hears of what is sent to it from us alone. */
static void signal_to_the_group_reaches_who_left_it(void **state)
{
	struct child child =
		child_start(&(struct start){.argv = ARGV("setsid", COMMAND, "run", "--", "setsid",
							 "--wait", GUEST, "count_signals")});
	struct run run;

	(void)state;
	child_expect(&child, "ready");
	kill(-child.pid, SIGTERM);
	run = child_finish(&child);
	assert_has_line(run.out, "told 1 times");
	run_release(&run);
}

/* Returns the master's side of a new terminal, with the command in its foreground. */
static int start_on_terminal(struct child *child)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), out[2];

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child->pid = fork();
	if (child->pid == 0) {
		setsid();
		dup2(open(ptsname(master), O_RDWR), 0); /* the controlling terminal from now on */
		dup2(out[1], 1);
		dup2(out[1], 2);
		execl(COMMAND, COMMAND, "run", "--", GUEST, "count_signals", (char *)NULL);
		_exit(95);
	}
	child->out = out[0];
	child->err = dup(out[0]);
	close(out[1]);
	return master;
}

static void interrupt_at_a_terminal_comes_once(void **state)
{
	struct child child;
	struct run run;
	int master = start_on_terminal(&child);

	(void)state;
	child_expect(&child, "ready");
	assert_int_equal(write(master, "\003", 1), 1);
	run = child_finish(&child);
	assert_true(strstr(run.out, "told 1 times") || strstr(run.err, "told 1 times"));
	run_release(&run);
	close(master);
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
					     GUEST " leak_and_wait 60 > said & echo $! >&2\n"
						   "until grep -q ready said; do sleep 0.01; done"),
				.dir = dir});
	assert_has_line(run.err, "socklint: 1 of its processes still runs: ");
	assert_true(atoi(run.err) > 1);
	kill(atoi(run.err), SIGKILL);
	run_release(&run);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_known_where_sigchld_is_ignored),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(signal_to_the_group_comes_once),
		cmocka_unit_test(signal_to_the_command_alone_comes_once),
		cmocka_unit_test(signal_to_the_group_reaches_who_left_it),
		cmocka_unit_test(interrupt_at_a_terminal_comes_once),
		cmocka_unit_test(programs_without_the_shim_are_named),
		cmocka_unit_test(processes_that_outlive_the_run_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
