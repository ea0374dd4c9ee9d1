/* SPDX-License-Identifier: MIT */
/* Tests of each kind, some of which leave sockets open. All pass without the shim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socklint_cmocka.h"

static int of_the_group[2];
static int of_the_test;

static void closes(void **state)
{
	assert_ptr_equal(*state, of_the_group);
	close(socket(AF_INET, SOCK_STREAM, 0));
}

static int leaked[41];

static void leaks_one(void **state)
{
	(void)state;
	leaked[0] = socket(AF_INET, SOCK_STREAM, 0);
}

static void leaks_many(void **state)
{
	(void)state;
	for (int i = 1; i < 41; i++)
		leaked[i] = socket(AF_INET, SOCK_DGRAM, 0);
}

static void keeps_one(void **state)
{
	(void)state;
	socklint_keep(socket(AF_INET, SOCK_STREAM, 0), "for good");
}

/* cmocka's own kind: only its group is looked at. */
static void leaks_in_the_group(void **state)
{
	(void)state;
	for (int i = 0; i < 41; i++)
		close(leaked[i]);
	assert_true(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static int test_setup(void **state)
{
	socklint_test_setup(state);
	of_the_test = socket(AF_INET, SOCK_STREAM, 0);
	return 0;
}

static int test_teardown(void **state)
{
	close(of_the_test);
	return socklint_test_teardown(state);
}

static void its_teardown_closes(void **state)
{
	(void)state;
	assert_true(of_the_test >= 0);
}

static int group_setup(void **state)
{
	*state = of_the_group;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, of_the_group);
}

static int group_teardown(void **state)
{
	assert_ptr_equal(*state, of_the_group);
	return close(of_the_group[0]) | close(of_the_group[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		socklint_unit_test(closes),
		socklint_unit_test(leaks_one),
		socklint_unit_test(leaks_many),
		socklint_unit_test(keeps_one),
		cmocka_unit_test(leaks_in_the_group),
		cmocka_unit_test_setup_teardown(its_teardown_closes, test_setup, test_teardown),
	};

	return socklint_run_group_tests_name("a group", tests, group_setup, group_teardown);
}
