/* SPDX-License-Identifier: MIT */
/* What socklint says of programs that use descriptors wrongly, and does not say of others. */
#include "running.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TOO_SLOW 75 /* the guest's word that a busy machine spoilt what it had to show */

static int report_once(const char *guest, const char *arg, const char *more, struct run *report)
{
	char *dir = scratch_make(), options[300];
	struct run run;
	int status;

	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	run = run_program(&(struct start){
		.argv = ARGV(GUEST, guest, arg, more), .preload = SHIM, .options = options});
	status = WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
	*report = run_report(dir);
	run_release(&run);
	scratch_remove(dir);
	return status;
}

static struct run report_of_with(const char *guest, const char *arg, const char *more)
{
	struct run report;
	int status = report_once(guest, arg, more, &report);

	for (int i = 0; i < 20 && status == TOO_SLOW; i++) {
		run_release(&report);
		status = report_once(guest, arg, more, &report);
	}
	assert_int_equal(status, 0);
	return report;
}

static struct run report_of(const char *guest)
{
	return report_of_with(guest, NULL, NULL);
}

static void a_double_close_is_a_warning(void **state)
{
	struct run report = report_of("double_close");

	(void)state;
	assert_has_line(report.out,
			"warning: double-close: 3 calls made in close_again (guest_mistakes.c:");
	assert_has_line(report.out, "  first close close_first (guest_mistakes.c:");
	assert_has_line(report.out,
			"socklint: no leaks: 3 sockets followed in 1 process, 1 warning");
	assert_int_equal(report.status, 0);
	run_release(&report);
}

static void a_loop_over_all_numbers_is_none(void **state)
{
	struct run report = report_of("close_loop");

	(void)state;
	assert_null(strstr(report.out, "double-close"));
	run_release(&report);
}

static void a_file_closed_twice_is_no_socket(void **state)
{
	struct run report = report_of("double_close_of_file");

	(void)state;
	assert_null(strstr(report.out, "double-close"));
	run_release(&report);
}

static void a_use_of_what_is_closed_is_a_warning(void **state)
{
	struct run report = report_of("use_after_close");

	(void)state;
	assert_has_line(
		report.out,
		"warning: use-after-close: 1000 calls made in use_again (guest_mistakes.c:");
	assert_has_line(report.out,
			"warning: use-after-close: 8 calls made in write_again (guest_mistakes.c:");
	assert_has_line(report.out, "  first close close_first (guest_mistakes.c:");
	assert_has_line(report.out, "  call        read() of descriptor ");
	assert_int_equal(report.status, 0);
	run_release(&report);
}

static void numbers_of_others_are_not_used_after_close(void **state)
{
	struct run report = report_of("use_of_others");

	(void)state;
	assert_null(strstr(report.out, "use-after-close"));
	run_release(&report);
}

static void who_held_the_descriptors_is_said(void **state)
{
	struct run report = report_of("exhausted");

	(void)state;
	assert_has_line(
		report.out,
		"warning: descriptors-exhausted: 7 calls failed in open_many (guest_mistakes.c:");
	assert_has_line(report.out, "  limit       64 descriptors (RLIMIT_NOFILE)");
	assert_has_line(report.out,
			"  held then   33 were sockets opened in open_many (guest_mistakes.c:");
	assert_has_line(report.out,
			"              26 were no sockets (files, pipes, ...), or unseen");
	run_release(&report);
}

static void who_uses_up_ports_is_warned(void **state)
{
	struct run report = report_of_with("hurried_client", "55", NULL);

	(void)state;
	assert_has_line(report.out, "warning: time-wait-pressure: ");
	assert_has_line(report.out, "socklint: no leaks: ");
	run_release(&report);
}

/* SO_LINGER of 0 s: haproxy closes all its connections to servers so. */
static void who_resets_uses_up_no_ports(void **state)
{
	struct run report = report_of_with("hurried_client", "aborts", NULL);

	(void)state;
	assert_has_line(report.out, "socklint: no leaks: ");
	assert_null(strstr(report.out, "time-wait-pressure"));
	run_release(&report);
}

/* Nothing is open at the end: the recording is kept all the same. */
static void a_close_with_data_unread_is_a_reset(void **state)
{
	struct run report = report_of("unread_at_close");

	(void)state;
	assert_has_line(report.out,
			"warning: reset-on-close: 10 sockets opened in accept_client (");
	assert_has_line(report.out, "  sample      10 of 10 had unread data, of 10 closed here ");
	assert_has_line(report.out, "  close       close_with_rest (guest_mistakes.c:");
	run_release(&report);
}

static void what_was_read_or_left_by_the_client_is_none(void **state)
{
	struct run report = report_of_with("unread_at_close", "read", NULL);

	(void)state;
	assert_null(strstr(report.out, "reset-on-close"));
	run_release(&report);
	report = report_of_with("unread_at_close", "client_first", NULL);
	assert_null(strstr(report.out, "reset-on-close"));
	run_release(&report);
}

/* Seen at the end, or when the call returned. */
static void a_reader_that_stays_blocked_is_told(void **state)
{
	const char *const hows[] = {"stay", "late"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct run report = report_of_with("closed_under_reader", hows[i], NULL);

		assert_has_line(report.out, "warning: closed-under-reader: 1 socket closed in "
					    "close_under (guest_mistakes.c:");
		assert_has_line(report.out, "  opened      accept_client (guest.c:");
		assert_has_line(report.out, "  thread      ");
		run_release(&report);
	}
}

static void a_reader_that_is_woken_or_elsewhere_is_not(void **state)
{
	const char *const hows[] = {"data", "jvm", "shutdown", "cancel", "jump"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct run report = report_of_with("closed_under_reader", hows[i], NULL);

		assert_null(strstr(report.out, "closed-under-reader"));
		run_release(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_double_close_is_a_warning),
		cmocka_unit_test(a_loop_over_all_numbers_is_none),
		cmocka_unit_test(a_file_closed_twice_is_no_socket),
		cmocka_unit_test(a_use_of_what_is_closed_is_a_warning),
		cmocka_unit_test(numbers_of_others_are_not_used_after_close),
		cmocka_unit_test(who_held_the_descriptors_is_said),
		cmocka_unit_test(a_reader_that_stays_blocked_is_told),
		cmocka_unit_test(a_reader_that_is_woken_or_elsewhere_is_not),
		cmocka_unit_test(who_uses_up_ports_is_warned),
		cmocka_unit_test(who_resets_uses_up_no_ports),
		cmocka_unit_test(a_close_with_data_unread_is_a_reset),
		cmocka_unit_test(what_was_read_or_left_by_the_client_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
