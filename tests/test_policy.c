/* SPDX-License-Identifier: MIT */
/* Patterns, suppressions, fingerprints and baselines, on stacks made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "baseline.h"
#include "forge.h"
#include "gate.h"
#include "glob.h"
#include "policy.h"
#include "suppressions.h"

#define TODAY "2026-06-15"

struct fixture {
	char *dir;
	struct suppressions s;
	struct baseline b;
	struct strbuf why;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->dir = forge_directory();
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	suppressions_release(&x->s);
	baseline_release(&x->b);
	strbuf_release(&x->why);
	forge_remove(x->dir);
	free(x);
	return 0;
}

/* ---- seconds ----------------------------------------------------------------------------- */

static void seconds_are_read_to_the_nanosecond(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"0", 0},
		    {"1", 1000000000},
		    {"0.5", 500000000},
		    {"12.25", 12250000000},
		    {"0.0000000019", 1}};
	static const char *const bad[] = {
		"", "x", "-1", "1s", ".5", "1.", "1e3", "99999999999999999999", "inf", " 1", "0x1"};
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(policy_seconds(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!policy_seconds(bad[i], &ns))
			fail_msg("\"%s\" was taken for seconds", bad[i]);
}

static void a_list_of_what_fails_is_read(void **state)
{
	char list[] = "close-wait,warning", none[] = "none", both[] = "error,none";
	char empty[] = "close-wait,,error";
	struct gate g;

	(void)state;
	gate_init(&g);
	assert_int_equal(g.least, SEVERITY_ERROR);
	assert_null(gate_fail_on(&g, list));
	assert_true(g.rules[RULE_close_wait]);
	assert_false(g.rules[RULE_descriptor_leak]);
	assert_int_equal(g.least, SEVERITY_WARNING);
	assert_null(gate_fail_on(&g, none));
	assert_false(g.rules[RULE_close_wait]);
	assert_true(g.least > SEVERITY_ERROR);
	assert_string_equal(gate_fail_on(&g, both), "none");
	assert_string_equal(gate_fail_on(&g, empty), "");
}

/* ---- patterns ---------------------------------------------------------------------------- */

static void patterns_match_whole_names(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"accept", "accept", true},
		{"accept", "accept4", false},
		{"accept", "", false},
		{"", "", true},
		{"*", "", true},
		{"*", "anything", true},
		{"a*c", "ac", true},
		{"a*c", "abcbc", true},
		{"a*c", "abcb", false},
		{"*a*b*", "xxaxxbxx", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a\\*c", "a*c", true},
		{"a\\*c", "abc", false},
		{"a\\?", "a?", true},
		{"a\\?", "ab", false},
		{"a\\\\b", "a\\b", true},
		{"a\\nb", "a\nb", true},
		{"a\\x0ab", "a\nb", true},
		{"\\xff", "\xff", true},
		{"\\xff", "f", false},
		{"operator[]", "operator[]", true},
		{"operator[]", "operator", false},
	};
	static const char *const broken[] = {"\\", "a\\", "\\q", "\\x", "\\x1", "\\xg0", "\\0"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(glob_is_valid(cases[i].pattern));
		if (glob_match(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
	}
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (glob_is_valid(broken[i]))
			fail_msg("\"%s\" is valid", broken[i]);
}

/* A matcher that tries all ways would not come back. */
static void many_stars_cost_little(void **state)
{
	char text[4001], pattern[401];
	size_t i;

	(void)state;
	memset(text, 'a', 4000);
	text[4000] = '\0';
	for (i = 0; i < 400; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[399] = 'b';
	pattern[400] = '\0';
	assert_false(glob_match(pattern, text));
}

/* ---- suppressions ------------------------------------------------------------------------ */

#define FRAME(name)                                                                                \
	{                                                                                          \
		.function = name, .file = "/src/app/" name ".c", .line = 7, .module = "app"        \
	}

static struct frame frames[] = {
	FRAME("take"),
	FRAME("loop"),
	FRAME("main"),
	{.function = "__libc_start_main", .module = "libc.so.6", .runtime = true},
};

static const struct stack stack_of_app = {.frames = frames, .nr = 4};

static int read_text(struct fixture *x, const char *text, size_t len)
{
	char *path = forge_write_bytes(text, len, x->dir, "s.supp");
	int error;

	suppressions_release(&x->s);
	strbuf_release(&x->why);
	error = suppressions_read(&x->s, path, TODAY, &x->why);
	free(path);
	return error;
}

static bool suppresses(struct fixture *x, const char *text, const struct stack *st)
{
	if (read_text(x, text, strlen(text)))
		fail_msg("%s: %s", text, x->why.buf);
	return suppressions_find(&x->s, "close-wait", st) != NULL;
}

static void lines_match_any_frame(void **state)
{
	struct fixture *x = *state;

	assert_true(suppresses(x, "close-wait:take\n", &stack_of_app));
	assert_true(suppresses(x, "close-wait:main", &stack_of_app));
	assert_true(suppresses(x, "  close-*: ma*  \r\n", &stack_of_app));
	assert_true(suppresses(x, "close-wait:loop.c", &stack_of_app));
	assert_true(suppresses(x, "close-wait:/src/*/loop.c", &stack_of_app));
	assert_true(suppresses(x, "close-wait:libc.so*", &stack_of_app));
	assert_false(suppresses(x, "close-wait:tak", &stack_of_app));
	assert_false(suppresses(x, "descriptor-leak:take", &stack_of_app));
	assert_false(suppresses(x, "# close-wait:take\n\n", &stack_of_app));
	assert_int_equal(x->s.nr, 0);
}

static void lines_have_reasons_and_dates(void **state)
{
	struct fixture *x = *state;
	const char text[] =
		"close-wait:operator new(int)  reason: it's: known  expires: 2026-06-15\n"
		"close-wait:take\texpires: 2026-06-14 reason: over\n";

	assert_int_equal(read_text(x, text, strlen(text)), 0);
	assert_int_equal(x->s.nr, 2);
	assert_string_equal(x->s.all[0].name, "close-wait:operator new(int)");
	assert_string_equal(x->s.all[0].reason, "it's: known");
	assert_string_equal(x->s.all[0].expires, "2026-06-15");
	assert_false(x->s.all[0].expired);
	assert_string_equal(x->s.all[1].reason, "over");
	assert_true(x->s.all[1].expired);
	assert_null(suppressions_find(&x->s, "close-wait", &stack_of_app));
}

#define BLOCK(frames) "{\n name\n socklint:close-wait\n" frames "}\n"

static void blocks_match_from_the_inside(void **state)
{
	struct fixture *x = *state;

	assert_true(suppresses(x, BLOCK("fun:take\n"), &stack_of_app));
	assert_true(suppresses(x, BLOCK("fun:take\nfun:l*\n"), &stack_of_app));
	assert_true(
		suppresses(x, BLOCK("fun:take\nsrc:loop.c\nobj:/usr/bin/app\n"), &stack_of_app));
	assert_true(suppresses(x, BLOCK("...\nfun:main\n"), &stack_of_app));
	assert_true(suppresses(x, BLOCK("fun:take\n...\nfun:main\n"), &stack_of_app));
	assert_true(suppresses(x, BLOCK("fun:take\n...\nfun:loop\n"), &stack_of_app));
	assert_true(suppresses(x, BLOCK("...\n"), &stack_of_app));
	assert_false(suppresses(x, BLOCK("fun:loop\n"), &stack_of_app));
	assert_false(suppresses(x, BLOCK("fun:take\nfun:main\n"), &stack_of_app));
	assert_false(suppresses(x, BLOCK("fun:main\n...\nfun:take\n"), &stack_of_app));
	assert_false(suppresses(x, BLOCK("...\nfun:main\n...\nfun:main\n"), &stack_of_app));
}

static void what_is_not_understood_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"fish:take", ":1: no such rule"},
		{"close-wait", ":1: neither a block nor RULE:PATTERN"},
		{"close-wait: ", ":1: nothing to match"},
		{"\n\nclose-wait:a\\q", ":3: a backslash"},
		{"}", ":1: neither a block"},
		{"close-wait:a expires: tomorrow", ":1: expires:"},
		{"close-wait:a expires: 2026-02-29", ":1: expires:"},
		{"close-wait:a expires: 2026-13-01", ":1: expires:"},
		{"close-wait:a expires: 2026-1-1", ":1: expires:"},
		{"close-wait:a expires: 2026-01-01x", ":1: expires:"},
		{"close-wait:a expires:", ":1: expires:"},
		{"close-wait:a reason: b reason: c", ":1: a second reason"},
		{"# x\n{\n", ":2: this block has no end"},
		{"{\n}\n", ":2: the block ends before"},
		{"{\nname\n}\n", ":3: the block ends before"},
		{"{\nname\nclose-wait\n}\n", ":4: the block has no frames"},
		{"{\nname\nclose-wait\nfun:\n}\n", ":4: nothing to match"},
		{"{\nname\nclose-wait\nfun:a\\\n}\n", ":4: a backslash"},
		{"{\nname\nclose-wait\nnuf:a\n}\n", ":4: no part of a block"},
		{"{\nname\nclose-wait\n{\n}\n", ":4: a block within"},
		{"{\nname\nclose-wait\nexpires: x\n}\n", ":4: expires:"},
		{"{\nname\nvalgrind:Leak\nfun:a\n}\n", ":3: no such rule"},
	};
	struct fixture *x = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!read_text(x, cases[i].text, strlen(cases[i].text)))
			fail_msg("was understood: %s", cases[i].text);
		if (!strstr(x->why.buf, "/s.supp") || !strstr(x->why.buf, cases[i].why))
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].text, x->why.buf, cases[i].why);
	}
	assert_int_equal(read_text(x, "close-wait:a\0b", 14), -1);
	assert_int_equal(suppressions_read(&x->s, "/nonexistent", TODAY, &x->why), -1);
	assert_int_equal(suppressions_read(&x->s, x->dir, TODAY, &x->why), -1);
}

/* Whatever the bytes: an answer, and nothing lost or overrun. */
static void no_bytes_break_the_parser(void **state)
{
	static const char good[] = BLOCK(
		"reason: r\nexpires: 2030-01-01\nfun:a\\x41\n...\n") "close-wait:a* reason: b "
								     "expires: 2030-01-01\n";
	struct fixture *x = *state;
	uint32_t seed = 1;
	char text[sizeof(good)];
	int i, k;

	for (i = 0; i < 3000; i++) {
		memcpy(text, good, sizeof(good));
		for (k = 0; k < 3; k++) {
			seed = seed * 1103515245 + 12345;
			text[(seed >> 8) % (sizeof(good) - 1)] =
				"{}\n: \\.\0x\xff"[(seed >> 24) % 10];
		}
		if (read_text(x, text, sizeof(good) - 1 - (seed >> 16) % 8))
			assert_non_null(strstr(x->why.buf, "/s.supp:"));
	}
}

static void what_is_printed_can_be_pasted(void **state)
{
	static char *const names[] = {
		(char *)"plain",
		(char *)"with \"quotes\" and 'more'",
		(char *)"new\nline\r\ttab",
		(char *)"std::map<a, b*>::operator[](char const*)",
		(char *)"back\\slash\\n",
		(char *)" blank ",
		(char *)"}",
		(char *)"...",
		(char *)"\x1b[31m\xff\xc3",
		(char *)"na\xc3\xafve",
		(char *)"reason: x",
		(char *)"what?",
	};
	struct fixture *x = *state;
	size_t i, k;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct frame one = {.function = names[i], .module = "app"};
		struct stack st = {.frames = &one, .nr = 1};
		struct strbuf sb = STRBUF_INIT;

		suppression_write(&sb, "close-wait", "1234", &st);
		for (k = 0; k < sb.len; k++)
			assert_true(sb.buf[k] == '\n' || (sb.buf[k] >= ' ' && sb.buf[k] <= '~'));
		if (!suppresses(x, sb.buf, &st))
			fail_msg("is not matched by:\n%s", sb.buf);
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			one.function = names[k];
			assert_int_equal(suppressions_find(&x->s, "close-wait", &st) != NULL,
					 k == i);
		}
		strbuf_release(&sb);
	}
}

static void a_printed_block_ends_with_the_program(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	const struct stack none = {.frames = NULL};

	(void)state;
	suppression_write(&sb, "close-wait", "1234", &stack_of_app);
	assert_string_equal(sb.buf, "{\n   close-wait-1234\n   socklint:close-wait\n   reason: \n"
				    "   fun:take\n   fun:loop\n   fun:main\n}\n");
	strbuf_release(&sb);
	suppression_write(&sb, "close-wait", "1234", &none);
	assert_true(suppresses(*state, sb.buf, &none));
	strbuf_release(&sb);
}

static void the_day_comes_from_the_environment(void **state)
{
	char today[sizeof("YYYY-MM-DD")];

	(void)state;
	setenv("SOURCE_DATE_EPOCH", "1767225599", 1);
	assert_int_equal(suppressions_today(today), 0);
	assert_string_equal(today, "2025-12-31");
	setenv("SOURCE_DATE_EPOCH", "1767225600", 1);
	assert_int_equal(suppressions_today(today), 0);
	assert_string_equal(today, "2026-01-01");
	setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
	assert_int_equal(suppressions_today(today), -1);
	unsetenv("SOURCE_DATE_EPOCH");
	assert_int_equal(suppressions_today(today), 0);
	assert_true(strcmp(today, "2024-01-01") > 0);
}

/* ---- fingerprints ------------------------------------------------------------------------ */

static const char *hex_of(const struct stack *st, const char *rule, const char *kind)
{
	static char hex[4][FINGERPRINT_HEX];
	static size_t turn;
	struct fingerprint f = fingerprint_of(rule, kind);

	turn = (turn + 1) % 4;
	fingerprint_add_stack(&f, st);
	fingerprint_hex(&f, hex[turn]);
	return hex[turn];
}

static void expect_same(const struct frame *f, size_t nr, bool same)
{
	struct frame copy[8];
	struct stack st = {.frames = copy, .nr = nr};
	const char *one = hex_of(&stack_of_app, "close-wait", "eof-unread");
	const char *other;

	memcpy(copy, f, nr * sizeof(*f));
	other = hex_of(&st, "close-wait", "eof-unread");
	assert_int_equal(!strcmp(one, other), same);
}

static void a_fingerprint_survives_a_rebuild(void **state)
{
	const struct frame rebuilt[] = {
		{.function = "take.isra.0", .module = "app-1.2", .offset = 99, .inlined = true},
		{.function = "loop.part.0.cold", .file = "/elsewhere/x.c", .line = 900},
		{.function = "loop"}, /* it calls itself once more */
		{.function = "qsort", .runtime = true},
		{.function = "main"},
	};
	const struct frame renamed[] = {
		{.function = "take"}, {.function = "poll"}, {.function = "main"}};
	const struct frame shorter[] = {{.function = "take"}, {.function = "loopmain"}};
	const struct frame partly[] = {
		{.function = "take.partial"}, {.function = "loop"}, {.function = "main"}};

	(void)state;
	expect_same(rebuilt, 5, true);
	expect_same(renamed, 3, false);
	expect_same(shorter, 2, false);
	expect_same(partly, 3, false);
	assert_string_not_equal(hex_of(&stack_of_app, "close-wait", "eof-unread"),
				hex_of(&stack_of_app, "close-wait", "eof-ignored"));
	assert_string_not_equal(hex_of(&stack_of_app, "close-wait", NULL),
				hex_of(&stack_of_app, "descriptor-leak", NULL));
	/* That of another version of socklint, too: baselines live long. */
	assert_string_equal(hex_of(&stack_of_app, "close-wait", "eof-unread"),
			    "c2a9b5e70ee3efbbdddb20106c6ab7fa");
}

/* ---- baselines --------------------------------------------------------------------------- */

#define ID   "0123456789abcdef0123456789abcdef"
#define HEAD "{\"format\": \"socklint-baseline\", \"version\": 1, \"findings\": "
#define ENTRY(id, count)                                                                           \
	"{\"id\": \"" id "\", \"rule\": \"close-wait\", \"function\": \"f\", \"count\": " count "}"

static void a_broken_baseline_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "b.json:1:0: no baseline"},
		{"{\n\"format\": fish}", "b.json:2:14: no baseline"},
		{"[]", "b.json: not a baseline"},
		{"{}", "b.json: not a baseline"},
		{"{\"format\": \"other\", \"version\": 1}", "b.json: not a baseline"},
		{"{\"format\": \"socklint-baseline\", \"version\": 2}", "baseline of version 2"},
		{HEAD "{}}", "\"findings\" is no array"},
		{HEAD "[7]}", "findings[0]: is no object"},
		{HEAD "[" ENTRY(ID, "1") ", " ENTRY("12", "1") "]}", "findings[1]: \"id\""},
		{HEAD "[" ENTRY(ID, "0") "]}", "findings[0]: \"count\""},
		{HEAD "[" ENTRY(ID, "\"1\"") "]}", "findings[0]: \"count\""},
		{HEAD "[{\"id\": \"" ID "\"}]}", "findings[0]: \"rule\""},
		{HEAD "[" ENTRY(ID, "1") ", " ENTRY(ID, "1") "]}", "twice"},
		{HEAD "[]} x", "b.json:1:"},
	};
	struct fixture *x = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *path =
			forge_write_bytes(cases[i].text, strlen(cases[i].text), x->dir, "b.json");

		baseline_release(&x->b);
		strbuf_release(&x->why);
		if (!baseline_read(&x->b, path, &x->why))
			fail_msg("was understood: %s", cases[i].text);
		if (!strstr(x->why.buf, cases[i].why))
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].text, x->why.buf, cases[i].why);
		free(path);
	}
}

static void a_baseline_is_read_as_it_was_written(void **state)
{
	struct fixture *x = *state;
	struct report_id ids[] = {{.id = ID, .nr = 3},
				  {.id = "ff23456789abcdef0123456789abcdef", .nr = 1}};
	struct report_finding f[] = {
		{.rule = "close-wait",
		 .subkind = "eof-unread",
		 .function = (char *)"evil\"\n\xff\\name",
		 .ids = ids,
		 .nr_ids = 2},
		{.rule = "close-wait", .function = (char *)"again", .ids = ids, .nr_ids = 1}};
	struct report r = {.findings = f, .nr_findings = 2};
	char *path = xstrfmt("%s/b.json", x->dir);
	struct baseline made = BASELINE_INIT;

	baseline_of(&made, &r);
	assert_int_equal(baseline_write(&made, path), 0);
	baseline_release(&made);
	assert_true(baseline_is_one(path));
	assert_int_equal(baseline_read(&x->b, path, &x->why), 0);
	assert_int_equal(x->b.nr, 2);
	assert_int_equal(baseline_find(&x->b, ID)->nr, 6);
	assert_string_equal(baseline_find(&x->b, ids[1].id)->function, "evil\" \xef\xbf\xbd\\name");
	assert_string_equal(baseline_find(&x->b, ids[1].id)->kind, "eof-unread");
	assert_null(baseline_find(&x->b, "0023456789abcdef0123456789abcdef"));
	free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(seconds_are_read_to_the_nanosecond),
		TEST(a_list_of_what_fails_is_read),
		TEST(patterns_match_whole_names),
		TEST(many_stars_cost_little),
		TEST(lines_match_any_frame),
		TEST(lines_have_reasons_and_dates),
		TEST(blocks_match_from_the_inside),
		TEST(what_is_not_understood_is_refused),
		TEST(no_bytes_break_the_parser),
		TEST(what_is_printed_can_be_pasted),
		TEST(a_printed_block_ends_with_the_program),
		TEST(the_day_comes_from_the_environment),
		TEST(a_fingerprint_survives_a_rebuild),
		TEST(a_broken_baseline_is_refused_with_its_place),
		TEST(a_baseline_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
