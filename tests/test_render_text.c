/* SPDX-License-Identifier: MIT */
/* The shapes that others parse, and that nothing from outside reaches a terminal raw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forge_report.h"
#include "format.h"
#include "text.h"

static char *render(const struct report *r, bool color)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const struct render_options how = {.color = color};

	format_by_name("text", 4)->render(out, r, &how);
	fclose(out);
	return text;
}

static struct report_finding make_finding(void)
{
	struct report_finding f = forged_plain();

	f.nr = 3;
	f.function = (char *)"accept_client";
	f.where = (char *)"leak.c:41";
	return f;
}

static struct report make_report(struct report_finding *f)
{
	return (struct report){.findings = f,
			       .nr_findings = 1,
			       .nr_leaked = f->nr,
			       .nr_leak_places = 1,
			       .nr_close_wait = f->nr};
}

static void expect(const struct report *r, const char *what)
{
	char *text = render(r, false);

	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
	free(text);
}

static void the_first_line_has_its_shape(void **state)
{
	struct report_finding f = make_finding();
	struct report r = make_report(&f);
	char *text = render(&r, false);
	const char first[] =
		"error: close-wait (eof-ignored): 3 sockets opened in accept_client (leak.c:41)\n";

	(void)state;
	assert_memory_equal(text, first, strlen(first));
	free(text);
	f.nr = 1;
	f.subkind = NULL;
	f.rule = "descriptor-leak";
	f.where = (char *)"server+0x12";
	expect(&r, "error: descriptor-leak: 1 socket opened in accept_client (server+0x12)\n");
}

static void the_last_line_has_its_shape(void **state)
{
	struct report_finding f = make_finding();
	struct report r = make_report(&f);
	struct report none = {.nr_followed = 12, .nr_processes = 2};

	(void)state;
	expect(&r, "\nsocklint: 3 sockets leaked at 1 place (3 in CLOSE_WAIT, 0 descriptors)\n");
	expect(&none, "socklint: no leaks: 12 sockets followed in 2 processes\n");
	none.nr_still_open = 4;
	expect(&none, "socklint: no leaks: 12 sockets followed in 2 processes, 4 still open\n");
	none.nr_followed = none.nr_processes = 1;
	expect(&none, "socklint: no leaks: 1 socket followed in 1 process, 4 still open\n");
}

static void lines_and_stacks_are_indented(void **state)
{
	struct report_line lines[] = {{(char *)"proof", (char *)"thread 9 has ended"}};
	struct report_frame frames[] = {
		{.function = (char *)"serve", .where = (char *)"leak.c:60", .inlined = true},
		{.function = (char *)"handle", .where = (char *)"app.js:7", .jit = true}};
	struct report_stack st = {.label = (char *)"opened at",
				  .frames = frames,
				  .nr = 2,
				  .note = (char *)"deeper frames were not kept"};
	struct report_finding f = make_finding();
	struct report r = make_report(&f);

	(void)state;
	f.lines = lines;
	f.nr_lines = 1;
	f.stacks = &st;
	f.nr_stacks = 1;
	expect(&r, "\n  proof       thread 9 has ended\n");
	expect(&r, "\n  to do       do that\n");
	expect(&r, "\n  opened at\n    #0  serve (leak.c:60) [inlined]\n    #1  handle (app.js:7) "
		   "[JIT]\n    (deeper");
}

static void many_places_are_cut_and_counted(void **state)
{
	struct report_open open[13];
	struct report r = {.open = open, .nr_open = 13};
	char *text;
	int i;

	(void)state;
	for (i = 0; i < 13; i++)
		open[i] = (struct report_open){.function = (char *)"f",
					       .where = (char *)"f.c:1",
					       .reason = "in use",
					       .nr_sockets = 2};
	open[1].remark = (char *)"said the \033program";
	expect(&r, "      6  at 3 more places, not shown\n");
	text = render(&r, false);
	assert_non_null(strstr(text, "      2  f (f.c:1): in use\n"));
	assert_non_null(strstr(text, "      2  f (f.c:1): in use: said the program\n"));
	free(text);
}

static void nothing_raw_reaches_the_terminal(void **state)
{
	struct report_finding f = make_finding();
	struct report r = make_report(&f);
	char *text;

	(void)state;
	f.function = (char *)"evil\033[2J\r\nname\x9b\xc2\x9b\xff\xe2\x80\xae";
	text = render(&r, false);
	assert_non_null(strstr(text, "in evil[2J  name\xef\xbf\xbd\xef\xbf\xbd "));
	assert_null(strchr(text, '\033'));
	free(text);
	text = render(&r, true);
	assert_non_null(strstr(text, "\033[1;31merror:\033[0m"));
	free(text);
}

static void utf8_passes_whole(void **state)
{
	char out[64], cut[6];

	(void)state;
	text_clean(out, "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80", sizeof(out));
	assert_string_equal(out, "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80");
	text_clean(out, "\xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x82", sizeof(out));
	assert_string_equal(out, "?? ??? ???? ??");
	text_clean(cut, "abc\xe2\x82\xac", sizeof(cut));
	assert_string_equal(cut, "abc");
}

/* What all formats say. */
static void what_is_not_clean_is_marked_or_dropped(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {{"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80",
		      "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80"},
		     {"a\xff\xc0\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
		     {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
		     {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		     {"a\tb\r\nc", "a b  c"},
		     {"\033[2J\007\x7f\xc2\x9bz", "[2Jz"},
		     {"\xe2\x80\xae\xe2\x81\xa6"
		      "fdp\xe2\x80\x8f\xd8\x9c",
		      "fdp"},
		     {"\xef\xbb\xbf\xe2\x80\x8b\xe2\x80\xa8z\xf3\xa0\x81\x81", "z"},
		     {"\xef\xbf\xbe\xef\xbf\xbf\xef\xb7\x90z\xf4\x8f\xbf\xbf", "z"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *clean = text_cleaned(cases[i].from);

		assert_string_equal(clean, cases[i].to);
		free(clean);
	}
}

static void durations_read_well(void **state)
{
	static const struct {
		double s;
		const char *text;
	} cases[] = {{0.0004, "400 us"},
		     {0.85, "850 ms"},
		     {12.34, "12.3 s"},
		     {250, "4 min 10 s"},
		     {3 * 3600 + 125, "3 h 2 min"},
		     {5 * 86400 + 3600, "5 d 1 h"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf sb = STRBUF_INIT;

		text_add_duration(&sb, (uint64_t)(cases[i].s * 1e9));
		assert_string_equal(sb.buf, cases[i].text);
		strbuf_release(&sb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_has_its_shape),
		cmocka_unit_test(the_last_line_has_its_shape),
		cmocka_unit_test(lines_and_stacks_are_indented),
		cmocka_unit_test(many_places_are_cut_and_counted),
		cmocka_unit_test(nothing_raw_reaches_the_terminal),
		cmocka_unit_test(utf8_passes_whole),
		cmocka_unit_test(what_is_not_clean_is_marked_or_dropped),
		cmocka_unit_test(durations_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
