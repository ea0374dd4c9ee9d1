/* SPDX-License-Identifier: MIT */
/*
 * socklint.h and socklint_cmocka.h: what programs that were built with them are told, with the shim
 * and without it.
 */
#include "running.h"
#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct run run_it(const char *program, const char *arg, const char *dir)
{
	char *options = NULL;
	struct run run;

	if (dir)
		assert_true(asprintf(&options, "report=none:dir=%s", dir) > 0);
	run = run_program(&(struct start){
		.argv = ARGV(program, arg), .preload = dir ? SHIM : NULL, .options = options});
	free(options);
	return run;
}

static void expect_it(const char *program, const char *scenario, const char *dir)
{
	struct run run = run_it(program, scenario, dir);
	char *text;

	assert_true(asprintf(&text, "%s: %s\n", scenario, dir ? "present" : "absent") > 0);
	assert_string_equal(run.out, text);
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	free(text);
	run_release(&run);
}

static void the_calls_hold(void **state)
{
	static const char *const scenarios[] = {"stuck", "open",   "keep",    "dup",
						"room",	 "sizes",  "threads", "fork",
						"vfork", "unseen", "signals", "sealed"};
	char *dir = scratch_make();

	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		expect_it(API_GUEST, scenarios[i], dir);
		expect_it(API_GUEST, scenarios[i], NULL);
	}
	scratch_remove(dir);
}

/* No linker may decide that a name which is not there now will never be. */
static void found_whatever_the_linking(void **state)
{
	char *dir = scratch_make();

	(void)state;
	expect_it(API_GUEST_NO_PIE, "stuck", dir);
	expect_it(API_GUEST_NO_PIE, "stuck", NULL);
	expect_it(API_GUEST_STATIC, "stuck", NULL);
	scratch_remove(dir);
}

/* ---- the report -------------------------------------------------------------------------- */

static struct run report_on(const char *scenario)
{
	char *dir = scratch_make();
	struct run report;

	expect_it(API_GUEST, scenario, dir);
	report = run_report(dir);
	scratch_remove(dir);
	return report;
}

static void what_is_kept_is_no_fault(void **state)
{
	struct run report = report_on("leaks");

	(void)state;
	assert_int_equal(WEXITSTATUS(report.status), 1);
	assert_has_line(report.out,
			"error: close-wait (eof-ignored): 7 sockets opened in accept_one");
	assert_non_null(strstr(report.out, ": meant to stay open: a pool of connections\n"));
	run_release(&report);

	report = report_on("leaks_kept");
	assert_int_equal(WEXITSTATUS(report.status), 0);
	assert_has_no_line(report.out, "error:");
	assert_has_line(report.out, "      4  accept_one (api_guest.c:");
	assert_non_null(strstr(report.out, ": meant to stay open: a pool of connections\n"));
	assert_has_line(report.out, "      3  accept_one (api_guest.c:");
	assert_non_null(strstr(report.out, ": meant to stay open\n"));
	assert_non_null(strstr(report.out, " 123456789 1\n")); /* 111 bytes of it */
	run_release(&report);
}

/* Nothing for a bare preload to hold the end up for. */
static void what_is_kept_is_not_suspicious(void **state)
{
	char *dir = scratch_make(), *path;
	struct rec_summary summary;
	FILE *file;

	(void)state;
	expect_it(API_GUEST, "leaks_kept", dir);
	assert_true(asprintf(&path, "%s/" REC_SUMMARY_NAME, dir) > 0);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(&summary, sizeof(summary), 1, file), 1);
	fclose(file);
	assert_int_equal(summary.made, 1);
	assert_int_equal(summary.suspicious, 0);
	free(path);
	scratch_remove(dir);
}

static void reasons_make_room(void **state)
{
	struct run report = report_on("many_kept");

	(void)state;
	assert_non_null(strstr(report.out, ": meant to stay open: the last of many\n"));
	run_release(&report);
}

static void a_child_inherits_what_is_meant(void **state)
{
	struct run report = report_on("kept_by_parent");

	(void)state;
	assert_has_no_line(report.out, "error:");
	assert_has_line(report.out, "      3  accept_one (api_guest.c:");
	assert_non_null(strstr(report.out, ": meant to stay open: the child's\n"));
	run_release(&report);
}

static void the_next_image_inherits_it_too(void **state)
{
	char *dir = scratch_make();
	struct run run = run_it(API_GUEST, "kept_by_exec", dir), report = run_report(dir);

	(void)state;
	assert_string_equal(run.out, "room: present\n");
	assert_has_no_line(report.out, "error:");
	assert_has_line(report.out, "      3  accept_one (api_guest.c:");
	assert_non_null(strstr(report.out, ": meant to stay open: the next image's\n"));
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
}

/* ---- cmocka ------------------------------------------------------------------------------ */

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void a_group_fails_by_its_leak(void **state)
{
	char *dir = scratch_make();
	struct run bare = run_it(UNIT_TEST, NULL, NULL), run = run_it(UNIT_TEST, NULL, dir);

	(void)state;
	assert_int_equal(bare.status, 0);
	assert_null(strstr(bare.err, "socklint"));
	assert_int_equal(WEXITSTATUS(run.status), 1);
	assert_has_line(run.err, "socklint: tests left 1 socket open:");
	assert_has_line(run.err, "  fd ");
	assert_non_null(strstr(run.err, ", CLOSE_WAIT, peer 127.0.0.1:"));
	assert_non_null(strstr(run.err, ", opened by accept()\n    in take_guest (unit_test)\n"
					"    called from refuses_a_stranger (unit_test)\n"));
	assert_int_equal(count(run.err, "  fd "), 1);
	assert_non_null(strstr(run.err, "GROUP TEARDOWN"));
	run_release(&bare);
	run_release(&run);
	scratch_remove(dir);
}

/* Each kind of test in cmocka_guest.c, and how many of them fail under the shim. */
static void a_test_fails_by_its_leak(void **state)
{
	char *dir = scratch_make();
	struct run bare = run_it(CMOCKA_GUEST, NULL, NULL), run = run_it(CMOCKA_GUEST, NULL, dir);

	(void)state;
	assert_int_equal(bare.status, 0);
	assert_string_equal(strstr(bare.err, "[  PASSED  ]"), "[  PASSED  ] 6 test(s).\n");
	assert_int_equal(WEXITSTATUS(run.status), 3);
	assert_int_equal(count(run.err, "socklint: this test left 1 socket open:"), 1);
	assert_int_equal(count(run.err, "socklint: this test left 40 sockets open:"), 1);
	assert_int_equal(count(run.err, "  fd "), 1 + 32 + 1);
	assert_non_null(strstr(run.err, "  and 8 more\n"));
	assert_non_null(strstr(run.err, "[  ERROR   ] leaks_one"));
	assert_non_null(strstr(run.err, "[  ERROR   ] leaks_many"));
	assert_has_line(run.err, "socklint: a group left 1 socket open:");
	assert_non_null(strstr(run.err, "not TCP"));
	run_release(&bare);
	run_release(&run);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_calls_hold),
		cmocka_unit_test(found_whatever_the_linking),
		cmocka_unit_test(what_is_kept_is_no_fault),
		cmocka_unit_test(what_is_kept_is_not_suspicious),
		cmocka_unit_test(reasons_make_room),
		cmocka_unit_test(a_child_inherits_what_is_meant),
		cmocka_unit_test(the_next_image_inherits_it_too),
		cmocka_unit_test(a_group_fails_by_its_leak),
		cmocka_unit_test(a_test_fails_by_its_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
