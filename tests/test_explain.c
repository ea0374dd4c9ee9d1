/* SPDX-License-Identifier: MIT */
/* Every rule is documented: its own help, and its row in the README, which says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"
#include "rules.h"

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	if (!in)
		fail_msg("there is no %s", path);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, in) > 0);
	fclose(in);
	return text;
}

static void the_readme_has_a_row_for_each_rule(void **state)
{
	char *readme = read_file(README), *row;
	int i;

	(void)state;
	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = rule_by_nr((enum rule_nr)i);

		assert_true(asprintf(&row, "\n| `%s` | %s | %s |\n", r->id,
				     severity_name(r->severity), r->title) > 0);
		if (!strstr(readme, row))
			fail_msg("README.md lacks this row of its table of rules:%s", row);
		free(row);
	}
	free(readme);
}

static void the_readme_names_no_other_rule(void **state)
{
	char *readme = read_file(README), *at = strstr(readme, "\n| rule | severity |"), id[64];
	int rows = 0;

	(void)state;
	assert_non_null(at);
	for (; at && at[1] == '|'; at = strchr(at + 1, '\n')) {
		if (sscanf(at, "\n| `%63[^`]`", id) != 1)
			continue;
		rows++;
		if (!rule_by_id(id))
			fail_msg("README.md has a row for %s, which is no rule", id);
	}
	assert_int_equal(rows, RULE_COUNT);
	free(readme);
}

static void the_readme_has_a_row_for_each_format(void **state)
{
	static const char *const names[] = {
#define FORMAT(name) #name,
#include "formats.def"
#undef FORMAT
	};
	char *readme = read_file(README), *at = strstr(readme, "\n| format | for |\n"), id[64];
	size_t i, rows = 0, nr = sizeof(names) / sizeof(names[0]);

	(void)state;
	assert_non_null(at);
	for (i = 0; i < nr; i++) {
		char row[64];

		snprintf(row, sizeof(row), "\n| `%s` | ", names[i]);
		if (!strstr(at, row))
			fail_msg("README.md lacks a row for the format %s", names[i]);
	}
	for (; at && at[1] == '|'; at = strchr(at + 1, '\n')) {
		if (sscanf(at, "\n| `%63[^`]`", id) != 1)
			continue;
		rows++;
		if (!format_by_name(id, strlen(id)))
			fail_msg("README.md has a row for %s, which is no format", id);
	}
	assert_int_equal(rows, nr);
	free(readme);
}

/* The parts that a reader looks for; 96 columns is what the report wraps at. */
static void every_help_says_how_to_mend_it(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = rule_by_nr((enum rule_nr)i);
		const char *line = r->help;

		if (!strstr(r->help, "To mend it"))
			fail_msg("the help of %s does not say how to mend it", r->id);
		for (; *line; line += strcspn(line, "\n") + !!line[strcspn(line, "\n")])
			if (strcspn(line, "\n") > 96)
				fail_msg("%s: a line of the help is too long: %.40s", r->id, line);
	}
}

/* Each is there, and its first comment says that this rule finds it. */
static void every_help_names_its_examples(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = rule_by_nr((enum rule_nr)i);
		const char *at = strstr(r->help, "Example");
		char name[64], *path, *finds, *text;

		if (!at || !(at = strstr(at, "examples/")) || sscanf(at, "%63[a-z_/.]", name) != 1)
			fail_msg("the help of %s names no example", r->id);
		assert_true(asprintf(&path, SOURCE_DIR "/%s", name) > 0);
		assert_true(asprintf(&finds, " * finds:    %s: %s", severity_name(r->severity),
				     r->id) > 0);
		text = read_file(path);
		if (!strstr(text, finds))
			fail_msg("%s is to show %s, but does not say that it does", name, r->id);
		free(text);
		free(finds);
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_readme_has_a_row_for_each_rule),
		cmocka_unit_test(the_readme_names_no_other_rule),
		cmocka_unit_test(the_readme_has_a_row_for_each_format),
		cmocka_unit_test(every_help_says_how_to_mend_it),
		cmocka_unit_test(every_help_names_its_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
