/* SPDX-License-Identifier: MIT */
/*
 * Which system calls the shim adds, as strace counts them: exactly those of the table in
 * HACKING.md, which is read here. Where a row is no longer true the test says what it must be.
 *
 * What happens once is counted as the difference of two programs, what happens per round as that of
 * two lengths of one, so that all else falls out. Addresses must not move between the runs: how
 * many pages a stack lies in is a thing that the shim asks.
 */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

/* ---- counting ---- */

struct count {
	char name[32];
	long nr;
};

struct counts {
	struct count calls[100]; /* by name */
	size_t nr;
};

static void count(struct counts *c, const char *name, size_t len, long nr)
{
	size_t i = 0;

	while (i < c->nr && (strncmp(c->calls[i].name, name, len) || c->calls[i].name[len]))
		i++;
	assert_true(i < 100 && len < sizeof(c->calls[i].name));
	if (i == c->nr) {
		c->calls[c->nr++] = (struct count){.nr = 0};
		memcpy(c->calls[i].name, name, len);
	}
	c->calls[i].nr += nr;
}

/*
 * A line is "PID NAME(ARGUMENTS"; strace's own, and the second half of an interrupted call, not.
 * Whether a thread must wait for another is chance: futex is left out. The shim has no locks.
 */
static void count_line(struct counts *c, const char *line, long sign)
{
	size_t len;

	line += strspn(line, "0123456789 ");
	len = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
	if (len && line[len] == '(' && strncmp(line, "futex(", 6) != 0)
		count(c, line, len, sign);
}

/* Adds what a program calls to c, or takes it away. */
static void trace(struct counts *c, const char *what, const char *n, const char *preload, long sign)
{
	char path[300], env[400], options[300], line[4096];
	char *dir = scratch_make(); /* a fresh one: who makes the summary has more to do */
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", dir);
	snprintf(env, sizeof(env), "LD_PRELOAD=%s", preload);
	snprintf(options, sizeof(options), "SOCKLINT_OPTIONS=dir=%s:report=none", dir);
	struct run run = run_program(
		&(struct start){.argv = ARGV("setarch", "-R", "strace", "-f", "-qq", "-o", path,
					     "-E", env, "-E", options, GUEST, "calls", what, n)});
	if (run.status)
		fail_msg("strace: %s", run.err);
	run_release(&run);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		count_line(c, line, sign);
	fclose(f);
	scratch_remove(dir);
}

/* ---- the table ---- */

/* How a row is counted. */
struct situation {
	const char *when;	/* the first column */
	const char *what;	/* the guest's */
	const char *few, *many; /* so often it is done in two runs ... */
	const char *base;	/* ... the one with `few` being of this */
	long rounds; /* between them; 0: names alone, for how often is libunwind's to decide */
};

static const struct situation situations[] = {
	{"start and end, no socket", "nothing", NULL, "0", NULL, 0},
	{"first socket, and the end of a program that had one", "socket", "0", "1", "nothing", 0},
	{"read, write and their families", "exchange", "03", "13", "exchange", 10},
	{"a life: socket, close", "socket", "03", "13", "socket", 10},
	{"two lives: socket, connect, accept, read to the EOF, close of both", "connection", "03",
	 "13", "connection", 10},
	{"a life through generated code", "jit", "03", "13", "jit", 10},
	{"a life in a new thread", "thread", "03", "13", "thread", 10},
	{"a life, after a vfork", "after_vfork", "03", "13", "after_vfork", 10},
	{"two lives, on two stacks in turns", "coroutine", "03", "13", "coroutine", 10},
	{"dup, dup2 onto it, close", "duplicate", "03", "13", "duplicate", 10},
	{"sendmsg and recvmsg, with control data that holds no descriptor", "stamped", "03", "13",
	 "stamped", 10},
	{"epoll_ctl, epoll_wait, poll, select", "wait", "03", "13", "wait", 10},
	{"the same, after a vfork", "wait_after_vfork", "03", "13", "wait_after_vfork", 10},
	{"fork, and a child that ends at once", "fork", "03", "13", "fork", 10},
	{"fork, and a child that opens a socket", "fork_and_socket", "03", "13", "fork_and_socket",
	 0},
	{"an exec that fails, with a listener open", "failed_exec", "03", "13", "failed_exec", 10},
	{"end, per connection with both ends open", "open", "03", "13", "open", 10},
};

#define NR_SITUATIONS (sizeof(situations) / sizeof(situations[0]))

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct count *)a)->name, ((const struct count *)b)->name);
}

/* The second column: "`close` 2, `getpid`"; "none". */
static void describe(const struct situation *s, struct counts *c, char *to, size_t room)
{
	size_t at = 0;

	to[0] = '\0';
	qsort(c->calls, c->nr, sizeof(c->calls[0]), by_name);
	for (size_t i = 0; i < c->nr; i++) {
		const struct count *k = &c->calls[i];

		if (!k->nr)
			continue;
		at += (size_t)snprintf(to + at, room - at, "%s`%s`", at ? ", " : "", k->name);
		if (s->rounds && k->nr % s->rounds)
			at += (size_t)snprintf(to + at, room - at, " %ld/%ld", k->nr, s->rounds);
		else if (s->rounds && k->nr != s->rounds)
			at += (size_t)snprintf(to + at, room - at, " %ld", k->nr / s->rounds);
	}
	if (!at)
		snprintf(to, room, "none");
}

static void added(const struct situation *s, char *to, size_t room)
{
	struct counts c = {.nr = 0};

	trace(&c, s->what, s->many, SHIM, 1);
	trace(&c, s->what, s->many, "", -1);
	if (s->base) {
		trace(&c, s->base, s->few, SHIM, -1);
		trace(&c, s->base, s->few, "", 1);
	}
	describe(s, &c, to, room);
}

#define TABLE_HEAD "| when | which | for |\n"

static char *table_read(void)
{
	static char text[65536];
	FILE *f = fopen(SCRIPTS "/../HACKING.md", "r");
	char *table;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	table = strstr(text, TABLE_HEAD);
	if (!table)
		fail_msg("HACKING.md: no table of system calls: %s", TABLE_HEAD);
	*strstr(table, "\n\n") = '\0';
	return table;
}

/* How many lines of `guest nothing` under the shim are calls of `which`. */
static int of_nothing(const char *which)
{
	char env[300], trace[300];
	struct run run;
	int n = 0;

	snprintf(trace, sizeof(trace), "trace=%s", which);
	snprintf(env, sizeof(env), "LD_PRELOAD=%s", SHIM);
	run = run_program(
		&(struct start){.argv = ARGV("strace", "-qq", "-e", trace, "-E", env, "-E",
					     "SOCKLINT_OPTIONS=report=none", GUEST, "nothing")});
	assert_int_equal(run.status, 0);
	for (const char *at = run.err; (at = strchr(at, '\n')); at++)
		n++;
	run_release(&run);
	return n;
}

static int strace_works(void)
{
	struct run run = run_program(
		&(struct start){.argv = ARGV("strace", "-qq", "-o", "/dev/null", "true")});
	int ok = run.status == 0;

	run_release(&run);
	return ok;
}

static void each_situation_adds_what_hacking_says(void **state)
{
	const char *table = table_read();
	char row[2000], which[1500];
	int wrong = 0;

	(void)state;
	if (!strace_works())
		skip();
	for (size_t i = 0; i < NR_SITUATIONS; i++) {
		added(&situations[i], which, sizeof(which));
		snprintf(row, sizeof(row), "\n| %s | %s |", situations[i].when, which);
		if (strstr(table, row))
			continue;
		print_message("HACKING.md says otherwise:%s\n", row);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* No row that nobody counts. */
static void each_row_is_a_situation(void **state)
{
	size_t rows = 0;

	(void)state;
	for (const char *p = strstr(table_read(), "\n|"); p; p = strstr(p + 1, "\n|"))
		rows++;
	assert_int_equal(rows - 1, NR_SITUATIONS);
}

/* At the start and at the end. Beyond the standard three it may have some of this process's. */
static void descriptors_are_looked_at_once_at_each_end(void **state)
{
	(void)state;
	if (!strace_works())
		skip();
	assert_in_range(of_nothing("getdents64"), 2, 2 * 2);
	assert_in_range(of_nothing("getsockopt"), 2 * 3, 2 * scratch_count("/proc/self/fd", ""));
}

/* The walks of a stack count its pages: so it must lie the same each time. */
static void lie_still(void)
{
	int now = personality(0xffffffff);

	if (now >= 0)
		personality((unsigned long)now | ADDR_NO_RANDOMIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_situation_adds_what_hacking_says),
		cmocka_unit_test(each_row_is_a_situation),
		cmocka_unit_test(descriptors_are_looked_at_once_at_each_end),
	};

	lie_still();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
