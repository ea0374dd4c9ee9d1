/* SPDX-License-Identifier: MIT */
/*
 * A full disk under the recording: the guest gets no SIGBUS, no error, nothing. Each size of a
 * small tmpfs stops the recording at another point of its growth.
 */
#include "running.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Mounts the tmpfs in a mount namespace of its own, and the guest alone carries the shim. */
static struct run run_on_tmpfs(const char *size, const char *dir)
{
	char script[1000];

	snprintf(script, sizeof(script),
		 "mount -t tmpfs -o size=%s socklint %s && "
		 "LD_PRELOAD=%s SOCKLINT_OPTIONS=dir=%s:report=none exec %s crowd 1500",
		 size, dir, SHIM, dir, GUEST);
	return run_program(&(struct start){
		.argv = ARGV("unshare", geteuid() ? "-Urm" : "-m", "sh", "-c", script)});
}

static void guest_runs_on_when_the_disk_is_full(void **state)
{
	static const char *const sizes[] = {"4k",   "8k",   "64k",  "192k",
					    "200k", "256k", "400k", "100m"};
	char *dir = scratch_make();
	struct run bare = run_program(&(struct start){.argv = ARGV(GUEST, "crowd", "1500")});
	struct run probe = run_program(
		&(struct start){.argv = ARGV("unshare", geteuid() ? "-Urm" : "-m", "mount", "-t",
					     "tmpfs", "-o", "size=4k", "x", dir)});

	(void)state;
	if (probe.status != 0)
		skip(); /* no namespaces here */
	assert_int_equal(bare.status, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct run run = run_on_tmpfs(sizes[i], dir);

		assert_string_equal(run.err, "");
		assert_string_equal(run.out, bare.out);
		assert_int_equal(run.status, 0);
		run_release(&run);
	}
	run_release(&bare);
	run_release(&probe);
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_runs_on_when_the_disk_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
