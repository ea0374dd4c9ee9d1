/* SPDX-License-Identifier: MIT */
/*
 * What fails, from outside: the command on forged recordings whose stacks lie in this very program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <link.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "commanding.h"
#include "forge.h"
#include "text.h"

#define ARGS(...) ((char *[]){(char *)SOCKLINT, (char *)"report", __VA_ARGS__, NULL})
#define DIFF(...) ((char *[]){(char *)SOCKLINT, (char *)"diff", __VA_ARGS__, NULL})

/* ---- code to cite ------------------------------------------------------------------------ */

static __attribute__((noinline)) uint64_t return_address(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

/* Two calls of one function on two lines: before and after a change, so to say. */
static volatile uint64_t open_pc[2], first_pc, second_pc;

static __attribute__((noinline)) void open_socket(void)
{
	open_pc[0] = return_address();
	open_pc[1] = open_pc[0];
	open_pc[1] = return_address();
	open_pc[0]++;
	open_pc[0]--;
}

static __attribute__((noinline)) void serve_first(void)
{
	first_pc = return_address();
	first_pc++;
	first_pc--;
}

static __attribute__((noinline)) void serve_second(void)
{
	second_pc = return_address();
	second_pc++;
	second_pc--;
}

static uint64_t own_bias;

static int take_bias(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	own_bias = info->dlpi_addr;
	return 1;
}

/* ---- recordings -------------------------------------------------------------------------- */

struct leaks {
	int first, second; /* sockets that each of the two has opened and lost */
	int build;
};

static uint32_t make_site(struct forge *f, int build, uint64_t caller)
{
	uint32_t site = forge_site(f, open_pc[build]);
	struct rec_site *s = forge_site_at(f, site);

	s->pc[1] = caller;
	s->nr = 2;
	return site;
}

static void leak(struct forge *f, int fd, uint32_t site)
{
	struct whole_life *l = forge_accepted(f, fd, site, 10);

	forge_facts(l, TCP_CLOSE_WAIT, 900);
	l->flags |= REC_LIFE_TOUCHER_ENDED;
}

/* Returns the directory of the recording, for the caller to free. */
static char *record(struct command *x, const char *name, struct leaks leaks)
{
	struct forge *f = forge_new(100);
	char path[REC_PATH_MAX] = "", *dir = xstrfmt("%s/%s", x->dir, name);
	uint32_t first, second;
	extern char etext;
	int fd = 5, i;

	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	forge_module(f, path, own_bias, (uint64_t)(uintptr_t)&etext);
	first = make_site(f, leaks.build, first_pc);
	second = make_site(f, leaks.build, second_pc);
	forge_accepted(f, 4, first, 20); /* alive */
	for (i = 0; i < leaks.first; i++)
		leak(f, fd++, first);
	for (i = 0; i < leaks.second; i++)
		leak(f, fd++, second);
	assert_int_equal(mkdir(dir, 0700), 0);
	free(forge_write(f, dir, "100.0.socklint"));
	forge_free(f);
	return dir;
}

/* ---- the command ------------------------------------------------------------------------- */

static int setup(void **state)
{
	open_socket();
	serve_first();
	serve_second();
	dl_iterate_phdr(take_bias, NULL);
	return command_setup(state);
}

/* The status, and what must be said on either stream. */
static void expect(struct command *x, char **argv, int status, const char *text)
{
	int got = command_run(x, argv);

	if (got != status || !(strstr(x->out, text) || strstr(x->err, text)))
		fail_msg("status %d, not %d, or no \"%s\" in:\n%s%s", got, status, text, x->err,
			 x->out);
}

static void expect_not(struct command *x, const char *text)
{
	if (strstr(x->out, text))
		fail_msg("\"%s\" in:\n%s", text, x->out);
}

/* "--option=FILE"; a leak of a few bytes in a test would be one more row to free. */
#define OPTION(option, file) (strcat(strcpy((char[512]){0}, option), file))

/* ---- what fails -------------------------------------------------------------------------- */

static void a_list_says_what_fails(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){1, 0, 0});

	expect(x, ARGS(rec), 1, "1 socket opened in open_socket (test_gate.c:");
	expect(x, ARGS("--fail-on=none", rec), 0, "1 socket leaked");
	expect(x, ARGS("--fail-on=double-close,descriptor-leak", rec), 0, "1 socket leaked");
	expect(x, ARGS("--fail-on=descriptor-leak,close-wait", rec), 1, "1 socket leaked");
	expect(x, ARGS("--fail-on=double-close,note", "--error-exitcode=9", rec), 9, "");
	expect(x, ARGS("--fail-on=close-wait,fish", rec), 2, "\"fish\" is neither a rule");
	expect(x, ARGS("--fail-on=close-wait,", rec), 2, "\"\" is neither a rule");
	expect(x, ARGS("--fail-on=none,error", rec), 2, "\"none\" is neither a rule");
	free(rec);
}

static void strict_wants_all_closed(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){0, 0, 0});

	expect(x, ARGS(rec), 0, "still open, no fault:\n      1  open_socket");
	expect(x, ARGS("--strict", rec), 1, "still open, a fault by --strict:\n      1  open_");
	expect(x, ARGS("--strict", "--at-exit", rec), 1, "1 still open (--strict: a fault)");
	command_file(x, "s", "still-open:serve_first reason: stays");
	expect(x, ARGS("--strict", OPTION("--suppressions=", x->file), rec), 0, "1 suppressed");
	assert_non_null(strstr(x->out, "1 still open suppressed (stays), by "));
	expect(x, ARGS(OPTION("--suppressions=", x->file), rec), 0, "1 still open");
	expect_not(x, "unused");
	free(rec);
}

/* Whoever handed it over may have it, too. */
static void strict_knows_nothing_of_sockets_of_unknown_origin(void **state)
{
	struct command *x = *state;
	struct forge *f = forge_new(100);
	char *rec;

	forge_accepted(f, 5, forge_site(f, 0x1010), 10)->flags |= REC_LIFE_UNSEEN;
	rec = forge_write(f, x->dir, "100.0.socklint");
	expect(x, ARGS("--strict", rec), 0, "still open, no fault:");
	forge_accepted(f, 6, forge_site(f, 0x2010), 10);
	free(rec);
	rec = forge_write(f, x->dir, "100.0.socklint");
	expect(x, ARGS("--strict", rec), 1, "origin unknown (ESTABLISHED) (no fault)\n");
	forge_free(f);
	free(rec);
}

/* A FIN half a second before SIGTERM. */
static void the_grace_can_be_chosen(void **state)
{
	struct command *x = *state;
	struct forge *f = forge_new(100);
	struct whole_life *l = forge_accepted(f, 5, forge_site(f, 0x1010), FORGE_END - 2);
	char *rec;

	forge_facts(l, TCP_CLOSE_WAIT, 0.5);
	l->flags |= REC_LIFE_TOUCHER_ENDED;
	rec = forge_write(f, x->dir, "100.0.socklint");
	forge_free(f);
	expect(x, ARGS(rec), 0, "younger at the end than the grace");
	expect(x, ARGS("--grace=0.2", rec), 1, "1 socket leaked");
	expect(x, ARGS("--grace=0", rec), 1, "1 socket leaked");
	expect(x, ARGS("--grace=3600", rec), 0, "younger at the end than the grace");
	expect(x, ARGS("--grace=soon", rec), 2, "--grace=soon: not a number of seconds");
	expect(x, ARGS("--max-dwell=-1", rec), 2, "--max-dwell=-1: not a number of seconds");
	free(rec);
}

/* ---- suppressions ------------------------------------------------------------------------ */

static void a_suppression_takes_sockets_out_by_their_stack(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){2, 3, 0});

	expect(x, ARGS(rec), 1, "5 sockets opened in open_socket");
	command_file(x, "s", "close-wait:serve_first  reason: for a test\n");
	expect(x, ARGS(OPTION("--suppressions=", x->file), rec), 1, "3 sockets opened in open_");
	assert_non_null(strstr(x->out, "\n1 finding suppressed (for a test): 2 in all, by "));
	assert_non_null(strstr(x->out, "3 sockets leaked at 1 place"));
	command_file(x, "s", "close-wait:serve_first\nclose-wait:open_* reason: all\n");
	expect(x, ARGS(OPTION("--suppressions=", x->file), rec), 0, "no leaks: ");
	assert_non_null(strstr(x->out, "(no reason given): 2 in all"));
	assert_non_null(strstr(x->out, "(all): 3 in all"));
	assert_non_null(strstr(x->out, ", 5 suppressed\n"));
	expect_not(x, "error:");
	free(rec);
}

static void the_environment_names_suppressions_too(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){2, 3, 0});
	char *env = xstrfmt("%s/one::%s/two", x->dir, x->dir);

	command_file(x, "one", "close-wait:serve_first\n");
	command_file(x, "two", "close-wait:serve_second\n");
	setenv("SOCKLINT_SUPPRESSIONS", env, 1);
	expect(x, ARGS("--at-exit", rec), 0, "");
	assert_string_equal(x->out, "");
	command_file(x, "two", "close-wait serve_second\n");
	expect(x, ARGS(rec), 2, "/two:1: neither a block nor RULE:PATTERN");
	assert_string_equal(x->out, "");
	unsetenv("SOCKLINT_SUPPRESSIONS");
	free(env);
	free(rec);
}

static void what_is_stale_is_named(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){1, 0, 0}), *option;

	command_file(x, "s",
		     "descriptor-leak:nobody\n{\n  by date\n  close-wait\n  expires: 2025-12-31\n"
		     "  ...\n  fun:serve_first\n}\n");
	option = OPTION("--suppressions=", x->file);
	setenv("SOURCE_DATE_EPOCH", "1767225599", 1); /* the last second of 2025 */
	expect(x, ARGS(option, rec), 0, "1 finding suppressed (no reason given)");
	assert_non_null(strstr(x->out, "/s:1: suppression \"descriptor-leak:nobody\" is unused"));
	setenv("SOURCE_DATE_EPOCH", "1767225600", 1);
	expect(x, ARGS(option, rec), 1, "/s:2: suppression \"by date\" expired on 2025-12-31");
	setenv("SOURCE_DATE_EPOCH", "never", 1);
	expect(x, ARGS(option, rec), 2, "SOURCE_DATE_EPOCH: not a number");
	unsetenv("SOURCE_DATE_EPOCH");
	free(rec);
}

/* All that stands between braces at the beginning of a line. */
static void keep_blocks(char *text)
{
	char *to = text, *from = text, *end;

	while ((from = strstr(from, "\n{\n")) && (end = strstr(from, "\n}\n"))) {
		memmove(to, from, (size_t)(end - from) + 3);
		to += end - from + 3;
		from = end + 2;
	}
	*to = '\0';
}

static void what_is_printed_suppresses(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){2, 3, 0});

	expect(x, ARGS("--gen-suppressions", rec), 1,
	       "\n   fun:open_socket\n   fun:serve_first\n}\n");
	keep_blocks(x->out);
	command_file(x, "s", x->out);
	expect(x, ARGS(OPTION("--suppressions=", x->file), rec), 0, ", 5 suppressed\n");
	expect_not(x, "unused");
	free(rec);
}

/* ---- baselines --------------------------------------------------------------------------- */

static void what_the_baseline_knows_does_not_fail(void **state)
{
	struct command *x = *state;
	char *old = record(x, "old", (struct leaks){2, 0, 0});
	char *same = record(x, "same", (struct leaks){2, 0, 1});
	char *more = record(x, "more", (struct leaks){3, 0, 1});
	char *other = record(x, "other", (struct leaks){2, 1, 1});
	char *write = xstrfmt("--write-baseline=%s/b", x->dir);
	char *with = xstrfmt("--baseline=%s/b", x->dir);

	expect(x, ARGS(write, old), 1, "2 sockets opened");
	expect(x, ARGS(with, same), 0, "known from the baseline:\n      2  open_socket (test_gate");
	assert_non_null(strstr(x->out, ", 1 finding known\n"));
	expect_not(x, "error:");
	expect(x, ARGS(with, "--growth", same), 0, "1 finding known");
	expect(x, ARGS(with, more), 0, "1 finding known");
	expect(x, ARGS(with, "--growth", more), 1, "growth      2 in the baseline, 3 now");
	expect(x, ARGS(with, other), 1, "error: close-wait (eof-unread): 3 sockets");
	expect(x, ARGS(with, "--fail-on=none", other), 0, "error: close-wait");
	expect(x, ARGS("--growth", same), 2, "There is no --baseline");
	free(old);
	free(same);
	free(more);
	free(other);
	free(write);
	free(with);
}

static void a_baseline_that_cannot_be_is_said(void **state)
{
	struct command *x = *state;
	char *rec = record(x, "rec", (struct leaks){1, 0, 0});
	char *gone = xstrfmt("--write-baseline=%s/no/such", x->dir);

	expect(x, ARGS("--baseline=/nonexistent", rec), 3, "/nonexistent: No such file");
	command_file(x, "b", "{\"format\": ");
	expect(x, ARGS(OPTION("--baseline=", x->file), rec), 3, "/b:1:");
	assert_string_equal(x->out, "");
	expect(x, ARGS(gone, rec), 125, "/no/such: cannot be written");
	free(gone);
	free(rec);
}

static void diff_says_new_fixed_and_same(void **state)
{
	struct command *x = *state;
	char *one = record(x, "one", (struct leaks){2, 0, 0});
	char *two = record(x, "two", (struct leaks){3, 1, 1});
	char *none = record(x, "none", (struct leaks){0, 0, 0});
	char *write = xstrfmt("--write-baseline=%s/b", x->dir), *base = xstrfmt("%s/b", x->dir);

	expect(x, DIFF(one, two), 1, "new    close-wait (eof-unread) in open_socket: 1 [");
	assert_non_null(
		strstr(x->out, "\nsame   close-wait (eof-unread) in open_socket: 3, was 2 ["));
	assert_non_null(
		strstr(x->out, "1 new, 0 fixed, 1 the same, 1 of them with more sockets\n"));
	expect(x, DIFF(two, one), 0, "fixed  close-wait (eof-unread) in open_socket: 1 [");
	expect(x, DIFF("--growth", two, one), 0, "0 new, 1 fixed, 1 the same\n");
	expect(x, DIFF("--growth", one, one), 0, "0 new, 0 fixed, 1 the same\n");
	assert_int_equal(command_run(x, ARGS(write, one)), 1);
	expect(x, DIFF(base, two), 1, "1 new, 0 fixed, 1 the same");
	expect(x, DIFF("--error-exitcode=7", none, base), 7, "1 new, 0 fixed, 0 the same");
	expect(x, DIFF(one, "/nonexistent"), 3, "/nonexistent: No such file");
	assert_string_equal(x->out, "");
	command_file(x, "broken", "{");
	expect(x, DIFF(x->file, one), 3, "/broken:1:1: no baseline");
	expect(x, DIFF(one), 2, "two runs are needed");
	expect(x, DIFF(one, two, none), 2, "more than two runs");
	free(one);
	free(two);
	free(none);
	free(write);
	free(base);
}

static void only_what_grows_in_every_run(void **state)
{
	struct command *x = *state;
	char *a = record(x, "a", (struct leaks){1, 1, 0});
	char *b = record(x, "b", (struct leaks){2, 3, 0});
	char *c = record(x, "c", (struct leaks){4, 3, 1});

	expect(x, DIFF("--repeat", a, b, c), 1,
	       "grows  close-wait (eof-unread) in open_socket: 1, 2, 4 [");
	assert_non_null(strstr(x->out, "socklint: 1 of 2 findings grows in every run\n"));
	expect_not(x, "1, 3, 3");
	expect(x, DIFF("--repeat", a, c, b), 0, "0 of 2 findings grow in every run\n");
	free(a);
	free(b);
	free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, command_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_says_what_fails),
		TEST(strict_wants_all_closed),
		TEST(strict_knows_nothing_of_sockets_of_unknown_origin),
		TEST(the_grace_can_be_chosen),
		TEST(a_suppression_takes_sockets_out_by_their_stack),
		TEST(the_environment_names_suppressions_too),
		TEST(what_is_stale_is_named),
		TEST(what_is_printed_suppresses),
		TEST(what_the_baseline_knows_does_not_fail),
		TEST(a_baseline_that_cannot_be_is_said),
		TEST(diff_says_new_fixed_and_same),
		TEST(only_what_grows_in_every_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
