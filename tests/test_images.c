/* SPDX-License-Identifier: MIT */
/*
 * Processes that become another program by exec. One that did nothing but what is done to start a
 * program leaves no file, and nothing is lost of what was forgotten on either side.
 */
#include "running.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collection.h"

#define NONE "socklint: no leaks: "

struct told {
	char *dir;
	struct run bare, run, report;
};

static struct told run(const char *guest, const char *arg)
{
	struct told t = {.dir = scratch_make()};

	t.bare = run_program(&(struct start){.argv = ARGV(GUEST, guest, arg)});
	t.run = run_guest(t.dir, guest, arg);
	t.report = run_report(t.dir);
	assert_int_equal(t.run.status, 0);
	assert_null(strstr(t.run.out, "FAILED"));
	assert_string_equal(t.run.out, t.bare.out);
	assert_string_equal(t.run.err, t.bare.err);
	return t;
}

static void forget(struct told *t)
{
	run_release(&t->bare);
	run_release(&t->run);
	run_release(&t->report);
	scratch_remove(t->dir);
}

/* `sockets`: how many there were, which is counted though there is no file. */
static void leaves_nothing(const char *way, int sockets)
{
	struct told t = run("becomes", way);
	char followed[100];

	snprintf(followed, sizeof(followed), NONE "%d sockets followed", sockets);
	assert_has_line(t.report.out, followed);
	assert_int_equal(scratch_count(t.dir, ".socklint"), 0);
	forget(&t);
}

#define LEAVES_NOTHING(way, sockets)                                                               \
	static void way(void **state)                                                              \
	{                                                                                          \
		(void)state;                                                                       \
		leaves_nothing(#way, sockets);                                                     \
	}

LEAVES_NOTHING(takes_a_pair, 3)
LEAVES_NOTHING(closes_what_is_not_its_own, 3)
LEAVES_NOTHING(is_handed_a_listener, 3)
LEAVES_NOTHING(has_its_own_closed, 23)
LEAVES_NOTHING(tries_first, 3)

static void leaks(const char *way)
{
	struct told t = run("becomes", way);

	assert_has_line(t.report.out, "error: close-wait (eof-ignored): 3 sockets opened in "
				      "accept_client (guest.c:");
	assert_has_line(t.report.out, "socklint: 3 sockets leaked at 1 place");
	forget(&t);
}

#define LEAKS_ALL_THE_SAME(way)                                                                    \
	static void way(void **state)                                                              \
	{                                                                                          \
		(void)state;                                                                       \
		leaks(#way);                                                                       \
	}

LEAKS_ALL_THE_SAME(leaks_before)
LEAKS_ALL_THE_SAME(leaks_after)
LEAKS_ALL_THE_SAME(leaks_when_it_fails)
LEAKS_ALL_THE_SAME(leaks_behind_a_shell)

/* Its recording is made anew, and what was open is its own still. */
static void who_fails_has_inherited_nothing(void **state)
{
	struct told t = run("fails_to_become", NULL);
	struct collection all = {0};
	size_t open = 0;

	(void)state;
	collection_add(&all, t.dir);
	assert_int_equal(all.nr, 1);
	for (size_t i = 0; i < all.items[0]->nr_lives; i++) {
		const struct whole_life *l = all.items[0]->lives[i].life;

		assert_false(l->flags & REC_LIFE_INHERITED);
		open += l->seq & 1;
	}
	assert_int_equal(open, 3);
	collection_release(&all);
	forget(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_pair),
		cmocka_unit_test(closes_what_is_not_its_own),
		cmocka_unit_test(is_handed_a_listener),
		cmocka_unit_test(has_its_own_closed),
		cmocka_unit_test(tries_first),
		cmocka_unit_test(leaks_before),
		cmocka_unit_test(leaks_after),
		cmocka_unit_test(leaks_when_it_fails),
		cmocka_unit_test(leaks_behind_a_shell),
		cmocka_unit_test(who_fails_has_inherited_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
