/* SPDX-License-Identifier: MIT */
/* Folded stacks and Prometheus' metrics: lines that nothing from outside can tear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forge_report.h"

static void expect(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void stacks_are_folded(void **state)
{
	struct report *r = forged_report("take");
	char *text = forged_render("folded", r);

	(void)state;
	assert_string_equal(text, "script;main;take;accept;[CLOSE_WAIT] 3\n"
				  "script;main;take;accept;[LISTEN] 1\n");
	free(text);
	forged_free(r);
}

/* Another port is no other stack. */
static void what_looks_the_same_is_one_line(void **state)
{
	struct report *r = forged_report("take");
	char *text;

	(void)state;
	free(r->sockets[0].local);
	r->sockets[0].local = strdup("[::1]:9090");
	text = forged_render("folded", r);
	expect(text, "take;accept;[CLOSE_WAIT] 3\n");
	free(text);
	forged_free(r);
}

static void a_name_is_one_frame(void **state)
{
	struct report *r = forged_report("a;b\n c 5\n");
	char *text;

	(void)state;
	free(r->sites[0].stack.frames[2].function);
	r->sites[0].stack.frames[2].function = strdup("\033");
	text = forged_render("folded", r);
	expect(text, "script;???;a:b  c 5 ;accept;[CLOSE_WAIT] 3\n");
	free(text);
	free(r->sites[0].stack.frames[3].function);
	r->sites[0].stack.frames[3].function = strdup("???");
	text = forged_render("folded", r);
	expect(text, "script.c:7;");
	free(text);
	forged_free(r);
}

static void a_stack_that_was_not_taken_is_said(void **state)
{
	struct report *r = forged_report("take");
	char *text;

	(void)state;
	r->sites[0].stack.nr = 0;
	text = forged_render("folded", r);
	expect(text, "no stack;[CLOSE_WAIT] 3\n");
	free(text);
	r->sites[0].stack.nr = 4;
	forged_free(r);
}

/* ---- metrics ------------------------------------------------------------------------------ */

static void each_rule_is_counted(void **state)
{
	struct report *r = forged_report("take");
	char *text = forged_render("prometheus", r);

	(void)state;
#define LABELS(rule, severity) "{program=\"take\",rule=\"" rule "\",severity=\"" severity "\"} "
	expect(text, "# TYPE socklint_faults gauge\n");
	expect(text, "\nsocklint_faults" LABELS("close-wait", "error") "3\n");
	expect(text, "\nsocklint_findings" LABELS("close-wait", "error") "1\n");
	expect(text, "\nsocklint_faults" LABELS("slow-close", "warning") "0\n");
	expect(text, "\nsocklint_open_sockets{program=\"take\",state=\"CLOSE_WAIT\"} 3\n");
	expect(text, "\nsocklint_oldest_leak_seconds{program=\"take\"} 90.000\n");
	expect(text, "\n# TYPE socklint_sockets_followed_total counter\n");
	expect(text, "\nsocklint_judged_timestamp_seconds{program=\"take\"} 1795000000.000\n");
	free(text);
	forged_free(r);
}

static void labels_are_escaped(void **state)
{
	struct report *r = forged_report("a\"b\\c\nd\xff");
	char *text = forged_render("prometheus", r), *line, *rest = text;

	(void)state;
	expect(text, "{program=\"a\\\"b\\\\c?d?\"} ");
	while ((line = strsep(&rest, "\n")) && *line)
		assert_true(!strncmp(line, "# ", 2) || !strncmp(line, "socklint_", 9));
	free(text);
	forged_free(r);
}

static void each_metric_has_help_and_type_once(void **state)
{
	struct report *r = forged_report("f");
	char *text = forged_render("prometheus", r), *line, *rest = text;
	char last[128] = "", name[128], type[16];

	(void)state;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "# HELP %127s ", name) == 1) {
			assert_string_not_equal(last, name);
			strcpy(last, name);
			assert_null(strstr(line + 1, "# HELP"));
		} else if (sscanf(line, "# TYPE %127s %15s", name, type) == 2) {
			assert_string_equal(last, name);
		} else {
			assert_memory_equal(line, last, strlen(last));
		}
	}
	free(text);
	forged_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_folded),
		cmocka_unit_test(what_looks_the_same_is_one_line),
		cmocka_unit_test(a_name_is_one_frame),
		cmocka_unit_test(a_stack_that_was_not_taken_is_said),
		cmocka_unit_test(each_rule_is_counted),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(each_metric_has_help_and_type_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
