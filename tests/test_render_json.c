/* SPDX-License-Identifier: MIT */
/* The report for programs, and the schema that documents it: neither says more than the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "forge_report.h"
#include "judging.h"
#include "report_build.h"
#include "text.h"

/* ---- the validator ----------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* What the validator says against a document: "" if nothing. */
static char *objections(const char *json)
{
	char *dir = forge_directory(), *path = xstrfmt("%s/r.json", dir), *command;
	char *said = calloc(1, 1 << 16);
	FILE *out;
	size_t len;
	int status;

	write_file(path, json);
	command = xstrfmt("%s -i %s %s 2>&1", JSONSCHEMA, path, SCHEMA);
	out = popen(command, "re");
	assert_non_null(out);
	len = fread(said, 1, (1 << 16) - 1, out);
	status = pclose(out);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status) != 0, len != 0);
	free(command);
	free(path);
	forge_remove(dir);
	return said;
}

static void expect_valid(const struct report *r)
{
	char *json = forged_render("json", r), *said;

	if (!*JSONSCHEMA)
		skip();
	said = objections(json);
	if (*said)
		fail_msg("%s\nin %s", said, json);
	free(said);
	free(json);
}

/* ---- documents --------------------------------------------------------------------------- */

static void forged_reports_are_valid(void **state)
{
	struct report *plain = forged_report("accept_client");
	struct report *hostile = forged_report(forged_hostile);
	struct report empty = {.nr_followed = 3};

	(void)state;
	expect_valid(plain);
	expect_valid(hostile);
	expect_valid(&empty);
	forged_free(plain);
	forged_free(hostile);
}

/* It is written member by member, as one who held it as a whole would write it. */
static void expect_of_one_piece(const struct report *r)
{
	char *json = forged_render("json", r), *whole;
	json_t *o = json_loads(json, 0, NULL);

	assert_non_null(o);
	whole = json_dumps(o, JSON_INDENT(1));
	json[strlen(json) - 1] = '\0'; /* its last newline */
	assert_string_equal(json, whole);
	json_decref(o);
	free(whole);
	free(json);
}

static void reports_are_of_one_piece(void **state)
{
	struct report *plain = forged_report("accept_client");
	struct report empty = {.nr_followed = 3};

	(void)state;
	expect_of_one_piece(plain);
	expect_of_one_piece(&empty);
	forged_free(plain);
}

static void a_real_report_is_valid(void **state)
{
	struct fixture *x = *state;
	struct gate gate;
	struct report r;

	ignored(x, 7, 100);
	forge_accepted(x->forge, 8, x->site, 200);
	served_at(x, 1, 150);
	forge_outcome(x->forge, x->site, x->site, 10, 0.001);
	judge_all(x);
	gate_init(&gate);
	report_build(&r, &x->h, &x->c, &gate, true);
	assert_int_equal(r.nr_findings, 1);
	assert_int_equal(r.nr_sockets, 2);
	expect_valid(&r);
	report_release(&r);
	gate_release(&gate);
}

static void an_undocumented_field_is_refused(void **state)
{
	static const char *const places[] = {"verdict", "findings", "sites", "sockets"};
	struct report *r = forged_report("f");
	char *json = forged_render("json", r);
	size_t i;

	(void)state;
	if (!*JSONSCHEMA)
		skip();
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		json_t *doc = json_loads(json, 0, NULL), *at = json_object_get(doc, places[i]);
		char *changed, *said;

		at = json_is_array(at) ? json_array_get(at, 0) : at;
		json_object_set_new(at, "novelty", json_true());
		changed = json_dumps(doc, 0);
		said = objections(changed);
		if (!strstr(said, "novelty"))
			fail_msg("a novelty in %s is not refused: %s", places[i], said);
		free(said);
		free(changed);
		json_decref(doc);
	}
	free(json);
	forged_free(r);
}

/* ---- the schema says no more than there is ------------------------------------------------ */

static json_t *resolved(json_t *schema, json_t *node)
{
	const char *ref = json_string_value(json_object_get(node, "$ref"));

	return ref ? json_object_get(json_object_get(schema, "$defs"), strrchr(ref, '/') + 1)
		   : node;
}

/* Marks each property that the value has. */
static void mark_seen(json_t *schema, json_t *node, json_t *value)
{
	json_t *properties, *field;
	const char *key;
	size_t i;

	node = resolved(schema, node);
	properties = json_object_get(node, "properties");
	json_array_foreach(value, i, field)
		mark_seen(schema, json_object_get(node, "items"), field);
	json_object_foreach(value, key, field)
	{
		json_t *property = json_object_get(properties, key);

		if (!property)
			fail_msg("%s is not in the schema", key);
		json_object_set_new(property, "seen", json_true());
		mark_seen(schema, property, field);
	}
}

static void expect_seen(const char *name, json_t *node)
{
	json_t *property;
	const char *key;

	json_object_foreach(json_object_get(node, "properties"), key, property)
	{
		if (!json_object_get(property, "description"))
			fail_msg("%s.%s is not described", name, key);
		if (!json_object_get(property, "seen"))
			fail_msg("%s.%s is in the schema, but never in a report", name, key);
	}
	if (json_object_get(node, "properties") &&
	    !json_is_false(json_object_get(node, "additionalProperties")))
		fail_msg("%s may have more fields than the schema says", name);
}

static void every_documented_field_is_in_a_report(void **state)
{
	struct report *r = forged_report("f");
	char *json = forged_render("json", r);
	json_t *doc = json_loads(json, 0, NULL), *schema = json_load_file(SCHEMA, 0, NULL);
	json_t *node;
	const char *name;

	(void)state;
	assert_non_null(doc);
	assert_non_null(schema);
	mark_seen(schema, schema, doc);
	expect_seen("report", schema);
	json_object_foreach(json_object_get(schema, "$defs"), name, node) expect_seen(name, node);
	json_decref(doc);
	json_decref(schema);
	free(json);
	forged_free(r);
}

/* ---- keys and places ----------------------------------------------------------------------- */

static void keys_are_stable_and_no_two_are_the_same(void **state)
{
	struct report *r = forged_report("f"), *again = forged_report("f");
	char(*keys)[REPORT_KEY], (*others)[REPORT_KEY], (*twins)[REPORT_KEY];
	struct report_finding last = again->findings[FORGED_NO_STACK];

	(void)state;
	again->findings[FORGED_LEAK].stacks[0].frames[1].line = 999;
	again->findings[FORGED_LEAK].ids[0].id[0] = 'f';
	keys = report_keys(r);
	others = report_keys(again);
	assert_string_equal(keys[FORGED_LEAK], others[FORGED_LEAK]);
	assert_string_not_equal(keys[FORGED_LEAK], keys[FORGED_CALLS]);
	again->findings[FORGED_CALLS].rule = "close-wait";
	again->findings[FORGED_CALLS].subkind = "eof-ignored";
	again->findings[FORGED_NO_STACK] = again->findings[FORGED_CALLS];
	twins = report_keys(again);
	assert_string_not_equal(twins[0], twins[1]);
	assert_string_not_equal(twins[1], twins[2]);
	assert_string_not_equal(twins[0], twins[2]);
	again->findings[FORGED_NO_STACK] = last;
	free(keys);
	free(others);
	free(twins);
	forged_free(r);
	forged_free(again);
}

static void a_finding_is_anchored_at_the_nearest_source(void **state)
{
	struct report *r = forged_report("f");
	struct report_finding *f = &r->findings[FORGED_LEAK];
	struct report_frame *own = &f->stacks[0].frames[1];

	(void)state;
	assert_ptr_equal(report_anchor(f), own);
	free(own->file);
	own->file = strdup("/usr/include/a.h");
	assert_ptr_equal(report_anchor(f), own + 1);
	free(own->file);
	own->file = strdup("../a.c");
	assert_ptr_equal(report_anchor(f), own + 1);
	f->stacks[0].own = REPORT_NONE;
	assert_ptr_equal(report_anchor(f), &f->stacks[1].frames[1]);
	assert_null(report_anchor(&r->findings[FORGED_NO_STACK]));
	forged_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_reports_are_valid),
		cmocka_unit_test(reports_are_of_one_piece),
		TEST(a_real_report_is_valid),
		cmocka_unit_test(an_undocumented_field_is_refused),
		cmocka_unit_test(every_documented_field_is_in_a_report),
		cmocka_unit_test(keys_are_stable_and_no_two_are_the_same),
		cmocka_unit_test(a_finding_is_anchored_at_the_nearest_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
