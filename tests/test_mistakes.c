/* SPDX-License-Identifier: MIT */
/* What socklint says of programs that use descriptors wrongly, and does not say of others. */
#include "running.h"

#include <string.h>
#include <sys/wait.h>

static struct run report_of(const char *guest)
{
	char *dir = scratch_make();
	struct run run = run_guest(dir, guest, NULL), report = run_report(dir);

	assert_int_equal(run.status, 0);
	run_release(&run);
	scratch_remove(dir);
	return report;
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
			"warning: use-after-close: 7 calls made in write_again (guest_mistakes.c:");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_double_close_is_a_warning),
		cmocka_unit_test(a_loop_over_all_numbers_is_none),
		cmocka_unit_test(a_file_closed_twice_is_no_socket),
		cmocka_unit_test(a_use_of_what_is_closed_is_a_warning),
		cmocka_unit_test(numbers_of_others_are_not_used_after_close),
		cmocka_unit_test(who_held_the_descriptors_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
