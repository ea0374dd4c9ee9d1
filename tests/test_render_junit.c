/* SPDX-License-Identifier: MIT */
/* JUnit's XML: one test for each finding, rule and suppression, told apart by stable names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forge_report.h"

static void expect(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static void each_finding_rule_and_suppression_is_a_case(void **state)
{
	struct report *r = forged_report("take");
	char *text = forged_render("junit", r);

	(void)state;
	expect(text, "tests=\"5\" failures=\"2\" errors=\"0\" skipped=\"2\"");
	assert_int_equal(count(text, "<testcase "), 5);
	expect(text, "<testcase classname=\"socklint.close-wait\" name=\"take (eof-ignored)\"");
	expect(text, "<testcase classname=\"socklint.double-close\" name=\"take\"");
	expect(text, "<testcase classname=\"socklint.abandoned\" name=\"???\" time=\"0\">\n"
		     "      <skipped message=\"known from the baseline\"/>");
	expect(text, "<testcase classname=\"socklint.suppressed\" name=\"take (take.supp:3)\" "
		     "time=\"0\">\n      <skipped message=\"take\"/>");
	expect(text, "<testcase classname=\"socklint.slow-close\" name=\"nothing found\" "
		     "time=\"0\"/>");
	free(text);
	forged_free(r);
}

static void the_body_repeats_the_message(void **state)
{
	struct report *r = forged_report("take");
	char *text = forged_render("junit", r);

	(void)state;
	expect(text, "<failure message=\"3 sockets opened in take (take.c:41)\" type=\"error\">"
		     "3 sockets opened in take (take.c:41)\nIt means this.\n");
	expect(text, "#1  take (take.c:41)\n");
	free(text);
	forged_free(r);
}

static void twins_have_names_of_their_own(void **state)
{
	struct report *r = forged_report("take");
	char *text;

	(void)state;
	r->findings[FORGED_CALLS].rule = "close-wait";
	r->findings[FORGED_CALLS].subkind = r->findings[FORGED_LEAK].subkind;
	text = forged_render("junit", r);
	assert_int_equal(count(text, "name=\"take (eof-ignored) #"), 2);
	assert_int_equal(count(text, "name=\"take (eof-ignored)\""), 0);
	free(text);
	forged_free(r);
}

/* No tag but ours, no attribute that is cut short, no character that XML forbids. */
static void hostile_names_are_text(void **state)
{
	struct report *r = forged_report(forged_hostile);
	char *text = forged_render("junit", r), *c;

	(void)state;
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "</script"));
	assert_null(strstr(text, "<b "));
	assert_null(strstr(text, "]]>"));
	assert_null(strstr(text, "<!--"));
	expect(text, "&lt;/script&gt;&quot;&#39;&gt;&lt;b onx=&#39;");
	for (c = text; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || *c == '\n');
	free(text);
	forged_free(r);
}

static void an_empty_report_has_cases(void **state)
{
	struct report *r = forged_report("f");
	struct report empty = {.rules = r->rules, .nr_rules = r->nr_rules};
	char *text = forged_render("junit", &empty);

	(void)state;
	expect(text, "tests=\"4\" failures=\"0\" errors=\"0\" skipped=\"0\"");
	assert_int_equal(count(text, "<testcase "), 4);
	free(text);
	forged_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finding_rule_and_suppression_is_a_case),
		cmocka_unit_test(the_body_repeats_the_message),
		cmocka_unit_test(twins_have_names_of_their_own),
		cmocka_unit_test(hostile_names_are_text),
		cmocka_unit_test(an_empty_report_has_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
