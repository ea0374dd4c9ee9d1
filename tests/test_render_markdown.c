/* SPDX-License-Identifier: MIT */
/* The job summary: names stay names, tables whole, and it is never too long. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forge_report.h"
#include "text.h"

static void expect(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void a_summary_has_its_parts(void **state)
{
	struct report *r = forged_report("take_one");
	char *text = forged_render("markdown", r);

	(void)state;
	expect(text, "## socklint: 3 sockets leaked at 1 place, 2 warnings, 2 suppressed\n\n|");
	expect(text, "\n| error | close-wait (eof-ignored) | 3 sockets | <code>take_one</code> | "
		     "<code>take_one.c&#58;41</code> | grown |\n");
	expect(text, "<details><summary>error: close-wait: <code>3 sockets opened in take_one");
	expect(text, "\n- **sockets**: fd 4 of take_one&#91;7&#93;\n  and 2 more\n");
	expect(text, "\n~~~\n#0  accept (server+0x12)\n#1  take_one (take_one.c:41) [inlined]\n");
	free(text);
	forged_free(r);
}

static size_t cells(const char *line)
{
	size_t n = 0;

	for (; *line && *line != '\n'; line++)
		n += *line == '|';
	return n;
}

/* Outside of fences there is no tag, link or code that we did not write. */
static void names_cannot_break_out(void **state)
{
	static const char *const ours[] = {"<code>",	 "</code>",   "<details>",
					   "</details>", "<summary>", "</summary>"};
	struct report *r = forged_report(forged_hostile);
	char *text = forged_render("markdown", r), *line, *rest = text, *c;
	bool fenced = false;
	size_t i;

	(void)state;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "~~~", 3))
			fenced = !fenced;
		if (fenced)
			continue;
		if (*line == '|')
			assert_int_equal(cells(line), 7);
		for (c = strchr(line, '<'); c; c = strchr(c + 1, '<')) {
			for (i = 0; i < 6 && strncmp(c, ours[i], strlen(ours[i])) != 0; i++)
				;
			if (i == 6)
				fail_msg("a tag of somebody else's: %s", line);
		}
		if (strpbrk(line, "`[]\\{}$\"'!"))
			fail_msg("a mark that means something: %s", line);
	}
	assert_false(fenced);
	free(text);
	forged_free(r);
}

static void a_fence_is_longer_than_what_it_holds(void **state)
{
	struct report *r = forged_report("a ~~~~ b");
	char *text = forged_render("markdown", r);

	(void)state;
	expect(text, "\n~~~~~~~\n#0 ");
	free(text);
	forged_free(r);
}

static void it_is_cut_and_says_so(void **state)
{
	char *name = calloc(1, 2001);
	struct report_finding many[150];
	struct report *one, r = {.findings = many, .nr_findings = 150};
	char *text;
	size_t i;

	(void)state;
	memset(name, 'x', 2000);
	one = forged_report(name);
	for (i = 0; i < 150; i++)
		many[i] = one->findings[FORGED_LEAK];
	text = forged_render("markdown", &r);
	assert_true(strlen(text) < 1 << 20);
	expect(text, "\n50 more findings are not shown here.\n");
	expect(text, "\nThe details of 1");
	free(text);
	forged_free(one);
	free(name);
}

static void no_finding_is_said(void **state)
{
	struct report none = {.nr_followed = 12};
	char *text = forged_render("markdown", &none);

	(void)state;
	assert_string_equal(text, "## socklint: no leaks: 12 sockets followed\n\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_summary_has_its_parts),
		cmocka_unit_test(names_cannot_break_out),
		cmocka_unit_test(a_fence_is_longer_than_what_it_holds),
		cmocka_unit_test(it_is_cut_and_says_so),
		cmocka_unit_test(no_finding_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
