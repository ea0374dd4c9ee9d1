/* SPDX-License-Identifier: MIT */
/*
 * What a program leaves behind, however it ends, and what the report makes of it: end to end,
 * from guest.c through the shim to the text.
 */
#include "running.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREE "error: close-wait (eof-ignored): 3 sockets opened in accept_client (guest.c:"

/* Runs `guest NAME ARG` under the shim and expects the report to have these lines. */
static void expect(const char *name, const char *arg, int report_status, const char *const *lines)
{
	char *dir = scratch_make();
	struct run guest = run_guest(dir, name, arg), report = run_report(dir);

	for (; *lines; lines++)
		assert_has_line(report.out, *lines);
	if (report_status == 0)
		assert_has_no_line(report.out, "error:");
	assert_int_equal(WEXITSTATUS(report.status), report_status);
	run_release(&guest);
	run_release(&report);
	scratch_remove(dir);
}

#define ENDS(test, how)                                                                            \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		expect("end", how, 1, ARGV(THREE));                                                \
	}

ENDS(found_after_return, "return")
ENDS(found_after_exit, "exit")
ENDS(found_after__exit, "_exit")
ENDS(found_after__Exit, "_Exit")
ENDS(found_after_quick_exit, "quick_exit")
ENDS(found_after_exit_by_syscall, "syscall")
ENDS(found_after_exec, "exec")

/* What was leaked is the next image's, which nobody followed: no verdict, and no false one. */
static void not_judged_after_exec_of_an_unfollowed(void **state)
{
	(void)state;
	expect("end", "exec_alone", 0, ARGV("socklint: no leaks: 9 sockets followed"));
}

/* Stopped from outside at once: within the grace, nothing is a fault. */
static void not_judged_within_the_grace(void **state)
{
	(void)state;
	expect("end", "15", 0, ARGV("      3  accept_client (guest.c:"));
}

/* That the program caught the signal and went by exit() does not make it older. */
static void not_judged_within_the_grace_of_own_handler(void **state)
{
	(void)state;
	expect("end", "handler", 0, ARGV("      3  accept_client (guest.c:"));
}

static void found_after_exit_in_own_handler(void **state)
{
	char *dir = scratch_make();
	struct run guest = run_guest(dir, "end", "handler"), report;

	(void)state;
	report = run_program(&(struct start){.argv = ARGV(COMMAND, "report", "--grace=0", dir)});
	assert_has_line(report.out, THREE);
	assert_int_equal(WEXITSTATUS(report.status), 1);
	run_release(&guest);
	run_release(&report);
	scratch_remove(dir);
}

static void sigkill_leaves_what_is_needed(void **state)
{
	char *dir = scratch_make(), options[300];
	struct child child;
	struct run run, report;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	child = child_start(&(struct start){
		.argv = ARGV(GUEST, "leak_late"), .preload = SHIM, .options = options});
	child_expect(&child, "ready");
	kill(child.pid, SIGKILL);
	run = child_finish(&child);
	assert_true(WIFSIGNALED(run.status));
	report = run_report(dir);
	assert_has_line(report.out, THREE);
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
}

/* Killed at once, it cannot be judged: that is said, and is not "no leaks". */
static void killed_too_soon_is_in_doubt(void **state)
{
	(void)state;
	expect("end", "9", 0,
	       ARGV("socklint: no leak proven: 9 sockets followed in 1 process, 4 still open, 3 of "
		    "them in doubt"));
}

static void readable_while_the_program_runs(void **state)
{
	char *dir = scratch_make(), options[300];
	struct child child;
	struct run run, report;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	child = child_start(&(struct start){
		.argv = ARGV(GUEST, "leak_and_wait"), .preload = SHIM, .options = options});
	child_expect(&child, "ready");
	report = run_program(&(struct start){.argv = ARGV(COMMAND, "report", "--grace=1000", dir)});
	assert_has_no_line(report.out, "error:"); /* too young */
	run_release(&report);
	usleep(1300000);
	report = run_report(dir);
	assert_has_line(report.out, THREE);
	run_release(&report);
	kill(child.pid, SIGTERM);
	run = child_finish(&child);
	assert_true(WIFSIGNALED(run.status));
	run_release(&run);
	scratch_remove(dir);
}

static void vfork_child_does_not_close_for_its_parent(void **state)
{
	(void)state;
	expect("vfork", NULL, 1, ARGV(THREE));
}

/* One kept by a dup2 that failed, one by a duplicate whose original was closed. */
static void duplicates_hold_the_socket(void **state)
{
	(void)state;
	expect("dup", NULL, 1,
	       ARGV("error: close-wait (eof-ignored): 2 sockets opened in accept_client"));
}

/* The thread that touched it before the fork is the parent's, and not one of ours that ended. */
static void closed_duplicate_of_an_inherited_socket(void **state)
{
	(void)state;
	expect("dup_in_child", NULL, 0, ARGV("socklint: no leaks: "));
}

static void doors_that_no_hook_sees_are_no_leak(void **state)
{
	(void)state;
	expect("unseen_doors", NULL, 0, ARGV("socklint: no leaks: "));
}

static void worker_without_privileges_is_followed(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	expect("confined", NULL, 1,
	       ARGV("error: close-wait (eof-ignored): 300 sockets opened in accept_client"));
}

static void a_daemon_that_fails_goes_on_being_followed(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can make its own fork() fail */
	expect("daemon_fails", NULL, 0, ARGV("socklint: no leaks: "));
}

static int recordings_after(const char *name, const char *arg)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, name, arg);
	int n = scratch_count(dir, ".socklint");

	assert_int_not_equal(run.status, -1);
	run_release(&run);
	scratch_remove(dir);
	return n;
}

static void no_socket_no_file(void **state)
{
	(void)state;
	assert_int_equal(recordings_after("nothing", NULL), 0);
}

static void clean_end_no_file(void **state)
{
	(void)state;
	assert_int_equal(recordings_after("clean", NULL), 0);
	assert_int_equal(recordings_after("thread_per_connection", "50"),
			 1); /* a listener is open */
}

static void child_that_touches_no_socket_leaves_no_file(void **state)
{
	(void)state;
	assert_int_equal(recordings_after("fork_idle", NULL), 0);
}

static long size_of_recording(const char *connections)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, "thread_per_connection", connections), du;
	long size = 0;

	assert_int_equal(run.status, 0);
	du = run_program(
		&(struct start){.argv = ARGV("sh", "-c", "stat -c %s *.socklint"), .dir = dir});
	assert_int_equal(sscanf(du.out, "%ld", &size), 1);
	run_release(&run);
	run_release(&du);
	scratch_remove(dir);
	return size;
}

static void size_does_not_follow_the_number_of_connections(void **state)
{
	(void)state;
	assert_int_equal(size_of_recording("10"), size_of_recording("3000"));
}

static void max_files_is_kept_and_said(void **state)
{
	char *dir = scratch_make(), options[300];
	struct run run, report;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none:max-files=2", dir);
	for (int i = 0; i < 4; i++) {
		run = run_program(&(struct start){
			.argv = ARGV(GUEST, "leak"), .preload = SHIM, .options = options});
		assert_string_equal(run.out, "leaked\n");
		run_release(&run);
	}
	assert_int_equal(scratch_count(dir, ".socklint"), 2);
	report = run_report(dir);
	assert_non_null(strstr(report.out, "max-files"));
	run_release(&report);
	scratch_remove(dir);
}

/* depth= frames and no more. */
static void depth_is_kept(void **state)
{
	char *dir = scratch_make(), options[300];
	struct run run, report;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none:depth=2", dir);
	run = run_program(
		&(struct start){.argv = ARGV(GUEST, "leak"), .preload = SHIM, .options = options});
	report = run_report(dir);
	assert_has_line(report.out, THREE);
	assert_non_null(strstr(report.out, "    #1  leak_one"));
	assert_null(strstr(report.out, "__libc_start"));
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_after_return),
		cmocka_unit_test(found_after_exit),
		cmocka_unit_test(found_after__exit),
		cmocka_unit_test(found_after__Exit),
		cmocka_unit_test(found_after_quick_exit),
		cmocka_unit_test(found_after_exit_by_syscall),
		cmocka_unit_test(found_after_exit_in_own_handler),
		cmocka_unit_test(found_after_exec),
		cmocka_unit_test(not_judged_after_exec_of_an_unfollowed),
		cmocka_unit_test(not_judged_within_the_grace),
		cmocka_unit_test(not_judged_within_the_grace_of_own_handler),
		cmocka_unit_test(sigkill_leaves_what_is_needed),
		cmocka_unit_test(killed_too_soon_is_in_doubt),
		cmocka_unit_test(readable_while_the_program_runs),
		cmocka_unit_test(vfork_child_does_not_close_for_its_parent),
		cmocka_unit_test(duplicates_hold_the_socket),
		cmocka_unit_test(closed_duplicate_of_an_inherited_socket),
		cmocka_unit_test(doors_that_no_hook_sees_are_no_leak),
		cmocka_unit_test(worker_without_privileges_is_followed),
		cmocka_unit_test(a_daemon_that_fails_goes_on_being_followed),
		cmocka_unit_test(no_socket_no_file),
		cmocka_unit_test(clean_end_no_file),
		cmocka_unit_test(child_that_touches_no_socket_leaves_no_file),
		cmocka_unit_test(size_does_not_follow_the_number_of_connections),
		cmocka_unit_test(max_files_is_kept_and_said),
		cmocka_unit_test(depth_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
