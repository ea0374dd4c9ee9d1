/* SPDX-License-Identifier: MIT */
/* SARIF: what GitHub's code scanning asks for beyond the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "forge_report.h"

static json_t *rendered(const struct report *r)
{
	char *text = forged_render("sarif", r);
	json_t *all = json_loads(text, 0, NULL);

	assert_non_null(all);
	free(text);
	return all;
}

/* "runs/0/results/1/message" */
static json_t *at(json_t *o, const char *path)
{
	char *all = strdup(path), *rest = all, *key;

	while ((key = strsep(&rest, "/"))) {
		o = json_is_array(o) ? json_array_get(o, strtoul(key, NULL, 10))
				     : json_object_get(o, key);
		if (!o)
			fail_msg("no %s of %s", key, path);
	}
	free(all);
	return o;
}

static void expect_text(json_t *o, const char *path, const char *text)
{
	assert_string_equal(json_string_value(at(o, path)), text);
}

static void expect_number(json_t *o, const char *path, int number)
{
	assert_int_equal(json_integer_value(at(o, path)), number);
}

#define LEAK "runs/0/results/0/"

static void a_result_has_its_place_first(void **state)
{
	struct report *r = forged_report("take");
	json_t *o = rendered(r);

	(void)state;
	expect_text(o, LEAK "ruleId", "close-wait");
	expect_number(o, LEAK "ruleIndex", 0);
	expect_text(o, LEAK "level", "error");
	expect_number(o, LEAK "occurrenceCount", 3);
	expect_text(o, LEAK "locations/0/physicalLocation/artifactLocation/uri", "net/take.c");
	expect_number(o, LEAK "locations/0/physicalLocation/region/startLine", 41);
	expect_number(o, LEAK "locations/0/physicalLocation/region/endLine", 41);
	assert_int_equal(json_array_size(at(o, LEAK "locations")), 1);
	expect_text(o, "runs/0/results/1/ruleId", "double-close");
	assert_int_equal(strlen(json_string_value(json_object_get(at(o, LEAK "partialFingerprints"),
								  "socklintStack/v1"))),
			 32);
	json_decref(o);
	forged_free(r);
}

static void what_has_no_place_is_left_out_and_counted(void **state)
{
	struct report *r = forged_report("take");
	json_t *o = rendered(r);

	(void)state;
	assert_int_equal(json_array_size(at(o, "runs/0/results")), 2);
	assert_non_null(strstr(
		json_string_value(
			at(o, "runs/0/invocations/0/toolExecutionNotifications/0/message/text")),
		"1 of the findings"));
	json_decref(o);
	r->nr_findings = 2;
	o = rendered(r);
	assert_int_equal(json_array_size(at(o, "runs/0/invocations/0/toolExecutionNotifications")),
			 0);
	json_decref(o);
	r->nr_findings = 3;
	forged_free(r);
}

static void the_way_to_the_leak_goes_by_threads(void **state)
{
	struct report *r = forged_report("take");
	json_t *o = rendered(r);

	(void)state;
#define FLOWS LEAK "codeFlows/0/threadFlows"
	assert_int_equal(json_array_size(at(o, FLOWS)), 2);
	assert_int_equal(json_array_size(at(o, FLOWS "/0/locations")), 1);
	expect_text(o, FLOWS "/0/locations/0/location/message/text", "The socket is opened.");
	assert_int_equal(json_array_size(at(o, FLOWS "/1/locations")), 2);
	expect_text(o, FLOWS "/1/locations/1/location/message/text", "close() is never called.");
	expect_number(o, FLOWS "/1/locations/1/executionOrder", 3);
	expect_number(o, FLOWS "/1/locations/1/location/physicalLocation/region/startLine",
		      41 + STACK_EOF);
	json_decref(o);
	forged_free(r);
}

static void rules_have_their_help(void **state)
{
	struct report *r = forged_report("take");
	json_t *o = rendered(r);

	(void)state;
	assert_int_equal(json_array_size(at(o, "runs/0/tool/driver/rules")), 4);
	expect_text(o, "runs/0/tool/driver/rules/0/id", "close-wait");
	expect_text(o, "runs/0/tool/driver/rules/0/help/text", "First line.\n\nTo mend it: close.");
	json_decref(o);
	forged_free(r);
}

static void hostile_names_are_neither_links_nor_paths(void **state)
{
	struct report *r = forged_report(forged_hostile);
	json_t *o = rendered(r);
	const char *uri =
		json_string_value(at(o, LEAK "locations/0/physicalLocation/artifactLocation/uri"));
	const char *text = json_string_value(at(o, LEAK "message/text"));

	(void)state;
	assert_int_equal(strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-._~/%"),
			 strlen(uri));
	assert_non_null(strstr(uri, "%EF%BF%BD"));
	assert_non_null(strstr(text, "\\[c\\](d)"));
	json_decref(o);
	forged_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_has_its_place_first),
		cmocka_unit_test(what_has_no_place_is_left_out_and_counted),
		cmocka_unit_test(the_way_to_the_leak_goes_by_threads),
		cmocka_unit_test(rules_have_their_help),
		cmocka_unit_test(hostile_names_are_neither_links_nor_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
