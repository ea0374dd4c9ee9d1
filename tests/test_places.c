/* SPDX-License-Identifier: MIT */
/*
 * Places where much is missing: containers, limits, other users. The guest is not disturbed, and
 * what was found, or why nothing was, is said.
 */
#include "running.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FINDING "error: close-wait (eof-ignored): 3 sockets opened in accept_client ("

#define NOBODY	"setpriv --reuid 65534 --regid 65534 --clear-groups "
#define PRIVATE "mount --make-rprivate / && "

/* Runs `script`, which ends in "$@": the guest, with the shim where `dir` is given. */
static struct run run_place(const char *script, const char *dir, const char *guest)
{
	char preload[600] = "X=", options[300] = "Y=";

	if (dir) {
		snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", SHIM);
		snprintf(options, sizeof(options), "SOCKLINT_OPTIONS=dir=%s" PATIENTLY, dir);
	}
	return run_program(&(struct start){
		.argv = ARGV("sh", "-c", script, "sh", "env", preload, options, GUEST, guest)});
}

static void need_place(const char *script)
{
	struct run run = run_place(script, NULL, "nothing");
	bool ok = run.status == 0;

	if (!ok)
		print_message("not permitted here: %s", run.err);
	run_release(&run);
	if (!ok)
		skip();
}

/* The guest is not disturbed, and what is found, or why nothing is, is said on standard error. */
static void in_place(const char *script, const char *line)
{
	struct run bare, shimmed;
	char *dir;

	need_place(script);
	dir = scratch_make();
	chmod(dir, 0777);
	bare = run_place(script, NULL, "leak");
	shimmed = run_place(script, dir, "leak");
	assert_string_equal(bare.out, shimmed.out);
	assert_int_equal(bare.status, shimmed.status);
	assert_has_line(shimmed.err, line);
	run_release(&bare);
	run_release(&shimmed);
	scratch_remove(dir);
}

#define IN_PLACE(test, script, line)                                                               \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		in_place(script, line);                                                            \
	}

IN_PLACE(as_first_process, "exec unshare -pf --mount-proc \"$@\"", FINDING)
IN_PLACE(on_a_read_only_root,
	 "exec unshare -m sh -c '" PRIVATE "mount -o remount,bind,ro / && exec \"$@\"' sh \"$@\"",
	 "socklint: cannot record to ")
IN_PLACE(without_proc,
	 "exec unshare -m sh -c '" PRIVATE "umount -l /proc && exec \"$@\"' sh \"$@\"", FINDING)
IN_PLACE(with_a_proc_that_hides,
	 "exec unshare -m sh -c '" PRIVATE "mount -t proc -o hidepid=2 proc /proc && "
	 "exec " NOBODY "\"$@\"' sh \"$@\"",
	 FINDING)
IN_PLACE(without_devices,
	 "exec unshare -m sh -c '" PRIVATE "mount -t tmpfs none /dev && exec \"$@\"' sh \"$@\"",
	 FINDING)
IN_PLACE(as_nobody_of_a_namespace, "exec unshare -U \"$@\"", FINDING)
IN_PLACE(without_a_home, "unset HOME TMPDIR; exec \"$@\"", FINDING)
IN_PLACE(without_processes_to_be_had, "exec " NOBODY "prlimit --nproc=0 \"$@\"",
	 "socklint: sockets were left open, but the report could not be made here")
IN_PLACE(with_little_memory, "exec prlimit --as=24000000 \"$@\"", FINDING)
IN_PLACE(with_too_little_memory, "exec prlimit --as=5000000 \"$@\"", "ERROR: ld.so: object ")
IN_PLACE(with_no_descriptor_left, "exec prlimit --nofile=4 \"$@\"", "socklint: cannot record to ")
IN_PLACE(with_a_mask_that_forbids_all, "umask 0777; exec \"$@\"", FINDING)
IN_PLACE(of_another_user_whose_mask_forbids_all, "umask 0777; exec " NOBODY "\"$@\"", FINDING)
IN_PLACE(in_a_directory_that_is_gone, "d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\" && exec \"$@\"",
	 FINDING)

/* Without /proc the files that the stacks cite are known all the same. */
static void named_without_proc(void **state)
{
	static const char script[] =
		"exec unshare -m sh -c '" PRIVATE "umount -l /proc && exec \"$@\"' sh \"$@\"";
	struct run run, report;
	char *dir;

	(void)state;
	need_place(script);
	dir = scratch_make();
	run = run_place(script, dir, "leak");
	report = run_report(dir);
	assert_has_line(report.out, FINDING "guest.c:");
	run_release(&report);
	run_release(&run);
	scratch_remove(dir);
}

static void run_without_proc(void **state)
{
	static const char script[] =
		"exec unshare -m sh -c '" PRIVATE "umount -l /proc && exec \"$@\"' sh \"$@\"";
	char *dir, place[300];
	struct run run;

	(void)state;
	need_place(script);
	dir = scratch_make();
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_program(&(struct start){.argv = ARGV("sh", "-c", script, "sh", COMMAND, "run",
						       "--dir", place, "--", GUEST, "leak")});
	assert_has_line(run.out, FINDING);
	run_release(&run);
	scratch_remove(dir);
}

/* "0 leaks" must not mean "no descriptor was left for the recording". */
static void run_says_that_it_could_not_record(void **state)
{
	struct run run = run_program(&(struct start){
		.argv = ARGV(COMMAND, "run", "--", "prlimit", "--nofile=4", GUEST, "leak")});

	(void)state;
	assert_has_line(run.out, "blind: 1 recording could not be made: Too many open files");
	run_release(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_first_process),
		cmocka_unit_test(on_a_read_only_root),
		cmocka_unit_test(without_proc),
		cmocka_unit_test(with_a_proc_that_hides),
		cmocka_unit_test(without_devices),
		cmocka_unit_test(as_nobody_of_a_namespace),
		cmocka_unit_test(without_a_home),
		cmocka_unit_test(without_processes_to_be_had),
		cmocka_unit_test(with_little_memory),
		cmocka_unit_test(with_too_little_memory),
		cmocka_unit_test(with_no_descriptor_left),
		cmocka_unit_test(with_a_mask_that_forbids_all),
		cmocka_unit_test(of_another_user_whose_mask_forbids_all),
		cmocka_unit_test(in_a_directory_that_is_gone),
		cmocka_unit_test(named_without_proc),
		cmocka_unit_test(run_without_proc),
		cmocka_unit_test(run_says_that_it_could_not_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
