/* SPDX-License-Identifier: MIT */
/*
 * A bare preload: LD_PRELOAD and nothing else. Findings go to standard error when the run's first
 * process ends, and nowhere where they would do harm.
 */
#include "running.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FINDING "error: close-wait (eof-ignored): 3 sockets opened in accept_client (guest.c:"

static struct run run_preloaded(const char *dir, const char *name, const char *arg)
{
	char options[300];

	snprintf(options, sizeof(options), "dir=%s" PATIENTLY, dir);
	return run_program(&(struct start){
		.argv = ARGV(GUEST, name, arg), .preload = SHIM, .options = options});
}

static void assert_finding_in_report(const char *dir)
{
	struct run report = run_report(dir);

	assert_has_line(report.out, FINDING);
	assert_int_equal(WEXITSTATUS(report.status), 1);
	run_release(&report);
}

static void findings_are_printed_at_the_end(void **state)
{
	char *dir = scratch_make();
	struct run run = run_preloaded(dir, "leak", NULL);

	(void)state;
	assert_has_line(run.err, FINDING);
	assert_string_equal(run.out, "leaked\n");
	assert_int_equal(WEXITSTATUS(run.status), 3);
	run_release(&run);
	scratch_remove(dir);
}

static void clean_program_prints_nothing_and_leaves_no_recording(void **state)
{
	char *dir = scratch_make();
	struct run run = run_preloaded(dir, "clean", NULL);

	(void)state;
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, "clean\n");
	assert_int_equal(run.status, 0);
	assert_int_equal(scratch_count(dir, ".socklint"), 0);
	run_release(&run);
	scratch_remove(dir);
}

static void report_none_prints_nothing(void **state)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, "leak", NULL);

	(void)state;
	assert_string_equal(run.err, "");
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

static void first_process_reports_what_its_child_leaked(void **state)
{
	char *dir = scratch_make();
	struct run run = run_preloaded(dir, "leak_in_child", NULL);
	const char *first = strstr(run.err, FINDING);

	(void)state;
	assert_non_null(first);
	assert_null(strstr(first + 1, FINDING)); /* the child itself printed nothing */
	run_release(&run);
	scratch_remove(dir);
}

static void guest_sees_no_child_of_ours(void **state)
{
	char *dir = scratch_make();
	struct run run = run_preloaded(dir, "watch_children", NULL);

	(void)state;
	assert_has_line(run.err, FINDING);
	assert_string_equal(run.out, "");
	run_release(&run);
	scratch_remove(dir);
}

static void daemon_prints_nothing_and_its_recording_is_there(void **state)
{
	char *dir = scratch_make(), mark[300];
	struct run run;

	(void)state;
	snprintf(mark, sizeof(mark), "%s/done", dir);
	run = run_preloaded(dir, "daemon", mark);
	assert_int_equal(run.status, 0);
	for (int i = 0; i < 1000 && (access(mark, F_OK) || !scratch_count(dir, ".socklint")); i++)
		usleep(10000);
	usleep(300000);
	assert_string_equal(run.err, "");
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

static void client_on_descriptor_2_is_sent_nothing(void **state)
{
	char *dir = scratch_make();
	struct run run = run_preloaded(dir, "client_on_stderr", NULL);

	(void)state;
	assert_has_line(run.out, "the client was sent 0 bytes");
	assert_string_equal(run.err, "");
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

/* A hook is called within the program's first malloc(), before the shim's constructor. */
static void an_allocator_that_calls_hooks_does_not_hang(void **state)
{
	char *dir = scratch_make(), options[300];
	struct run run, report;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s" PATIENTLY, dir);
	run = run_program(&(struct start){
		.argv = ARGV(EARLY_MALLOC_GUEST), .preload = SHIM, .options = options});
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, "open\n");
	assert_int_equal(WEXITSTATUS(run.status), 3);
	report = run_report(dir);
	assert_has_line(report.out, "      1  main (");
	assert_has_no_line(report.out, "blind:");
	run_release(&report);
	run_release(&run);
	scratch_remove(dir);
}

static void sigterm_prints_and_still_kills(void **state)
{
	char *dir = scratch_make(), options[300];
	struct child child;
	struct run run;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s" PATIENTLY, dir);
	child = child_start(&(struct start){
		.argv = ARGV(GUEST, "leak_and_wait"), .preload = SHIM, .options = options});
	child_expect(&child, "ready");
	usleep(1300000); /* beyond the grace of a program that is stopped from outside */
	kill(child.pid, SIGTERM);
	run = child_finish(&child);
	assert_true(WIFSIGNALED(run.status));
	assert_int_equal(WTERMSIG(run.status), SIGTERM);
	assert_has_line(run.err, FINDING);
	run_release(&run);
	scratch_remove(dir);
}

/* A handler with SA_RESETHAND leaves the default action behind, past every hook. */
static void the_end_is_recorded_when_a_handler_raises_again(void **state)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, "end", "resethand"), report = run_report(dir);

	(void)state;
	assert_true(WIFSIGNALED(run.status));
	assert_has_no_line(report.out, "blind:");
	run_release(&report);
	run_release(&run);
	scratch_remove(dir);
}

static void unprivileged_before_its_first_socket_it_is_recorded(void **state)
{
	char *dir = scratch_make();
	struct run run;

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give up its privileges */
	run = run_guest(dir, "unprivileged", NULL);
	assert_int_equal(run.status, 0);
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

/* Without dir= the recordings go to a private directory in /tmp; the report says where. */
static void default_directory_is_private_and_named(void **state)
{
	struct run run = run_program(&(struct start){
			   .argv = ARGV(GUEST, "leak"), .preload = SHIM, .options = PATIENTLY}),
		   report;
	char base[64], *dir, *end;

	(void)state;
	snprintf(base, sizeof(base), "/tmp/socklint-%u/", geteuid());
	dir = strstr(run.err, base);
	if (!dir)
		fail_msg("no %s in:\n%s", base, run.err);
	end = dir + strcspn(dir, " \n'\"");
	*end = '\0';
	report = run_report(dir);
	assert_has_line(report.out, FINDING);
	run_release(&report);
	report = run_program(&(struct start){.argv = ARGV("stat", "-c", "%a", base, dir)});
	assert_string_equal(report.out, "700\n700\n");
	run_release(&report);
	report = run_program(&(struct start){.argv = ARGV("rm", "-r", "--", dir)});
	run_release(&report);
	run_release(&run);
}

/* The shim's own line must not be what outgrows a limit, or what a dead pipe kills for. */
static void our_line_is_not_written_where_it_would_kill(void **state)
{
	char *dir = scratch_make(), script[1200];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script),
		 "head -c 4096 /dev/zero > %s/full; ulimit -f 1; "
		 "LD_PRELOAD=%s SOCKLINT_OPTIONS=dir=/proc/nowhere:help=1 %s leak 2>> %s/full; "
		 "echo file $?; exec 3> >(exec sleep 0.1 >&-); sleep 0.3; "
		 "LD_PRELOAD=%s SOCKLINT_OPTIONS=dir=/proc/nowhere:help=1 %s leak 2>&3; echo pipe "
		 "$?",
		 dir, SHIM, GUEST, dir, SHIM, GUEST);
	run = run_program(&(struct start){.argv = ARGV("bash", "-c", script)});
	assert_string_equal(run.out, "leaked\nfile 3\nleaked\npipe 3\n");
	run_release(&run);
	scratch_remove(dir);
}

/* A slip of the pen in the options leaves the defaults. */
static void misspelt_values_leave_the_defaults(void **state)
{
	char *dir = scratch_make(), options[300];
	struct run run;

	(void)state;
	snprintf(options, sizeof(options),
		 "dir=%s" PATIENTLY ":depth=foo:max-size=abc:max-files=:max-size=4x:dri=/tmp", dir);
	run = run_program(
		&(struct start){.argv = ARGV(GUEST, "leak"), .preload = SHIM, .options = options});
	assert_has_line(run.err, FINDING);
	assert_non_null(strstr(run.err, "    #3  "));
	run_release(&run);
	scratch_remove(dir);
}

/* Runs in `dir`, where a file "known" says what is not to be told. */
static struct run run_with_known(const char *dir, const char *known)
{
	char path[300];
	FILE *out;
	struct run run;

	snprintf(path, sizeof(path), "%s/known", dir);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs(known, out);
	fclose(out);
	setenv("SOCKLINT_SUPPRESSIONS", "known", 1);
	run = run_program(&(struct start){.argv = ARGV(GUEST, "leak"),
					  .preload = SHIM,
					  .options = "dir=." PATIENTLY,
					  .dir = dir});
	unsetenv("SOCKLINT_SUPPRESSIONS");
	return run;
}

static void what_is_suppressed_is_not_printed(void **state)
{
	char *dir = scratch_make();
	struct run run = run_with_known(dir, "close-wait:accept_client\n");

	(void)state;
	assert_string_equal(run.err, "");
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

static void a_broken_suppression_hides_nothing(void **state)
{
	char *dir = scratch_make();
	struct run run = run_with_known(dir, "close-wait\n");

	(void)state;
	assert_non_null(strstr(run.err, "/known:1: "));
	assert_has_line(run.err, FINDING);
	run_release(&run);
	scratch_remove(dir);
}

static struct run run_with_options(const char *dir, const char *more, const char *name,
				   const char *arg)
{
	char options[400];

	snprintf(options, sizeof(options), "dir=%s" PATIENTLY "%s", dir, more);
	return run_program(&(struct start){
		.argv = ARGV(GUEST, name, arg), .preload = SHIM, .options = options});
}

static void a_remark_is_printed_at_the_end(void **state)
{
	char *dir = scratch_make();
	struct run run = run_with_options(dir, "", "double_close", NULL);

	(void)state;
	assert_has_line(run.err, "warning: double-close: 3 calls made in close_again");
	run_release(&run);
	scratch_remove(dir);
}

static void the_options_say_what_is_slow(void **state)
{
	char *dir = scratch_make();
	struct run one = run_with_options(dir, "", "late_close", "100"), two;

	(void)state;
	assert_string_equal(one.err, "");
	two = run_with_options(dir, ":max-dwell=0.01", "late_close", "100");
	assert_has_line(two.err, "warning: slow-close: ");
	run_release(&one);
	run_release(&two);
	scratch_remove(dir);
}

/* Who cannot be understood is not served, but told where the recording is. */
static void an_option_that_makes_no_sense_hides_nothing(void **state)
{
	char *dir = scratch_make();
	struct run run = run_with_options(dir, ":grace=soon", "leak", NULL);

	(void)state;
	assert_non_null(strstr(run.err, "--grace=soon: not a number of seconds"));
	assert_has_line(run.err, "socklint: sockets were left open, but the report could not");
	run_release(&run);
	scratch_remove(dir);
}

static void unwritable_directory_leaves_the_guest_alone(void **state)
{
	struct run run = run_program(&(struct start){
		.argv = ARGV(GUEST, "leak"), .preload = SHIM, .options = "dir=/proc/nowhere"});

	(void)state;
	assert_string_equal(run.out, "leaked\n");
	assert_int_equal(WEXITSTATUS(run.status), 3);
	assert_has_line(run.err, "socklint: cannot record to /proc/nowhere: ");
	run_release(&run);
}

/* What a child without a recording learns must not land in its parent's. */
static void child_without_a_recording_spoils_no_other(void **state)
{
	char *dir = scratch_make(), options[300];
	struct start start = {
		.argv = ARGV(GUEST, "child_refused"), .preload = SHIM, .options = options};
	struct run run;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none:max-files=1", dir);
	run = run_program(&start);
	assert_int_equal(run.status, 0);
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

static void vfork_child_changes_nothing_of_its_parents(void **state)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, "vfork", NULL);

	(void)state;
	assert_string_equal(run.out, "child 3\n");
	assert_finding_in_report(dir);
	run_release(&run);
	scratch_remove(dir);
}

static void child_renewed_by_fork_handlers_is_clean(void **state)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, "atfork", NULL);

	(void)state;
	assert_string_equal(run.out, "child 4\n");
	assert_int_equal(scratch_count(dir, ".socklint"), 0);
	run_release(&run);
	scratch_remove(dir);
}

/* Another thread holds the loader's lock for ever. */
static void killed_while_loading_ends_at_once(void **state)
{
	char *dir = scratch_make();
	struct run run = run_preloaded(dir, "killed_while_loading", NULL);

	(void)state;
	assert_true(WIFSIGNALED(run.status));
	assert_int_equal(WTERMSIG(run.status), SIGTERM);
	run_release(&run);
	scratch_remove(dir);
}

/*
 * A library that lies beside a command of the test's own, which begins with `first`: so slow is a
 * report where the machine is busy or the program large.
 */
static struct run run_beside(const char *dir, const char *first, const char *more)
{
	char script[1000], library[300], options[300];
	struct run run;

	snprintf(script, sizeof(script),
		 "cd %s && mkdir lib bin && ln -s %s lib/shim.so && "
		 "printf '#!/bin/sh\\n%s\\nexec %s \"$@\"\\n' > bin/socklint && "
		 "chmod +x bin/socklint",
		 dir, SHIM, first, COMMAND);
	run = run_program(&(struct start){.argv = ARGV("sh", "-c", script)});
	assert_string_equal(run.err, "");
	run_release(&run);
	snprintf(library, sizeof(library), "%s/lib/shim.so", dir);
	snprintf(options, sizeof(options), "dir=%s/recordings%s", dir, more);
	return run_program(&(struct start){
		.argv = ARGV(GUEST, "leak"), .preload = library, .options = options});
}

static void who_is_patient_gets_a_slow_report(void **state)
{
	char *dir = scratch_make();
	struct run run = run_beside(dir, "sleep 2.5", PATIENTLY);

	(void)state;
	assert_has_line(run.err, FINDING);
	run_release(&run);
	scratch_remove(dir);
}

static void an_end_waits_no_longer_than_it_may(void **state)
{
	char *dir = scratch_make();
	struct run run = run_beside(dir, "exec sleep 1000", ":patience=0.1");

	(void)state;
	assert_has_line(run.err, "socklint: sockets were left open, but the report could not");
	assert_int_equal(WEXITSTATUS(run.status), 3);
	run_release(&run);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_printed_at_the_end),
		cmocka_unit_test(clean_program_prints_nothing_and_leaves_no_recording),
		cmocka_unit_test(report_none_prints_nothing),
		cmocka_unit_test(first_process_reports_what_its_child_leaked),
		cmocka_unit_test(guest_sees_no_child_of_ours),
		cmocka_unit_test(daemon_prints_nothing_and_its_recording_is_there),
		cmocka_unit_test(client_on_descriptor_2_is_sent_nothing),
		cmocka_unit_test(an_allocator_that_calls_hooks_does_not_hang),
		cmocka_unit_test(sigterm_prints_and_still_kills),
		cmocka_unit_test(the_end_is_recorded_when_a_handler_raises_again),
		cmocka_unit_test(unprivileged_before_its_first_socket_it_is_recorded),
		cmocka_unit_test(default_directory_is_private_and_named),
		cmocka_unit_test(our_line_is_not_written_where_it_would_kill),
		cmocka_unit_test(misspelt_values_leave_the_defaults),
		cmocka_unit_test(what_is_suppressed_is_not_printed),
		cmocka_unit_test(a_broken_suppression_hides_nothing),
		cmocka_unit_test(a_remark_is_printed_at_the_end),
		cmocka_unit_test(the_options_say_what_is_slow),
		cmocka_unit_test(an_option_that_makes_no_sense_hides_nothing),
		cmocka_unit_test(unwritable_directory_leaves_the_guest_alone),
		cmocka_unit_test(child_without_a_recording_spoils_no_other),
		cmocka_unit_test(vfork_child_changes_nothing_of_its_parents),
		cmocka_unit_test(child_renewed_by_fork_handlers_is_clean),
		cmocka_unit_test(killed_while_loading_ends_at_once),
		cmocka_unit_test(who_is_patient_gets_a_slow_report),
		cmocka_unit_test(an_end_waits_no_longer_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
