/* SPDX-License-Identifier: MIT */
/*
 * The guest is invisible: each small program of guest.c does the same with and without the shim,
 * to the last byte of its output, and ends the same way.
 */
#include "running.h"

#include <string.h>
#include <unistd.h>

static void same(const char *name, const char *arg)
{
	char *dir = scratch_make();
	struct run bare = run_program(&(struct start){.argv = ARGV(GUEST, name, arg)});
	struct run shimmed = run_guest(dir, name, arg);

	assert_string_equal(bare.err, shimmed.err);
	assert_string_equal(bare.out, shimmed.out);
	assert_int_equal(bare.status, shimmed.status);
	assert_int_not_equal(shimmed.status, -1);
	assert_null(strstr(shimmed.out, "FAILED"));
	run_release(&bare);
	run_release(&shimmed);
	scratch_remove(dir);
}

#define SAME(test, name, arg)                                                                      \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		same(name, arg);                                                                   \
	}

SAME(descriptors_are_the_same, "descriptors", NULL)
SAME(program_that_closes_unknown_descriptors_loses_no_byte, "closer", NULL)
SAME(errno_and_results_are_the_same, "errno", NULL)
SAME(interrupted_before_a_walk, "interrupted", NULL)
SAME(bad_pointers_are_left_to_the_kernel, "bad_pointers", NULL)
SAME(waits_return_the_same, "wait_results", NULL)
SAME(control_buffers_are_read_only_as_far_as_the_kernel_did, "pass_hostile", NULL)
SAME(nothing_above_a_stack_is_trusted, "stack_base", NULL)
SAME(small_signal_stack, "small_signal_stack", NULL)
SAME(small_signal_stack_and_a_recording, "small_signal_stack", "recording")
SAME(accept_fills_the_address_as_the_kernel_does, "accept_address", NULL)
SAME(no_malloc_in_a_hook_before_the_start, "early_allocator", NULL)
SAME(no_malloc_in_a_hook, "malloc", NULL)
SAME(every_hook_leaves_errno_and_the_heap_alone, "hooks", NULL)
SAME(fork_under_unwinding_threads_never_hangs, "fork_storm", "300")
SAME(thread_per_connection, "thread_per_connection", "100")
SAME(own_and_default_signal_handlers_are_shown, "signals", NULL)
SAME(handlers_are_called_as_they_were_set, "exchanged_handlers", NULL)
SAME(handlers_find_a_context_that_they_did_not_ask_for, "context_unasked", NULL)
SAME(cancelled_threads_clean_up, "cancel", NULL)
SAME(vfork_child, "vfork", NULL)
SAME(strict_mode, "sealed", "strict")
SAME(strict_mode_by_system_call, "sealed", "strict_call")
SAME(strict_mode_by_prctl_call, "sealed", "strict_prctl_call")
SAME(filter_and_then_a_thread, "sealed", "thread")
SAME(filter_and_then_a_fork, "sealed", "fork")
SAME(fork_handlers, "atfork", NULL)
SAME(small_file_size_limit, "file_limit", "65536")
SAME(file_size_limit_reached_later, "file_limit", "262144")
SAME(end_by_return, "end", "return")
SAME(end_by_exit, "end", "exit")
SAME(end_by__exit, "end", "_exit")
SAME(end_by__Exit, "end", "_Exit")
SAME(end_by_quick_exit, "end", "quick_exit")
SAME(end_by_syscall, "end", "syscall")
SAME(end_by_exec, "end", "exec")
SAME(end_by_own_handler, "end", "handler")
SAME(end_by_handler_that_raises_again, "end", "resethand")
SAME(end_by_sighup, "end", "1")
SAME(end_by_sigint, "end", "2")
SAME(end_by_sigabrt, "end", "6")
SAME(end_by_sigkill, "end", "9")
SAME(end_by_sigsegv, "end", "11")
SAME(end_by_sigterm, "end", "15")

static void unwritable_directory_before_a_filter(void **state)
{
	struct start start = {.argv = ARGV(GUEST, "sealed", "exit"),
			      .preload = SHIM,
			      .options = "dir=/proc/no/such"};
	struct run run = run_program(&start);

	(void)state;
	assert_string_equal(run.out, "EOF\n");
	assert_int_equal(run.status, 0);
	run_release(&run);
}

static void worker_without_root_and_privileges(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give up its privileges */
	same("confined", NULL);
}

static void first_process_of_a_namespace(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can make one */
	same("first_of_namespace", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_the_same),
		cmocka_unit_test(program_that_closes_unknown_descriptors_loses_no_byte),
		cmocka_unit_test(errno_and_results_are_the_same),
		cmocka_unit_test(interrupted_before_a_walk),
		cmocka_unit_test(bad_pointers_are_left_to_the_kernel),
		cmocka_unit_test(waits_return_the_same),
		cmocka_unit_test(control_buffers_are_read_only_as_far_as_the_kernel_did),
		cmocka_unit_test(nothing_above_a_stack_is_trusted),
		cmocka_unit_test(small_signal_stack),
		cmocka_unit_test(small_signal_stack_and_a_recording),
		cmocka_unit_test(accept_fills_the_address_as_the_kernel_does),
		cmocka_unit_test(no_malloc_in_a_hook_before_the_start),
		cmocka_unit_test(no_malloc_in_a_hook),
		cmocka_unit_test(every_hook_leaves_errno_and_the_heap_alone),
		cmocka_unit_test(fork_under_unwinding_threads_never_hangs),
		cmocka_unit_test(thread_per_connection),
		cmocka_unit_test(own_and_default_signal_handlers_are_shown),
		cmocka_unit_test(handlers_are_called_as_they_were_set),
		cmocka_unit_test(handlers_find_a_context_that_they_did_not_ask_for),
		cmocka_unit_test(cancelled_threads_clean_up),
		cmocka_unit_test(vfork_child),
		cmocka_unit_test(worker_without_root_and_privileges),
		cmocka_unit_test(strict_mode),
		cmocka_unit_test(strict_mode_by_system_call),
		cmocka_unit_test(strict_mode_by_prctl_call),
		cmocka_unit_test(filter_and_then_a_thread),
		cmocka_unit_test(filter_and_then_a_fork),
		cmocka_unit_test(unwritable_directory_before_a_filter),
		cmocka_unit_test(fork_handlers),
		cmocka_unit_test(first_process_of_a_namespace),
		cmocka_unit_test(small_file_size_limit),
		cmocka_unit_test(file_size_limit_reached_later),
		cmocka_unit_test(end_by_return),
		cmocka_unit_test(end_by_exit),
		cmocka_unit_test(end_by__exit),
		cmocka_unit_test(end_by__Exit),
		cmocka_unit_test(end_by_quick_exit),
		cmocka_unit_test(end_by_syscall),
		cmocka_unit_test(end_by_exec),
		cmocka_unit_test(end_by_own_handler),
		cmocka_unit_test(end_by_handler_that_raises_again),
		cmocka_unit_test(end_by_sighup),
		cmocka_unit_test(end_by_sigint),
		cmocka_unit_test(end_by_sigabrt),
		cmocka_unit_test(end_by_sigkill),
		cmocka_unit_test(end_by_sigsegv),
		cmocka_unit_test(end_by_sigterm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
