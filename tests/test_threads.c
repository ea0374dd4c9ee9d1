/* SPDX-License-Identifier: MIT */
/*
 * Threads, handlers and stacks of every shape, run with and without the shim: they must do the
 * same; and what was recorded, read by the command's own loader, is what the kernel's table says.
 */
#include "running.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collection.h"

struct recorded {
	char *dir;
	char *out; /* what the program printed, with the shim as without */
	struct collection all;
};

static struct recorded record_alone(const char *name, const char *arg)
{
	struct recorded x = {scratch_make(), NULL, COLLECTION_INIT};
	struct run run = run_guest(x.dir, name, arg);

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	assert_null(strstr(run.out, "FAILED"));
	x.out = strdup(run.out);
	run_release(&run);
	collection_add(&x.all, x.dir);
	assert_int_equal(x.all.nr_complaints, 0);
	return x;
}

/* ... and without the shim it prints the same. */
static struct recorded record(const char *name, const char *arg)
{
	struct recorded x = record_alone(name, arg);
	struct run bare = run_program(&(struct start){.argv = ARGV(GUEST, name, arg)});

	assert_string_equal(bare.out, x.out);
	assert_string_equal(bare.err, "");
	assert_int_equal(bare.status, 0);
	run_release(&bare);
	return x;
}

static void forget(struct recorded *x)
{
	collection_release(&x->all);
	scratch_remove(x->dir);
	free(x->out);
}

/* The recording of the program's first process: what comes first in the summary of the run. */
static const struct recording *first(const struct recorded *x)
{
	assert_true(x->all.nr >= 1);
	for (size_t i = 0; i < x->all.nr; i++)
		if (!(x->all.items[i]->header->flags & REC_HEADER_FORKED))
			return x->all.items[i];
	fail_msg("no recording of the first process");
	return NULL;
}

static const struct whole_life *life_in(const struct recording *r, int fd)
{
	for (size_t i = 0; i < r->nr_lives; i++)
		if (r->lives[i].fd == fd)
			return r->lives[i].life;
	return NULL;
}

#define WRONG (REC_LIFE_GONE | REC_LIFE_REVIVED)

/* The open lives are the sockets that the guest printed; none had to be put right at the end. */
static void assert_table(const struct recorded *x, uint32_t may_be_wrong)
{
	const struct recording *r = first(x);
	const char *at = strstr(x->out, "sockets:");
	bool printed[4096] = {false};
	int n = 0, open = 0;

	assert_non_null(at);
	for (at += strlen("sockets:"); sscanf(at, " %d", &n) == 1; at = strchr(at + 1, ' ')) {
		printed[n] = true;
		if (!strchr(at + 1, ' '))
			break;
	}
	for (int fd = 0; fd < 4096; fd++) {
		const struct whole_life *l = life_in(r, fd);
		bool is_open = l && (l->seq & 1);

		if (is_open != printed[fd])
			fail_msg("%d is %s, but recorded as %s", fd,
				 printed[fd] ? "a socket" : "none", is_open ? "open" : "closed");
		if (is_open && l->flags & WRONG & ~may_be_wrong)
			fail_msg("%d was put right at the end: flags %x", fd, l->flags);
		open += is_open;
	}
	print_message("%s: %d open\n", r->path, open);
}

static void assert_balance(const struct recorded *x)
{
	const struct recording *r = first(x);
	uint64_t open = 0;

	for (size_t i = 0; i < r->nr_lives; i++)
		open += r->lives[i].life->seq & 1;
	assert_int_equal(r->header->lost_lives, 0);
	assert_int_equal(r->header->births - r->header->deaths, open);
}

static void assert_report(const struct recorded *x, const char *const *lines)
{
	struct run report = run_report(x->dir);
	bool faults = false;

	for (; *lines; lines++) {
		assert_has_line(report.out, *lines);
		faults |= !strncmp(*lines, "error:", 6);
	}
	if (!faults)
		assert_has_no_line(report.out, "error:");
	run_release(&report);
}

/* Runs alike, and the report has these lines. */
static void reported(const char *name, const char *arg, const char *const *lines)
{
	struct recorded x = record(name, arg);

	assert_report(&x, lines);
	forget(&x);
}

#define FOUND(n, where) "error: close-wait (eof-ignored): " #n " opened in " where

/* ---- the ends of threads ---- */

static void threads_that_exit(void **state)
{
	struct recorded x = record("thread_exit", "300");

	(void)state;
	assert_int_equal(x.all.nr, 0); /* all closed: nothing to tell */
	forget(&x);
}

static void a_thousand_threads_one_connection_each(void **state)
{
	struct recorded x = record("thread_per_connection", "1000");
	const struct rec_header *h = first(&x)->header;

	(void)state;
	assert_int_equal(h->births, 2001);
	assert_int_equal(h->deaths, 2000);
	assert_int_equal(h->births_without_stack, 0);
	forget(&x);
}

static void cancelled_in(const char *call, uint32_t may_be_wrong)
{
	struct recorded x = record("cancel_in", call);

	assert_non_null(strstr(x.out, "cancelled: 1, cleaned up: 1\n"));
	assert_table(&x, may_be_wrong);
	assert_balance(&x);
	forget(&x);
}

#define CANCELLED(call)                                                                            \
	static void cancelled_in_##call(void **state)                                              \
	{                                                                                          \
		(void)state;                                                                       \
		cancelled_in(#call, 0);                                                            \
	}

CANCELLED(accept)
CANCELLED(read)
CANCELLED(recv)
CANCELLED(recvmsg)
CANCELLED(connect)
CANCELLED(poll)

/* It was recorded before, for another thread might be given the number: put right at the end. */
static void cancelled_before_close(void **state)
{
	(void)state;
	cancelled_in("close", REC_LIFE_REVIVED);
}

/* ---- handlers in the middle of a hook ---- */

static void handler_that_opens_and_closes(void **state)
{
	struct recorded x = record("handler_storm", "1500");

	(void)state;
	assert_table(&x, 0);
	forget(&x);
}

static void handler_that_forks(void **state)
{
	struct recorded x = record_alone("fork_in_handler", "150+");

	(void)state;
	assert_non_null(strstr(x.out, "150 of 150 children came back"));
	assert_table(&x, 0);
	forget(&x);
}

/* Stacks are whole: what is still open was opened by callers that are known, not by one alone. */
static void assert_whole_stacks(const struct recorded *x)
{
	const struct recording *r = first(x);

	for (size_t i = 0; i < r->nr_lives; i++) {
		const struct whole_life *l = r->lives[i].life;
		const struct rec_site *s = l->seq & 1 ? recording_site(r, l->site) : NULL;

		if (s)
			assert_int_equal(s->flags & REC_SITE_CALLER_ONLY, 0);
	}
	assert_report(x, ARGV(FOUND(3 sockets, "accept_client (guest.c:")));
}

/* Afterwards all is as before, in its children too. */
static void handler_that_jumps_out(void **state)
{
	struct recorded x = record("jump_storm", "400");

	(void)state;
	assert_non_null(strstr(x.out, "a fork waits: no"));
	assert_table(&x, 0);
	assert_whole_stacks(&x);
	for (size_t i = 0; i < x.all.nr; i++)
		assert_int_equal(x.all.items[i]->header->flags & REC_HEADER_NO_UNWIND_AFTER_FORK,
				 0);
	forget(&x);
}

static void handler_that_jumps_out_of_fork(void **state)
{
	struct recorded x = record("jump_out_of_fork", "200");

	(void)state;
	assert_table(&x, 0);
	assert_whole_stacks(&x);
	forget(&x);
}

/* ---- the same numbers in many threads ---- */

static void sixty_four_threads_race_for_numbers(void **state)
{
	struct recorded x = record("race", NULL);

	(void)state;
	assert_table(&x, 0);
	forget(&x);
}

/* ---- stacks ---- */

static void coroutines_of_16_KiB(void **state)
{
	(void)state;
	reported("coroutines", NULL, ARGV(FOUND(1 socket, "accept_client (guest.c:")));
}

static void deep_recursion_is_cut_and_flagged(void **state)
{
	struct recorded x = record("deep", "1000");
	const struct recording *r = first(&x);
	int cut = 0;

	(void)state;
	for (size_t i = 0; i < r->nr_lives; i++) {
		const struct whole_life *l = r->lives[i].life;
		const struct rec_site *s = recording_site(r, l->site);

		if (!(l->seq & 1) || l->born_by != REC_CALL_ACCEPT)
			continue;
		assert_non_null(s);
		assert_true(s->flags & REC_SITE_TRUNCATED);
		assert_true(s->nr > 8);
		cut++;
	}
	assert_int_equal(cut, 3);
	assert_report(&x, ARGV(FOUND(3 sockets, "accept_client (guest.c:")));
	forget(&x);
}

/* Whatever they interrupt, their sockets have one stack: else the sites would grow for ever. */
static void assert_handlers_end_their_stacks(const char *on_stack)
{
	struct recorded x = record("altstack", on_stack);
	const struct recording *r = first(&x);
	uint32_t site = 0;

	for (size_t i = 0; i < r->nr_lives; i++) {
		const struct whole_life *l = r->lives[i].life;

		if (!(l->seq & 1) || l->born_by != REC_CALL_ACCEPT)
			continue;
		assert_true(!site || l->site == site);
		site = l->site;
	}
	assert_non_null(recording_site(r, site));
	assert_int_equal(recording_site(r, site)->flags, REC_SITE_HANDLER);
	assert_true(r->header->nr_sites < 20);
	assert_report(&x, ARGV(FOUND(3 sockets, "accept_client (guest.c:"),
			       "    #2  serve_in_handler (guest_coroutines.c:",
			       "    (called by a signal: what that interrupted was not kept)"));
	forget(&x);
}

static void handlers_on_a_stack_of_their_own(void **state)
{
	(void)state;
	assert_handlers_end_their_stacks("1");
}

static void handlers_on_the_stack_of_others(void **state)
{
	(void)state;
	assert_handlers_end_their_stacks("0");
}

/* Above code that nobody can name, the program's own frames are right. */
static void code_that_is_rewritten(void **state)
{
	struct recorded x = record("jit_changes", NULL);
	struct run report = run_report(x.dir);

	(void)state;
	assert_has_line(report.out, FOUND(8 sockets, "accept_client (guest.c:"));
	assert_non_null(strstr(report.out, "  accept_for_jit "));
	assert_non_null(strstr(report.out, "  through_page "));
	assert_non_null(strstr(report.out, "  guest_jit_changes "));
	run_release(&report);
	forget(&x);
}

/* What is cited is the library that was there at the time. */
static void a_library_in_the_place_of_another(void **state)
{
	(void)state;
	reported("reloaded", NULL,
		 ARGV(FOUND(3 sockets, "take_in_reloaded_one (reloaded.c:"),
		      FOUND(3 sockets, "take_in_reloaded_two (reloaded.c:")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_that_exit),
		cmocka_unit_test(a_thousand_threads_one_connection_each),
		cmocka_unit_test(cancelled_in_accept),
		cmocka_unit_test(cancelled_in_read),
		cmocka_unit_test(cancelled_in_recv),
		cmocka_unit_test(cancelled_in_recvmsg),
		cmocka_unit_test(cancelled_in_connect),
		cmocka_unit_test(cancelled_in_poll),
		cmocka_unit_test(cancelled_before_close),
		cmocka_unit_test(handler_that_opens_and_closes),
		cmocka_unit_test(handler_that_forks),
		cmocka_unit_test(handler_that_jumps_out),
		cmocka_unit_test(handler_that_jumps_out_of_fork),
		cmocka_unit_test(sixty_four_threads_race_for_numbers),
		cmocka_unit_test(coroutines_of_16_KiB),
		cmocka_unit_test(deep_recursion_is_cut_and_flagged),
		cmocka_unit_test(handlers_on_a_stack_of_their_own),
		cmocka_unit_test(handlers_on_the_stack_of_others),
		cmocka_unit_test(code_that_is_rewritten),
		cmocka_unit_test(a_library_in_the_place_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
