/* SPDX-License-Identifier: MIT */
/*
 * Programs of several processes, run with and without the shim: they must do the same, and the
 * report must find what they leaked, where they leaked it, and nothing else.
 */
#include "running.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOUND(n) "error: close-wait (eof-ignored): " #n " sockets opened in accept_client (guest.c:"
#define NONE	 "socklint: no leaks: "

/* Alike with and without; the report has `line`, which names the only fault if it names one. */
static void same_and_reported(const char *name, const char *arg, const char *line)
{
	char *dir = scratch_make();
	struct run bare = run_program(&(struct start){.argv = ARGV(GUEST, name, arg)});
	struct run shimmed = run_guest(dir, name, arg), report = run_report(dir);
	const char *first = strstr(report.out, "error:");

	assert_string_equal(bare.err, shimmed.err);
	assert_string_equal(bare.out, shimmed.out);
	assert_int_equal(bare.status, shimmed.status);
	assert_int_not_equal(shimmed.status, -1);
	assert_null(strstr(shimmed.out, "FAILED"));
	assert_has_line(report.out, line);
	assert_int_equal(first != NULL, !strncmp(line, "error:", 6));
	assert_null(first ? strstr(first + 1, "error:") : NULL);
	run_release(&bare);
	run_release(&shimmed);
	run_release(&report);
	scratch_remove(dir);
}

#define REPORTED(test, name, arg, line)                                                            \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		same_and_reported(name, arg, line);                                                \
	}

/* A child with a table of its own closes nothing of ours; one that shares it closes ours. */
REPORTED(clone_with_memory, "clone", "libc_memory", FOUND(3))
REPORTED(clone_with_memory_and_files, "clone", "libc_memory_and_files", NONE)
REPORTED(clone_as_thread, "clone", "libc_thread", NONE)
REPORTED(inline_clone_with_memory, "clone", "asm_memory", FOUND(3))
REPORTED(inline_clone_with_memory_and_files, "clone", "asm_memory_and_files", NONE)
REPORTED(inline_clone_as_thread, "clone", "asm_thread", NONE)
REPORTED(clone3_with_memory, "clone", "clone3_memory", FOUND(3))
REPORTED(clone3_as_vfork, "clone", "clone3_vfork", FOUND(3))
REPORTED(clone3_as_thread, "clone", "clone3_thread", NONE)
REPORTED(clone_as_vfork, "clone", "libc_vfork", FOUND(3))
REPORTED(clone_by_its_other_name, "clone", "libc_too", FOUND(3))
REPORTED(clone_by_call_with_memory, "clone", "call_memory", FOUND(3))
REPORTED(clone_onto_a_used_stack, "clone", "libc_nested", FOUND(3))
REPORTED(clone_by_its_other_name_onto_a_used_stack, "clone", "libc_nested_too", FOUND(3))
REPORTED(clone_by_call_onto_a_used_stack, "clone", "call_nested", FOUND(3))
REPORTED(vfork_by_its_name, "clone", "vfork", FOUND(3))
REPORTED(vfork_by_its_other_name, "clone", "vfork_too", FOUND(3))
REPORTED(inline_vfork_is_found_out, "clone", "asm_vfork", FOUND(3))
REPORTED(vfork_in_a_vfork, "clone", "vfork_nested", FOUND(3))
REPORTED(vfork_beside_a_thread, "clone", "vfork_beside", FOUND(3))
REPORTED(fork_by_clone_call, "clone", "call", FOUND(3))
REPORTED(fork_by_clone3_call, "clone", "call3", FOUND(3))
REPORTED(spawn_with_file_actions, "spawn", NULL, FOUND(3))

REPORTED(forks_in_four_threads, "fork_in_threads", "25", NONE)
/* A child must not inherit the descriptor of a file that another thread of ours has open. */
REPORTED(fork_beside_a_first_socket, "fork_beside", "200", NONE)
REPORTED(fork_beside_the_loader, "fork_beside_loader", "20", NONE)
REPORTED(forks_in_a_handler, "fork_in_handler", "60", NONE)
REPORTED(daemon_by_two_forks, "double_fork", NULL, FOUND(3))
REPORTED(shells_are_not_felt, "shell", NULL, FOUND(3))
REPORTED(leaks_after_an_exec_that_failed, "exec_fails", NULL, FOUND(3))
REPORTED(last_image_of_a_chain_is_judged, "exec_chain", "3", FOUND(3))

static void one_worker_of_a_prefork_server_leaks(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give up its privileges */
	same_and_reported("prefork", NULL, FOUND(5));
}

static int recordings_of(const char *const *argv)
{
	char *dir = scratch_make(), options[300];
	struct run run;
	int n;

	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	run = run_program(&(struct start){.argv = argv, .preload = SHIM, .options = options});
	assert_int_equal(run.status, 0);
	n = scratch_count(dir, ".socklint");
	run_release(&run);
	scratch_remove(dir);
	return n;
}

/* Whoever held a socket at the end leaves a recording; what an exec has closed is not held. */
static void images_with_sockets_leave_recordings(void **state)
{
	(void)state;
	assert_int_equal(recordings_of(ARGV(GUEST, "exec_chain", "3")), 1);
	assert_int_equal(recordings_of(ARGV(GUEST, "exec_chain", "3", "none")), 1);
	assert_int_equal(recordings_of(ARGV("sh", "-c", "exec sh -c 'exec sh -c :'")), 0);
}

/* Detached threads work on while exit() runs: no crash, no hang, and nobody is accused. */
static void exit_under_working_threads(void **state)
{
	(void)state;
	same_and_reported("exit_under_threads", "200", "socklint: no leak");
}

/* ---- Python's subprocess, whose children close in a vfork ---- */

static const char python[] =
	"import socket, subprocess, os\n"
	"l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(9)\n"
	"def leak():\n"
	"    c = socket.create_connection(l.getsockname()); s = l.accept()[0]; c.close()\n"
	"    assert s.recv(1) == b''\n"
	"    return s\n"
	"kept = [leak() for i in range(3)]\n"
	"run = lambda *a, **k: print(subprocess.run(*a, stdout=-1, **k).stdout.decode().strip())\n"
	"ls = ['sh', '-c', 'ls /proc/self/fd | wc -l']\n"
	"run(ls)\n"
	"run(ls, close_fds=False)\n"
	"run(ls, pass_fds=[kept[0].fileno(), l.fileno()])\n"
	"run(ls, preexec_fn=lambda: os.closerange(3, 9))\n"
	"run(['/no/such'] if False else ['sh', '-c', 'exit 5'])\n"
	"try: run(['/no/such'])\n"
	"except FileNotFoundError: print('no such')\n"
	"pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'exit 6'], os.environ,\n"
	"    file_actions=[(os.POSIX_SPAWN_CLOSE, k.fileno()) for k in kept])\n"
	"print(os.waitpid(pid, 0)[1] >> 8)\n"
	"print([k.fileno() for k in kept], all(os.fstat(k.fileno()) for k in kept))\n"
	"leak().close()\n"
	"import sys; sys.stdout.flush(); os._exit(0)\n";

static void python_subprocesses_close_nothing_of_their_parents(void **state)
{
	char *dir = scratch_make(), options[300];
	const char *const *argv = ARGV("/usr/bin/python3", "-c", python);
	struct run bare, shimmed, report;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	bare = run_program(&(struct start){.argv = argv});
	shimmed = run_program(&(struct start){.argv = argv, .preload = SHIM, .options = options});
	report = run_report(dir);
	assert_string_equal(bare.err, shimmed.err);
	assert_string_equal(bare.out, shimmed.out);
	assert_int_equal(shimmed.status, 0);
	assert_has_line(report.out, "error: close-wait (eof-ignored): 3 sockets opened in");
	run_release(&bare);
	run_release(&shimmed);
	run_release(&report);
	scratch_remove(dir);
}

/* ---- what closes when the program is over ---- */

static struct run run_late(const char *dir, const char *which, bool bare)
{
	char options[300], env[100];

	snprintf(options, sizeof(options), "dir=%s" PATIENTLY, dir);
	snprintf(env, sizeof(env), "LATE_CLOSER=%s", which);
	return run_program(&(struct start){.argv = ARGV("env", env, LATE_GUEST),
					   .preload = bare ? NULL : SHIM,
					   .options = options});
}

/*
 * Under a bare preload the end of the program is when the findings are printed: nothing may be.
 * `unseen` were closed after that, and a recording stays, which says that they are closed.
 */
static void closed_late_is_closed(const char *which, int unseen)
{
	char *dir = scratch_make();
	struct run bare = run_late(dir, which, true), shimmed = run_late(dir, which, false);
	struct run report = run_report(dir);

	assert_string_equal(shimmed.err, "");
	assert_string_equal(shimmed.out, bare.out);
	assert_int_equal(shimmed.status, bare.status);
	assert_has_line(report.out, NONE);
	assert_null(strstr(report.out, "still open"));
	assert_int_equal(scratch_count(dir, ".socklint"), unseen);
	run_release(&bare);
	run_release(&shimmed);
	run_release(&report);
	scratch_remove(dir);
}

static void closed_by_a_library_destructor(void **state)
{
	(void)state;
	closed_late_is_closed("destructor", 0);
}

static void closed_by_a_library_at_exit(void **state)
{
	(void)state;
	closed_late_is_closed("atexit", 0);
}

static void closed_after_all_destructors(void **state)
{
	(void)state;
	closed_late_is_closed("last", 1);
}

static void closed_at_all_of_these_times(void **state)
{
	(void)state;
	closed_late_is_closed("destructor,atexit,last", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clone_with_memory),
		cmocka_unit_test(clone_with_memory_and_files),
		cmocka_unit_test(clone_as_thread),
		cmocka_unit_test(inline_clone_with_memory),
		cmocka_unit_test(inline_clone_with_memory_and_files),
		cmocka_unit_test(inline_clone_as_thread),
		cmocka_unit_test(clone3_with_memory),
		cmocka_unit_test(clone3_as_vfork),
		cmocka_unit_test(clone3_as_thread),
		cmocka_unit_test(clone_as_vfork),
		cmocka_unit_test(clone_by_its_other_name),
		cmocka_unit_test(clone_by_call_with_memory),
		cmocka_unit_test(clone_onto_a_used_stack),
		cmocka_unit_test(clone_by_its_other_name_onto_a_used_stack),
		cmocka_unit_test(clone_by_call_onto_a_used_stack),
		cmocka_unit_test(vfork_by_its_name),
		cmocka_unit_test(vfork_by_its_other_name),
		cmocka_unit_test(inline_vfork_is_found_out),
		cmocka_unit_test(vfork_in_a_vfork),
		cmocka_unit_test(vfork_beside_a_thread),
		cmocka_unit_test(fork_by_clone_call),
		cmocka_unit_test(fork_by_clone3_call),
		cmocka_unit_test(spawn_with_file_actions),
		cmocka_unit_test(forks_in_four_threads),
		cmocka_unit_test(fork_beside_a_first_socket),
		cmocka_unit_test(fork_beside_the_loader),
		cmocka_unit_test(forks_in_a_handler),
		cmocka_unit_test(daemon_by_two_forks),
		cmocka_unit_test(shells_are_not_felt),
		cmocka_unit_test(leaks_after_an_exec_that_failed),
		cmocka_unit_test(last_image_of_a_chain_is_judged),
		cmocka_unit_test(one_worker_of_a_prefork_server_leaks),
		cmocka_unit_test(images_with_sockets_leave_recordings),
		cmocka_unit_test(exit_under_working_threads),
		cmocka_unit_test(python_subprocesses_close_nothing_of_their_parents),
		cmocka_unit_test(closed_by_a_library_destructor),
		cmocka_unit_test(closed_by_a_library_at_exit),
		cmocka_unit_test(closed_after_all_destructors),
		cmocka_unit_test(closed_at_all_of_these_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
