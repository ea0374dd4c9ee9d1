/* SPDX-License-Identifier: MIT */
/* On which stacks a thread is known, and where the kernel has to be asked who runs there. */
#include "parts.h"

#include <unistd.h>

#include "other.h"
#include "shim.h"
#include "thread.h"

#define PAGE 4096ul
#define HERE (0x7ffd12345ul * PAGE)
#define FAR  (1ul << 20)

static int setup(void **state)
{
	(void)state;
	thread.own_stack = 0;
	shim.pid = getpid();
	shim.shared = false;
	shim.sealed = false;
	return 0;
}

static void no_stack_is_known_at_first(void **state)
{
	(void)state;
	assert_false(other_knows(HERE));
	assert_false(other_knows(0));
	assert_false(other_knows(UINTPTR_MAX));
	assert_false(other_ask(HERE + 8));
	assert_true(other_knows(HERE) && other_knows(HERE + PAGE - 1));
	assert_false(other_knows(HERE - 1));
	assert_false(other_knows(HERE + PAGE));
}

static void a_stack_grows_both_ways(void **state)
{
	(void)state;
	other_ask(HERE);
	other_ask(HERE - 8 * PAGE);
	assert_true(other_knows(HERE - 8 * PAGE) && other_knows(HERE - 3 * PAGE));
	assert_true(other_knows(HERE));
	other_ask(HERE + 8 * PAGE);
	assert_true(other_knows(HERE + 8 * PAGE) && other_knows(HERE - 8 * PAGE));
	assert_false(other_knows(HERE + 9 * PAGE));
	assert_false(other_knows(HERE - 9 * PAGE));
}

/* What lies between two that are far apart may be anybody's. */
static void another_stack_replaces_the_first(void **state)
{
	(void)state;
	other_ask(HERE);
	other_ask(HERE - FAR);
	assert_true(other_knows(HERE - FAR));
	assert_false(other_knows(HERE - FAR / 2));
	assert_false(other_knows(HERE));
	other_ask(HERE);
	assert_false(other_knows(HERE - FAR));
}

static void a_boundless_stack_begins_anew(void **state)
{
	uintptr_t at = HERE;

	(void)state;
	for (int i = 0; i < 10000; i++, at -= 8 * PAGE) {
		other_ask(at);
		assert_true(other_knows(at));
		assert_false(other_knows(at - PAGE));
		assert_false(other_knows(HERE + PAGE));
	}
	assert_false(other_knows(HERE));
}

/* Nobody is made known by a process that is another, nor where the kernel may not be asked. */
static void others_are_not_learnt(void **state)
{
	(void)state;
	shim.pid = 1;
	assert_true(other_ask(HERE));
	assert_false(other_knows(HERE));
	shim.sealed = true;
	assert_false(other_ask(HERE));
	assert_false(other_knows(HERE));
}

static void who_is_known_is_not_asked(void **state)
{
	(void)state;
	assert_false(other_runs());
	shim.pid = 1;
	assert_false(other_runs());
	assert_false(other_waits());
	shim.shared = true;
	assert_true(other_runs());
	assert_true(other_waits());
	shim.shared = false;
	thread.own_stack = 0;
	assert_true(other_runs());
	assert_false(other_waits());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_stack_is_known_at_first, setup),
		cmocka_unit_test_setup(a_stack_grows_both_ways, setup),
		cmocka_unit_test_setup(another_stack_replaces_the_first, setup),
		cmocka_unit_test_setup(a_boundless_stack_begins_anew, setup),
		cmocka_unit_test_setup(others_are_not_learnt, setup),
		cmocka_unit_test_setup(who_is_known_is_not_asked, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
