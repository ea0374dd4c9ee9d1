/* SPDX-License-Identifier: MIT */
/*
 * "socklint selftest" says yes where leaks are found, whatever else is missing, and no wherever one
 * would be passed over.
 */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSED "socklint: the self-test passed: "
#define FAILED "socklint: the self-test failed: "

static struct run run_script(const char *script)
{
	return run_program(&(struct start){.argv = ARGV("sh", "-c", script)});
}

/* In a mount and a network namespace of its own; skips the test where there can be none. */
static struct run run_apart(const char *flags, const char *before, const char *arguments)
{
	char script[1000], user[20];
	struct run probe;

	snprintf(user, sizeof(user), "%s%s", geteuid() ? "-Ur" : "-", flags);
	probe = run_program(&(struct start){.argv = ARGV("unshare", user, "true")});
	if (probe.status)
		skip();
	run_release(&probe);
	snprintf(script, sizeof(script), "%s exec %s selftest %s", before, COMMAND, arguments);
	return run_program(&(struct start){.argv = ARGV("unshare", user, "sh", "-c", script)});
}

static void assert_passed(struct run *run)
{
	assert_has_line(run->out, PASSED);
	assert_has_no_line(run->out, "FAILED ");
	assert_has_line(run->out,
			"ok       planted leak  found: close-wait (eof-ignored), 1 socket "
			"in CLOSE_WAIT, opened in selftest_take");
	assert_has_line(run->out, "ok       its twin      closes all 5 sockets, and nothing");
	assert_int_equal(run->status, 0);
}

static void assert_failed(struct run *run, const char *why)
{
	assert_has_line(run->out, why);
	assert_has_line(run->out, FAILED);
	assert_true(WIFEXITED(run->status));
	assert_int_equal(WEXITSTATUS(run->status), 1);
}

static void leak_is_found_here(void **state)
{
	char *dir = scratch_make(), script[600];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script), "TMPDIR=%s exec %s selftest", dir, COMMAND);
	run = run_script(script);
	assert_passed(&run);
	assert_string_equal(run.err, "");
	assert_has_line(run.out, "ok       library       " SHIM);
	assert_has_line(run.out, "ok       stacks        libunwind walked ");
	assert_has_line(run.out, "ok       line numbers  selftest_guest.c:");
	run_release(&run);
	/* And nothing stays behind. */
	snprintf(script, sizeof(script), "find %s -type f -o -name 'selftest*'", dir);
	run = run_script(script);
	assert_string_equal(run.out, "");
	run_release(&run);
	scratch_remove(dir);
}

static void directory_is_made_and_removed(void **state)
{
	char *dir = scratch_make(), script[600];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script), "%s selftest --dir %s/new && test ! -e %s/new", COMMAND,
		 dir, dir);
	run = run_script(script);
	assert_passed(&run);
	run_release(&run);
	scratch_remove(dir);
}

static void stripped_command_still_knows_the_site(void **state)
{
	char *dir = scratch_make(), script[1000];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script),
		 "cd %s && mkdir bin lib && strip -o bin/socklint %s && cp %s lib/ && exec "
		 "bin/socklint selftest",
		 dir, COMMAND, SHIM);
	run = run_script(script);
	assert_passed(&run);
	assert_has_line(run.out, "limited  line numbers  none of socklint+0x");
	run_release(&run);
	scratch_remove(dir);
}

static void library_that_does_not_load_fails(void **state)
{
	char *dir = scratch_make(), script[1000];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script),
		 "cd %s && mkdir bin lib && cp %s bin/socklint && cp %s lib/libsocklint.so && exec "
		 "bin/socklint selftest",
		 dir, COMMAND, EMPTY_LIBRARY);
	run = run_script(script);
	assert_failed(&run, "FAILED   planted leak  the library was not loaded into it");
	run_release(&run);
	snprintf(script, sizeof(script), "rm %s/lib/* && exec %s/bin/socklint selftest", dir, dir);
	run = run_script(script);
	assert_failed(&run, "FAILED   library       ");
	run_release(&run);
	scratch_remove(dir);
}

static void without_libunwind_it_is_found_by_its_caller(void **state)
{
	char *dir = scratch_make(), script[1000];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script),
		 "cd %s && cp %s libunwind.so.8 && LD_LIBRARY_PATH=%s exec %s selftest", dir,
		 EMPTY_LIBRARY, dir, COMMAND);
	run = run_script(script);
	assert_passed(&run);
	assert_has_line(run.out, "limited  stacks        the caller alone: ");
	assert_has_line(run.out, "limited  blind         1 process ran without libunwind");
	run_release(&run);
	scratch_remove(dir);
}

static void without_proc_it_is_found(void **state)
{
	struct run run = run_apart("m", "mount -t tmpfs socklint /proc &&", "");

	(void)state;
	assert_passed(&run);
	assert_has_line(run.out, "limited  kernel        no /proc/net/tcp: ");
	run_release(&run);
}

static void no_place_for_recordings_fails(void **state)
{
	char script[600];
	struct run run;

	(void)state;
	snprintf(script, sizeof(script), "TMPDIR=/nonexistent exec %s selftest", COMMAND);
	run = run_script(script);
	assert_failed(&run, "FAILED   recordings    /nonexistent/socklint-");
	run_release(&run);
}

static void full_disk_fails(void **state)
{
	char *dir = scratch_make(), before[400], arguments[400];
	struct run run;

	(void)state;
	snprintf(before, sizeof(before), "mount -t tmpfs -o size=64k socklint %s &&", dir);
	snprintf(arguments, sizeof(arguments), "--dir %s", dir);
	run = run_apart("m", before, arguments);
	assert_failed(&run, "FAILED   planted leak  it could not make its recording");
	assert_has_line(run.out, "limited  recordings    in ");
	run_release(&run);
	scratch_remove(dir);
}

static void without_loopback_it_cannot_be_proved(void **state)
{
	struct run run = run_apart("n", "", "");

	(void)state;
	assert_failed(&run, "FAILED   planted leak  it had no connections over loopback");
	assert_has_line(run.err, "socklint: a connection over loopback: ");
	run_release(&run);
}

/* For bug reports. */
static void version_names_what_it_was_built_with(void **state)
{
	static const char *const parts[] = {"socklint 0.",     "  libunwind  /",  "  elfutils   0.",
					    "  jansson    2.", "  glibc      2.", "  compiler   "};
	struct run run = run_program(&(struct start){.argv = ARGV(COMMAND, "--version")});

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has_line(run.out, parts[i]);
	assert_int_equal(run.status, 0);
	run_release(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leak_is_found_here),
		cmocka_unit_test(directory_is_made_and_removed),
		cmocka_unit_test(stripped_command_still_knows_the_site),
		cmocka_unit_test(library_that_does_not_load_fails),
		cmocka_unit_test(without_libunwind_it_is_found_by_its_caller),
		cmocka_unit_test(without_proc_it_is_found),
		cmocka_unit_test(no_place_for_recordings_fails),
		cmocka_unit_test(full_disk_fails),
		cmocka_unit_test(without_loopback_it_cannot_be_proved),
		cmocka_unit_test(version_names_what_it_was_built_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
