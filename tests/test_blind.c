/* SPDX-License-Identifier: MIT */
/*
 * What socklint cannot see is said: libraries past the hooks, io_uring, programs that the shim did
 * not come along to. And the hooks on the loader change nothing of what it does.
 */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define BLIND_DEEPBIND "blind: 1 process loaded a library by RTLD_DEEPBIND or dlmopen()"
#define BLIND_URING    "blind: 1 process used io_uring"

/* The same with the shim and without. The recordings are in dir then. */
static struct run same(const char *dir, const char *const *argv)
{
	char options[300];
	struct run bare = run_program(&(struct start){.argv = argv}), shimmed;

	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	shimmed = run_program(&(struct start){.argv = argv, .preload = SHIM, .options = options});
	assert_string_equal(shimmed.out, bare.out);
	assert_string_equal(shimmed.err, bare.err);
	assert_int_equal(shimmed.status, bare.status);
	assert_null(strstr(bare.out, "FAILED"));
	run_release(&bare);
	return shimmed;
}

static void plugins(const char *how, const char *said, int blind)
{
	char *dir = scratch_make();
	struct run run = same(dir, ARGV(GUEST, "plugins", PLUGIN_DIR, how)), report;

	assert_non_null(strstr(run.out, "plugin says 42\n")); /* found by its own RUNPATH */
	assert_non_null(strstr(run.out, "inner library from here: libplugin_inner.so: cannot"));
	assert_non_null(strstr(run.out, said));
	report = run_report(dir);
	if (blind)
		assert_has_line(report.out, BLIND_DEEPBIND);
	else
		assert_has_no_line(report.out, "blind:");
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
}

static void plugins_find_their_libraries(void **state)
{
	(void)state;
	plugins("plain", "plugin that is loaded: loaded", 0);
}

static void deepbind_is_said(void **state)
{
	(void)state;
	plugins("deepbind", "plugin that is loaded: loaded", 1);
}

static void another_namespace_is_said(void **state)
{
	(void)state;
	plugins("namespace", "plugin that is loaded: ", 1);
}

static void io_uring_is_said(void **state)
{
	char *dir = scratch_make();
	struct run run = same(dir, ARGV(GUEST, "uring")), report = run_report(dir);
	int works = strstr(run.out, "works") != NULL;

	(void)state;
	if (works)
		assert_has_line(report.out, BLIND_URING);
	else
		assert_has_no_line(report.out, "blind:");
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
	if (!works)
		skip(); /* refused here: nothing to be blind to */
}

/* Programs try it and go another way where it is refused. */
static void io_uring_that_is_refused_blinds_nobody(void **state)
{
	char *dir = scratch_make();
	struct run run = same(dir, ARGV(GUEST, "uring", "refused")), report = run_report(dir);

	(void)state;
	assert_string_equal(run.out, "io_uring is refused\n");
	assert_has_line(report.out, "socklint: no leaks: ");
	assert_has_no_line(report.out, "blind:");
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
}

static void closed_by_hand_is_no_leak(void **state)
{
	char *dir = scratch_make();
	struct run run = same(dir, ARGV(GUEST, "inline_close")), report = run_report(dir);

	(void)state;
	assert_has_line(report.out, "socklint: no leaks: ");
	run_release(&run);
	run_release(&report);
	scratch_remove(dir);
}

/* ---- programs that the shim did not come along to ---- */

static struct run children(const char *how)
{
	char *dir = scratch_make();
	struct run run, report;

	/* made by `run`, or by who has the first socket: here it is the guest */
	run = same(dir, ARGV(GUEST, "children", how));
	run_release(&run);
	report = run_report(dir);
	scratch_remove(dir);
	return report;
}

#define NAMED(test, how, line)                                                                     \
	static void test(void **state)                                                             \
	{                                                                                          \
		struct run report = children(how);                                                 \
                                                                                                   \
		(void)state;                                                                       \
		assert_has_line(report.out, line);                                                 \
		run_release(&report);                                                              \
	}

#define TWICE(path) "blind: not followed: " path " (2 times): its environment has no LD_PRELOAD"

NAMED(named_after_execve, "execve", TWICE("/bin/true"))
NAMED(named_after_execve_of_no_environment, "execve_null", TWICE("/bin/true"))
NAMED(named_after_execve_with_another_preload, "execve_other", TWICE("/bin/true"))
NAMED(named_after_execle, "execle", TWICE("/bin/true"))
NAMED(named_after_execvpe, "execvpe", TWICE("/bin/true"))
NAMED(named_after_fexecve, "fexecve", TWICE("/usr/bin/true"))
NAMED(named_after_clearenv, "clearenv", TWICE("/bin/true"))
NAMED(named_after_vfork, "vfork", TWICE("/bin/true"))
NAMED(named_after_posix_spawn, "posix_spawn", TWICE("/bin/true"))
NAMED(named_after_posix_spawnp, "posix_spawnp", TWICE("/bin/true"))
NAMED(named_after_system, "system", TWICE("/bin/sh"))

static void failed_starts_are_not_named(void **state)
{
	static const char *const hows[] = {"failed", "execve_bad"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct run report = children(hows[i]);

		assert_has_no_line(report.out, "blind:");
		run_release(&report);
	}
}

static struct run run_command(const char *dir, const char *const *argv)
{
	const char *all[12] = {COMMAND, "run", "--dir", dir, "--"};
	size_t n = 5;

	while (*argv)
		all[n++] = *argv++;
	return run_program(&(struct start){.argv = all});
}

/* A static program loads nothing: it is named too, and no other. */
static void static_programs_are_named(void **state)
{
	char *dir = scratch_make(), place[300];
	struct run run;

	(void)state;
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_command(place, ARGV("sh", "-c", GUEST_STATIC " exit 3; " GUEST " clean; true"));
	assert_has_line(run.out, "blind: not followed: " GUEST_STATIC " (1 time): ");
	assert_non_null(strstr(run.out, "blind:"));
	assert_null(strstr(strstr(run.out, "blind:") + 1, "blind:"));
	run_release(&run);
	scratch_remove(dir);
}

/* What has the shim is not named, by whatever call it was started. */
static void followed_programs_are_not_named(void **state)
{
	char *dir = scratch_make(), place[300];
	struct run run;

	(void)state;
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_command(place, ARGV(GUEST, "death", "not_by_posix_spawn"));
	assert_has_no_line(run.out, "blind:");
	run_release(&run);
	snprintf(place, sizeof(place), "%s/again", dir);
	run = run_command(place, ARGV(GUEST, "death", "not_by_system"));
	assert_has_no_line(run.out, "blind:");
	run_release(&run);
	scratch_remove(dir);
}

/* More names than the summary holds: one that is not followed still finds its place. */
static void many_programs_leave_room_for_those_not_followed(void **state)
{
	char *dir = scratch_make(), place[300], command[2000] = "";
	struct run run;

	(void)state;
	for (int i = 0; i < 40; i++)
		snprintf(command + strlen(command), sizeof(command) - strlen(command), "%s/p%d; ",
			 dir, i);
	for (int i = 0; i < 40; i++) {
		char link[300];

		snprintf(link, sizeof(link), "%s/p%d", dir, i);
		run = run_program(&(struct start){.argv = ARGV("ln", "-s", "/bin/true", link)});
		run_release(&run);
	}
	strcat(command, "env -i /bin/true");
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_command(place, ARGV("sh", "-c", command));
	assert_has_line(run.out, "blind: not followed: /bin/true (1 time)");
	run_release(&run);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugins_find_their_libraries),
		cmocka_unit_test(deepbind_is_said),
		cmocka_unit_test(another_namespace_is_said),
		cmocka_unit_test(io_uring_is_said),
		cmocka_unit_test(io_uring_that_is_refused_blinds_nobody),
		cmocka_unit_test(closed_by_hand_is_no_leak),
		cmocka_unit_test(named_after_execve),
		cmocka_unit_test(named_after_execve_of_no_environment),
		cmocka_unit_test(named_after_execve_with_another_preload),
		cmocka_unit_test(named_after_execle),
		cmocka_unit_test(named_after_execvpe),
		cmocka_unit_test(named_after_fexecve),
		cmocka_unit_test(named_after_clearenv),
		cmocka_unit_test(named_after_vfork),
		cmocka_unit_test(named_after_posix_spawn),
		cmocka_unit_test(named_after_posix_spawnp),
		cmocka_unit_test(named_after_system),
		cmocka_unit_test(failed_starts_are_not_named),
		cmocka_unit_test(static_programs_are_named),
		cmocka_unit_test(followed_programs_are_not_named),
		cmocka_unit_test(many_programs_leave_room_for_those_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
