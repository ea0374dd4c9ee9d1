/* SPDX-License-Identifier: MIT */
/*
 * Programs that load a library, use it and unload it, again and again: what is recorded of them is
 * the same after few rounds and after many, and names the library's own functions.
 */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collection.h"

#define FEW  "20"
#define MANY "2500"

struct recorded {
	char *dir;
	struct collection all;
	const struct recording *r;
};

static char *in(const char *dir, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

/* argv: the guest's; "@NAME" is the path of NAME in a directory of this run's. */
static struct recorded record(const char *const *argv)
{
	struct recorded x = {scratch_make(), COLLECTION_INIT, NULL};
	const char *all[8] = {GUEST};
	char *path = NULL, *options = NULL;
	struct run bare, run;

	for (size_t i = 0; argv[i]; i++)
		all[i + 1] = *argv[i] == '@' ? path = in(x.dir, argv[i] + 1) : argv[i];
	bare = run_program(&(struct start){.argv = all});
	assert_true(asprintf(&options, "dir=%s:report=none", x.dir) > 0);
	run = run_program(&(struct start){.argv = all, .preload = SHIM, .options = options});
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, bare.out);
	assert_null(strstr(run.out, "FAILED"));
	assert_int_equal(run.status, 0);
	collection_add(&x.all, x.dir);
	assert_int_equal(x.all.nr_complaints, 0);
	assert_int_equal(x.all.nr, 1);
	x.r = x.all.items[0];
	run_release(&run);
	run_release(&bare);
	free(options);
	free(path);
	return x;
}

static void forget(struct recorded *x)
{
	collection_release(&x->all);
	scratch_remove(x->dir);
}

static void assert_nothing_lost(const struct rec_header *h)
{
	assert_int_equal(h->lost_sites, 0);
	assert_int_equal(h->lost_modules, 0);
	assert_int_equal(h->lost_outcomes, 0);
	assert_int_equal(h->births_without_stack, 0);
}

static void assert_same_size(const struct recording *few, const struct recording *many)
{
	assert_nothing_lost(few->header);
	assert_nothing_lost(many->header);
	assert_true(many->header->births > few->header->births + 4000);
	assert_int_equal(many->nr_modules, few->nr_modules);
	assert_int_equal(many->header->nr_sites, few->header->nr_sites);
	/* Threads count apart, this one too after its first few. */
	assert_in_range(many->nr_progress, 1, 2 * few->nr_progress);
	assert_in_range(many->nr_outcomes, 1, 2 * few->nr_outcomes);
}

/* The report has these lines, which begin so. */
static void assert_found(const struct recorded *x, const char *const *lines)
{
	struct run report = run_report(x->dir);

	for (; *lines; lines++)
		assert_has_line(report.out, *lines);
	run_release(&report);
}

#define FOUND(n, where) "error: close-wait (eof-ignored): " #n " opened in " where

/* How: what the guest is told beside how often; lines: what the report has. */
static void reload(const char *how, const char *const *more, const char *const *lines)
{
	const char *few_rounds[8] = {"reloads", how, FEW}, *many_rounds[8] = {"reloads", how, MANY};
	struct recorded few, many;

	for (size_t i = 0; more[i]; i++)
		few_rounds[3 + i] = many_rounds[3 + i] = more[i];
	few = record(few_rounds);
	many = record(many_rounds);
	assert_same_size(few.r, many.r);
	assert_found(&few, lines);
	assert_found(&many, lines);
	forget(&few);
	forget(&many);
}

#define IN_ONE                                                                                     \
	ARGV(FOUND(3 sockets, "take_in_reloaded_one (reloaded.c:"),                                \
	     "  last use    recv() in drain_in_reloaded_one (reloaded.c:",                         \
	     "    #0  drain_in_reloaded_one (reloaded.c:")

static void at_the_same_place(void **state)
{
	(void)state;
	reload("same", ARGV(NULL), IN_ONE);
}

static void at_another_place_each_time(void **state)
{
	(void)state;
	reload("moved", ARGV(NULL), IN_ONE);
}

/* Of two builds that take turns under one name only the last can be read any more. */
static void another_file_of_the_same_name(void **state)
{
	(void)state;
	reload("replaced", ARGV("@library.so"),
	       ARGV(FOUND(2 sockets, "??? (library.so+0x"),
		    "blind: ", FOUND(1 socket, "take_in_reloaded_two (reloaded.c:")));
}

/* The hook on dlclose() does not see these. */
static void unloaded_past_the_hook(void **state)
{
	(void)state;
	reload("unseen", ARGV("@library.so"),
	       ARGV(FOUND(2 sockets, "??? (library.so+0x"),
		    FOUND(1 socket, "take_in_reloaded_two (reloaded.c:")));
}

/* A fresh name each time, and the file is gone when it has been used; but for the last. */
static void by_another_name_each_time(void **state)
{
	(void)state;
	reload("renamed", ARGV("@library.so", ONE, ONE), IN_ONE);
}

static void another_copy_without_a_build_id(void **state)
{
	(void)state;
	reload("replaced", ARGV("@library.so", PLAIN, PLAIN),
	       ARGV(FOUND(3 sockets, "take_in_reloaded_plain (reloaded.c:")));
}

static void other_files_without_a_build_id(void **state)
{
	struct recorded same = record(ARGV("reloads", "replaced", FEW, "@x.so", PLAIN, PLAIN));
	struct recorded other = record(ARGV("reloads", "replaced", FEW, "@x.so", PLAIN, LARGER));

	(void)state;
	assert_int_equal(other.r->nr_modules, same.r->nr_modules + 1);
	forget(&same);
	forget(&other);
}

/* Several of one build at once each have a number; which, is chance. */
static void several_at_once(void **state)
{
	struct recorded x = record(ARGV("reloads_beside", "500", "@"));
	uint32_t few = 4 + 3; /* the copies; the program, the C library, what threads begin in */

	(void)state;
	assert_nothing_lost(x.r->header);
	assert_in_range(x.r->nr_modules, 3, few + 4);
	assert_in_range(x.r->header->nr_sites, 5, 200);
	assert_found(&x, ARGV(FOUND(1 socket, "take_in_reloaded_one (reloaded.c:")));
	forget(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_same_place),
		cmocka_unit_test(at_another_place_each_time),
		cmocka_unit_test(another_file_of_the_same_name),
		cmocka_unit_test(unloaded_past_the_hook),
		cmocka_unit_test(by_another_name_each_time),
		cmocka_unit_test(another_copy_without_a_build_id),
		cmocka_unit_test(other_files_without_a_build_id),
		cmocka_unit_test(several_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
