/* SPDX-License-Identifier: MIT */
/* Workflow commands: one line each, and nothing from outside can give one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forge_report.h"
#include "text.h"

static size_t count_lines(const char *text, const char *beginning)
{
	size_t n = 0;

	for (; *text; text += strcspn(text, "\n") + !!text[strcspn(text, "\n")])
		n += !strncmp(text, beginning, strlen(beginning));
	return n;
}

static void a_finding_is_a_command(void **state)
{
	struct report *r = forged_report("take");
	char *text = forged_render("github", r);

	(void)state;
	assert_string_equal(
		text,
		"::error file=net/take.c,line=41,title=close-wait (eof-ignored)::3 sockets opened "
		"in take (take.c:41)%0AIt means this.%0ATo do: close() it in take\n"
		"::warning file=net/take.c,line=45,title=double-close::1 call made in take "
		"(take.c:45)%0AIt means that.%0ATo do: do that\n");
	free(text);
	forged_free(r);
}

static void marks_are_escaped(void **state)
{
	struct report *r = forged_report("a:b,c%0A");
	char *text = forged_render("github", r);

	(void)state;
	assert_non_null(strstr(text, "file=net/a%3Ab%2Cc%250A.c,line=41,"));
	assert_non_null(strstr(text, "opened in a:b,c%250A (a:b,c%250A.c:41)%0A"));
	free(text);
	forged_free(r);
	r = forged_report("x\n::error::y\r##[error]z");
	text = forged_render("github", r);
	assert_int_equal(count_lines(text, "::error"), 1);
	assert_int_equal(count_lines(text, ""), 2);
	assert_null(strstr(text, "##["));
	assert_null(strchr(text, '\r'));
	free(text);
	forged_free(r);
}

static void what_has_no_source_has_no_file(void **state)
{
	struct report *r = forged_report("f");
	char *text;

	(void)state;
	r->findings[FORGED_NO_STACK].standing = STANDING_NEW;
	text = forged_render("github", r);
	assert_non_null(strstr(text, "\n::notice title=abandoned::1 socket opened in ???"));
	free(text);
	forged_free(r);
}

static void ten_of_a_kind_are_all_that_is_shown(void **state)
{
	static const size_t numbers[] = {10, 11, 25};
	struct report_finding many[25];
	struct report r = {.findings = many};
	struct report *one = forged_report("f");
	size_t i;

	(void)state;
	for (i = 0; i < 25; i++)
		many[i] = one->findings[FORGED_LEAK];
	for (i = 0; i < 3; i++) {
		char *text, *rest = xstrfmt("::error title=socklint::%zu more", numbers[i] - 9);

		r.nr_findings = numbers[i];
		text = forged_render("github", &r);
		assert_int_equal(count_lines(text, "::error"), 10);
		assert_int_equal(count_lines(text, rest), numbers[i] > 10);
		free(text);
		free(rest);
	}
	forged_free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finding_is_a_command),
		cmocka_unit_test(marks_are_escaped),
		cmocka_unit_test(what_has_no_source_has_no_file),
		cmocka_unit_test(ten_of_a_kind_are_all_that_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
