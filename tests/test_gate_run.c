/* SPDX-License-Identifier: MIT */
/* What fails under "socklint run": an example with a leak, judged by what the user has said of it.
 */
#include "running.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *dir;

static int setup(void **state)
{
	(void)state;
	dir = scratch_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(dir);
	return 0;
}

static char *path_of(const char *option, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s%s/%s", option, dir, name) > 0);
	return path;
}

static void write_file(const char *name, const char *text, size_t len)
{
	char *path = path_of("", name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	free(path);
}

static void serve_clients(struct child *server, const char *bad)
{
	char text[128] = "", *port;
	const char *const *argv;
	struct run client;
	ssize_t n;

	/* "listening on 127.0.0.1:PORT" comes in one write. */
	assert_int_equal(poll(&(struct pollfd){.fd = server->out, .events = POLLIN}, 1, 10000), 1);
	n = read(server->out, text, sizeof(text) - 1);
	assert_true(n > 0 && strchr(text, '\n'));
	port = strrchr(text, ':') + 1;
	*strchr(port, '\n') = '\0';
	argv = ARGV(CLIENT, port, "good=2", bad, "good=3");
	client = run_program(&(struct start){.argv = argv});
	assert_int_equal(client.status, 0);
	run_release(&client);
}

/* Runs the example with so many bad clients, and stops it; returns the exit status. */
static int run_example(const char *option, const char *name, const char *bad, struct run *run)
{
	const struct timespec grace = {1, 300000000};
	char *recording = path_of("--dir=", name);
	const char *const argv[] = {COMMAND, "run", recording, option, "--", EXAMPLE, "0", NULL};
	struct child child = child_start(&(struct start){.argv = argv});

	serve_clients(&child, bad);
	nanosleep(&grace, NULL);
	assert_int_equal(kill(child.pid, SIGTERM), 0);
	*run = child_finish(&child);
	free(recording);
	assert_true(run->status >= 0 && WIFEXITED(run->status));
	return WEXITSTATUS(run->status);
}

/* All from the first brace at the beginning of a line to the last. */
static void keep_block(const char *text)
{
	const char *from = strstr(text, "\n{\n"), *end = from ? strstr(from, "\n}\n") : NULL;

	assert_non_null(end);
	write_file("pasted", from, (size_t)(end - from) + 3);
}

static void the_printed_suppression_silences_the_next_run(void **state)
{
	char *option = path_of("--suppressions=", "pasted");
	struct run run;

	(void)state;
	assert_int_equal(run_example("--gen-suppressions", "one", "bad=2", &run), 23);
	assert_has_line(run.out, "error: close-wait (eof-ignored): 2 sockets opened in accept_");
	assert_has_line(run.out, "   fun:accept_client");
	assert_non_null(strstr(run.out, "   fun:main\n}\n"));
	keep_block(run.out);
	run_release(&run);
	assert_int_equal(run_example(option, "two", "bad=3", &run), 128 + SIGTERM);
	assert_has_no_line(run.out, "error:");
	assert_has_line(run.out, "1 finding suppressed (no reason given): 3 in all");
	run_release(&run);
	free(option);
}

static void a_baseline_makes_the_next_run_pass(void **state)
{
	char *write = path_of("--write-baseline=", "base"), *with = path_of("--baseline=", "base");
	char *base = path_of("", "base"), *recording = path_of("", "two");
	struct run run;

	(void)state;
	assert_int_equal(run_example(write, "one", "bad=2", &run), 23);
	run_release(&run);
	assert_int_equal(run_example(with, "two", "bad=3", &run), 128 + SIGTERM);
	assert_has_line(run.out, "known from the baseline:");
	run_release(&run);
	run = run_program(
		&(struct start){.argv = ARGV(COMMAND, "diff", "--growth", base, recording)});
	assert_int_equal(WEXITSTATUS(run.status), 1);
	assert_has_line(run.out, "same   close-wait (eof-ignored) in accept_client: 3, was 2 [");
	run_release(&run);
	free(write);
	free(with);
	free(base);
	free(recording);
}

/* What can be known to be wrong is said before the program starts. */
/* Nothing is open at the end, and the recording must be there all the same. */
static void a_dwell_below_a_second_is_seen(void **state)
{
	struct run run = run_program(&(struct start){
		.argv = ARGV(COMMAND, "run", "--max-dwell=0.05", "--fail-on=slow-close", "--",
			     GUEST, "late_close", "100")});

	(void)state;
	assert_has_line(run.out, "warning: slow-close: 1 socket opened in accept_client");
	assert_int_equal(WEXITSTATUS(run.status), 23);
	run_release(&run);
}

static void nothing_is_run_with_a_broken_file(void **state)
{
	char *suppressions = path_of("--suppressions=", "broken");
	char *baseline = path_of("--baseline=", "broken");
	struct run run;

	(void)state;
	write_file("broken", "close-wait\n", 11);
	run = run_program(&(struct start){
		.argv = ARGV(COMMAND, "run", suppressions, "--", "/bin/echo", "started")});
	assert_int_equal(WEXITSTATUS(run.status), 2);
	assert_string_equal(run.out, "");
	assert_non_null(strstr(run.err, "/broken:1: neither a block"));
	run_release(&run);
	run = run_program(&(struct start){
		.argv = ARGV(COMMAND, "run", baseline, "--", "/bin/echo", "started")});
	assert_int_equal(WEXITSTATUS(run.status), 3);
	assert_string_equal(run.out, "");
	run_release(&run);
	free(suppressions);
	free(baseline);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_printed_suppression_silences_the_next_run),
		TEST(a_baseline_makes_the_next_run_pass),
		TEST(a_dwell_below_a_second_is_seen),
		TEST(nothing_is_run_with_a_broken_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
