/* SPDX-License-Identifier: MIT */
/*
 * Stacks that are known again: the last ones always are, and a shape that makes room for another
 * while somebody reads it is not taken for either.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "parts.h"
#include "shim.h"
#include "sites.h"
#include "stack.h"

#define THREADS 8u

#define CROWD 4500u /* more stacks than are kept as shapes */

static void know(uint32_t who, uint32_t where, uint32_t walked)
{
	uint32_t before = parts_walks();
	uint32_t id = stack_site(parts_call(who, where));

	assert_int_equal(parts_walks() - before, walked);
	assert_true(parts_site_is(site_get(id), who, where));
}

/* However many there were, the last ones are known; and one from before is, when it has come again.
 */
static void the_oldest_makes_room(void **state)
{
	(void)state;
	parts_start_made();
	for (uint32_t i = 0; i < CROWD; i++)
		know(20, i, 1);
	for (uint32_t i = CROWD - 100; i < CROWD; i++)
		know(20, i, 0);
	know(20, 0, 1);
	know(20, 0, 0);
	assert_int_equal(shim.head->lost_sites, 0);
	parts_stop();
}

/* A caller that comes by more stacks than are looked through finds the last of them. */
static void long_chains_end(void **state)
{
	(void)state;
	parts_start_made();
	for (uint32_t i = 0; i < 200; i++)
		know(30 + i, 7, 1);
	for (uint32_t i = 150; i < 200; i++)
		know(30 + i, 7, 0);
	know(30, 7, 1);
	know(30, 7, 0);
	parts_stop();
}

/* The oldest of a chain makes room for the newest of the same. */
static void chains_have_no_loops(void **state)
{
	(void)state;
	parts_start_made();
	for (uint32_t i = 0; i < 2 * CROWD; i++) {
		if (i % 128) {
			stack_site(parts_call(20, i % CROWD));
			continue;
		}
		know(600 + i / 128, 9, 1);
		know(600 + i / 128, 9, 0);
		if (i / 128 >= 5)
			know(600 + i / 128 - 5, 9, 0);
	}
	parts_stop();
}

/* What leads through code that went is walked again, and is then what it was; nothing else is. */
static void code_that_went(void **state)
{
	uint32_t one, other;

	(void)state;
	parts_start_made();
	one = stack_site(parts_call(300, 1));
	other = stack_site(parts_call(301, 1));
	stack_forget(0x100000u * 301, 0x100000u * 302); /* as parts_call() has the frames of 300 */
	know(301, 1, 0);
	know(300, 1, 1);
	know(300, 1, 0);
	assert_int_equal(stack_site(parts_call(300, 1)), one);
	assert_int_equal(stack_site(parts_call(301, 1)), other);
	parts_stop();
}

/* By way of the same callers: who reads a shape may see it become another's. */
static void stir(uint32_t whose)
{
	uint32_t seed = whose + 1;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t nr, who, where;

		seed = seed * 1664525u + 1013904223u;
		nr = seed >> 8;
		who = nr % 8 ? 20 : 21;
		where = nr / 8 % (who == 20 ? CROWD : 500);
		parts_expect(
			parts_site_is(site_get(stack_site(parts_call(who, where))), who, where));
		if (nr % 1024 == 0)
			stack_forget(0x100000u * 22, 0x100000u * 23);
	}
}

static void no_shape_is_taken_for_another(void **state)
{
	(void)state;
	parts_start_made();
	parts_threads(THREADS, stir);
	assert_int_equal(shim.head->lost_sites, 0);
	parts_stop();
}

/* ---- a handler in the middle of a look ---- */

#define PAGE 4096u

static char *pages; /* a stack; its upper page cannot be read until the handler has been there */
static uint32_t nr_others;

/* The first frame above the caller is on the lower page. It alone tells these stacks apart. */
static struct at call_of(uint64_t which, char *on)
{
	const uint64_t pc[PARTS_FRAMES] = {0x7000, 0x90000000u + which, 0x7100, 0x7200, 0x7300};

	return parts_call_on(on + PAGE - 2 * PARTS_STRIDE, pc);
}

static bool site_is_of(uint32_t id, uint64_t which)
{
	const struct rec_site *s = site_get(id);

	return s && s->pc[1] == 0x90000000u + which;
}

/* Others come by until each shape that was there has made room. */
static void others_come_by(int sig)
{
	static char on[2 * PAGE];

	(void)sig;
	mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE);
	for (uint32_t i = 1; i <= CROWD; i++)
		nr_others += site_is_of(stack_site(call_of(i, on)), i);
	call_of(0, pages);
}

static void a_handler_comes_between(void **state)
{
	struct sigaction sa = {.sa_handler = others_come_by}, before;
	struct at at;
	uint32_t id;

	(void)state;
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pages, MAP_FAILED);
	parts_start_made();
	id = stack_site(call_of(0, pages));
	assert_int_equal(stack_site(call_of(0, pages)), id); /* it is known where the stack ends */
	at = call_of(0, pages);
	assert_int_equal(sigaction(SIGSEGV, &sa, &before), 0);
	assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	assert_int_equal(stack_site(at), id);
	sigaction(SIGSEGV, &before, NULL);
	assert_int_equal(nr_others, CROWD);
	assert_true(site_is_of(id, 0));
	munmap(pages, 2 * PAGE);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(long_chains_end),
		cmocka_unit_test(chains_have_no_loops),
		cmocka_unit_test(code_that_went),
		cmocka_unit_test(no_shape_is_taken_for_another),
		cmocka_unit_test(a_handler_comes_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
