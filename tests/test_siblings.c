/* SPDX-License-Identifier: MIT */
/* What became of a socket's siblings: who counts as one, where they were closed, how soon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forge.h"
#include "siblings.h"

struct fixture {
	char *dir;
	struct forge *one, *other;
	struct rec_module *other_module;
	uint32_t site, closer; /* of both */
	struct collection c;
	struct history h;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->dir = forge_directory();
	x->one = forge_new(100);
	x->other = forge_new(200);
	x->site = forge_site(x->one, 0x401010);
	x->closer = forge_site(x->one, 0x402020);
	forge_site(x->other, 0x801010);
	forge_site(x->other, 0x802020);
	forge_module(x->one, "/opt/server", 0x400000, 0x500000);
	x->other_module = forge_module(x->other, "/opt/server", 0x800000, 0x900000);
	forge_accepted(x->one, 5, x->site, 10);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	history_release(&x->h);
	collection_release(&x->c);
	forge_remove(x->dir);
	forge_free(x->one);
	forge_free(x->other);
	free(x);
	return 0;
}

static const struct siblings *find(struct fixture *x)
{
	free(forge_write(x->one, x->dir, "100.0.socklint"));
	free(forge_write(x->other, x->dir, "200.0.socklint"));
	collection_add(&x->c, x->dir);
	history_read(&x->h, &x->c);
	return siblings_of(&x->h.lives[0]);
}

static void without_outcomes_there_are_none(void **state)
{
	const struct siblings *s = find(*state);

	assert_int_equal(s->nr_closed, 0);
	assert_int_equal(s->nr_closers, 0);
	assert_int_equal(times_percentile(&s->dwells, 50), 0);
}

static void closers_are_counted_most_first(void **state)
{
	struct fixture *x = *state;
	uint32_t rare = forge_site(x->one, 0x403030);
	const struct siblings *s;

	forge_outcome(x->one, x->site, rare, 3, 0);
	forge_outcome(x->one, x->site, x->closer, 10, 0);
	forge_outcome(x->one, x->site, x->closer, 7, 0)->shard = 4;
	s = find(x);
	assert_int_equal(s->nr_closed, 20);
	assert_int_equal(s->nr_closers, 2);
	assert_int_equal(s->closers[0].site, x->closer);
	assert_int_equal(s->closers[0].nr, 17);
	assert_int_equal(s->closers[1].nr, 3);
}

static void other_sites_are_no_siblings(void **state)
{
	struct fixture *x = *state;

	forge_outcome(x->one, forge_site(x->one, 0x404040), x->closer, 10, 0);
	assert_int_equal(find(x)->nr_closed, 0);
}

static void copies_of_a_call_are_siblings(void **state)
{
	struct fixture *x = *state;
	uint32_t copy = forge_site(x->one, 0x401050);

	forge_site_at(x->one, x->site)->nr = forge_site_at(x->one, copy)->nr = 2;
	forge_site_at(x->one, x->site)->pc[1] = forge_site_at(x->one, copy)->pc[1] = 0x405000;
	forge_outcome(x->one, copy, x->closer, 10, 0);
	assert_int_equal(find(x)->nr_closed, 10);
}

static void the_same_line_in_another_process_counts(void **state)
{
	struct fixture *x = *state;
	const struct siblings *s;

	forge_outcome(x->other, x->site, x->closer, 10, 0);
	s = find(x);
	assert_int_equal(s->nr_closed, 10);
	assert_ptr_equal(s->closers[0].process, &x->h.processes[1]);
}

static void who_closed_in_several_processes_is_told_once(void **state)
{
	struct fixture *x = *state;
	const struct siblings *s;

	forge_outcome(x->one, x->site, x->closer, 3, 0);
	forge_outcome(x->other, x->site, x->closer, 10, 0);
	s = find(x);
	assert_int_equal(s->nr_closed, 13);
	assert_int_equal(s->nr_closers, 1);
	assert_int_equal(s->closers[0].nr, 13);
}

static void a_copy_of_a_call_counts_in_another_process_too(void **state)
{
	struct fixture *x = *state;
	uint32_t copy = forge_site(x->other, 0x801050);

	forge_site_at(x->one, x->site)->nr = forge_site_at(x->other, copy)->nr = 2;
	forge_site_at(x->one, x->site)->pc[1] = 0x405000;
	forge_site_at(x->other, copy)->pc[1] = 0x805000;
	forge_outcome(x->other, copy, x->closer, 10, 0);
	assert_int_equal(find(x)->nr_closed, 10);
}

static void the_same_offset_in_another_file_does_not(void **state)
{
	struct fixture *x = *state;

	forge_outcome(x->other, x->site, x->closer, 10, 0);
	strcpy(x->other_module->path, "/opt/other");
	assert_int_equal(find(x)->nr_closed, 0);
}

static void dwells_are_bounded_from_above(void **state)
{
	struct fixture *x = *state;
	const struct siblings *s;

	forge_outcome(x->one, x->site, x->closer, 90, 0.003);
	forge_outcome(x->one, x->site, x->closer, 10, 2.5);
	s = find(x);
	assert_int_equal(s->dwells.nr, 100);
	assert_in_range(times_percentile(&s->dwells, 50), FORGE_S(0.003), FORGE_S(0.006));
	assert_in_range(times_percentile(&s->dwells, 90), FORGE_S(0.003), FORGE_S(0.006));
	assert_int_equal(times_percentile(&s->dwells, 99), FORGE_S(2.5));
	assert_int_equal(s->dwells.max_ns, FORGE_S(2.5));
}

/* They may be leaks that the program's own clean-up hides: no example to go by. */
static void what_was_closed_at_the_end_has_no_dwell(void **state)
{
	struct fixture *x = *state;
	const struct siblings *s;

	forge_outcome(x->one, x->site, x->closer, 90, 0.003);
	forge_outcome(x->one, x->site, x->closer, 10, 900)->flags |= REC_OUTCOME_AT_END;
	s = find(x);
	assert_int_equal(s->nr_closed, 100);
	assert_int_equal(s->nr_at_end, 10);
	assert_int_equal(s->dwells.nr, 90);
	assert_int_equal(s->dwells.max_ns, FORGE_S(0.003));
}

static void sites_that_do_not_exist_are_harmless(void **state)
{
	struct fixture *x = *state;

	forge_outcome(x->one, 999, x->closer, 10, 0);
	forge_outcome(x->one, x->site, 998, 10, 0);
	forge_outcome(x->one, UINT32_MAX, x->closer, 10, 0);
	assert_int_equal(find(x)->nr_closed, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_outcomes_there_are_none),
		TEST(closers_are_counted_most_first),
		TEST(other_sites_are_no_siblings),
		TEST(copies_of_a_call_are_siblings),
		TEST(the_same_line_in_another_process_counts),
		TEST(who_closed_in_several_processes_is_told_once),
		TEST(a_copy_of_a_call_counts_in_another_process_too),
		TEST(the_same_offset_in_another_file_does_not),
		TEST(dwells_are_bounded_from_above),
		TEST(what_was_closed_at_the_end_has_no_dwell),
		TEST(sites_that_do_not_exist_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
