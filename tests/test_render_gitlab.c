/* SPDX-License-Identifier: MIT */
/* GitLab's Code Quality: what it needs to tell one issue from another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "forge_report.h"

static json_t *rendered(const struct report *r)
{
	char *text = forged_render("gitlab", r);
	json_t *all = json_loads(text, 0, NULL);

	assert_non_null(all);
	free(text);
	return all;
}

static const char *text_of(json_t *all, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(all, i), key));
}

static void expect_place(json_t *all, size_t i, const char *path, int line)
{
	json_t *at = json_object_get(json_array_get(all, i), "location");
	json_t *lines = json_object_get(at, "lines");

	assert_string_equal(json_string_value(json_object_get(at, "path")), path);
	assert_int_equal(json_integer_value(json_object_get(lines, "begin")), line);
}

static void each_finding_is_an_issue(void **state)
{
	struct report *r = forged_report("take");
	json_t *all = rendered(r);

	(void)state;
	assert_int_equal(json_array_size(all), FORGED_FINDINGS);
	assert_string_equal(text_of(all, FORGED_LEAK, "check_name"), "close-wait");
	assert_string_equal(text_of(all, FORGED_LEAK, "severity"), "critical");
	assert_string_equal(text_of(all, FORGED_CALLS, "severity"), "major");
	assert_string_equal(text_of(all, FORGED_NO_STACK, "severity"), "info");
	assert_string_equal(text_of(all, FORGED_LEAK, "description"),
			    "close-wait (eof-ignored): 3 sockets opened in take (take.c:41). "
			    "It means this.");
	expect_place(all, FORGED_LEAK, "net/take.c", 41);
	expect_place(all, FORGED_NO_STACK, "unknown", 1);
	json_decref(all);
	forged_free(r);
}

static void fingerprints_are_unique_and_know_no_line(void **state)
{
	struct report *r = forged_report("f"), *moved = forged_report("f");
	json_t *all, *others;
	size_t i;

	(void)state;
	for (i = 0; i < moved->findings[FORGED_LEAK].nr_stacks; i++)
		moved->findings[FORGED_LEAK].stacks[i].frames[1].line += 7;
	moved->findings[FORGED_LEAK].nr = 99;
	all = rendered(r);
	others = rendered(moved);
	assert_string_equal(text_of(all, 0, "fingerprint"), text_of(others, 0, "fingerprint"));
	assert_string_not_equal(text_of(all, 0, "fingerprint"), text_of(all, 1, "fingerprint"));
	assert_int_equal(strlen(text_of(all, 0, "fingerprint")), 32);
	json_decref(all);
	json_decref(others);
	forged_free(r);
	forged_free(moved);
}

/* A file of the system's is no path in the repository. */
static void a_path_never_leaves_the_repository(void **state)
{
	struct report *r = forged_report("f");
	struct report_finding *f = &r->findings[FORGED_CALLS];
	json_t *all;
	size_t i, j;

	(void)state;
	for (i = 0; i < f->nr_stacks; i++) {
		for (j = 0; j < f->stacks[i].nr; j++) {
			free(f->stacks[i].frames[j].file);
			f->stacks[i].frames[j].file = strdup(j % 2 ? "/usr/a.h" : "../../b.c");
		}
	}
	all = rendered(r);
	expect_place(all, FORGED_CALLS, "usr/a.h", 45);
	json_decref(all);
	f->stacks[0].own = 0;
	all = rendered(r);
	expect_place(all, FORGED_CALLS, "b.c", 1);
	json_decref(all);
	forged_free(r);
}

static void hostile_names_are_strings(void **state)
{
	struct report *r = forged_report(forged_hostile);
	json_t *all = rendered(r);

	(void)state;
	assert_int_equal(json_array_size(all), FORGED_FINDINGS);
	json_decref(all);
	forged_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finding_is_an_issue),
		cmocka_unit_test(fingerprints_are_unique_and_know_no_line),
		cmocka_unit_test(a_path_never_leaves_the_repository),
		cmocka_unit_test(hostile_names_are_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
