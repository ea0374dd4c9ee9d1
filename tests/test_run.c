/* SPDX-License-Identifier: MIT */
/* The command from outside: exit statuses, refusals, signals, the directory of the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "commanding.h"
#include "forge.h"
#include "text.h"

#define ARGS(...) ((char *[]){(char *)SOCKLINT, __VA_ARGS__, NULL})

static void expect(struct command *x, char **argv, int status, const char *err)
{
	int got = command_run(x, argv);

	if (got != status || !strstr(x->err, err))
		fail_msg("status %d, not %d, or no \"%s\" in:\n%s%s", got, status, err, x->err,
			 x->out);
}

static void need_shim(void)
{
	if (access(SHIM, R_OK)) {
		print_message("skipped: there is no %s\n", SHIM);
		skip();
	}
}

/* How many entries there are in the user's directory below TMPDIR. */
static int count_kept(struct command *x)
{
	char *base = xstrfmt("%s/socklint-%u", x->home, (unsigned)geteuid());
	DIR *d = opendir(base);
	struct dirent *e;
	int nr = 0;

	while (d && (e = readdir(d)))
		nr += e->d_name[0] != '.';
	if (d)
		closedir(d);
	free(base);
	return nr;
}

/* ---- usage ------------------------------------------------------------------------------- */

static void wrong_usage_is_2(void **state)
{
	struct command *x = *state;

	expect(x, ARGS("frobnicate"), 2, "unknown command");
	expect(x, ARGS("run"), 2, "no program named");
	expect(x, ARGS("report"), 2, "no recording named");
	expect(x, ARGS("report", "-f", "sonnet", "/"), 2,
	       "unknown format \"sonnet\": there is text");
	expect(x,
	       ARGS("report", "-f", "text:/tmp/a", "-f", "json", "-f", "sarif:/tmp/../tmp/./a",
		    "/"),
	       2, "text and sarif both go to /tmp/../tmp/./a");
	expect(x, ARGS("report", "-f", "text", "-f", "json", "/"), 2,
	       "text and json both go to standard output");
	expect(x, ARGS("report", "--pprof-time=never", "/"), 2, "not one of recorded, now, none");
	expect(x, ARGS("report", "--fail-on=fish", "/"), 2, "neither a rule");
	expect(x, ARGS("report", "--error-exitcode=300", "/"), 2, "from 0 to 255");
	expect(x, ARGS("explain", "fish"), 2, "unknown rule");
}

static void explains_each_rule(void **state)
{
	struct command *x = *state;

	assert_int_equal(command_run(x, ARGS("explain")), 0);
	assert_non_null(strstr(x->out, "close-wait"));
	assert_non_null(strstr(x->out, "descriptor-leak"));
	assert_int_equal(command_run(x, ARGS("explain", "close-wait")), 0);
	assert_non_null(strstr(x->out, "eof-unread"));
	assert_int_equal(command_run(x, ARGS("--version")), 0);
	assert_memory_equal(x->out, "socklint ", 9);
}

/* ---- report ------------------------------------------------------------------------------ */

static char *write_leak(struct command *x)
{
	struct forge *f = forge_new(100);
	uint32_t site = forge_site(f, 0x1010);
	struct whole_life *l = forge_accepted(f, 5, site, 10);
	char *path;

	forge_facts(l, TCP_CLOSE_WAIT, 900);
	l->flags |= REC_LIFE_TOUCHER_ENDED;
	path = forge_write(f, x->dir, "100.0.socklint");
	forge_free(f);
	return path;
}

static void a_finding_makes_the_status(void **state)
{
	struct command *x = *state;
	char *path = write_leak(x);

	assert_int_equal(command_run(x, ARGS("report", path)), 1);
	assert_non_null(strstr(x->out, "error: close-wait (eof-unread): 1 socket opened in ???"));
	assert_int_equal(command_run(x, ARGS("report", "--error-exitcode=7", path)), 7);
	assert_int_equal(command_run(x, ARGS("report", "--fail-on=descriptor-leak", path)), 0);
	assert_int_equal(command_run(x, ARGS("report", "--fail-on=close-wait", path)), 1);
	assert_int_equal(command_run(x, ARGS("report", "--at-exit", path)), 1);
	assert_non_null(strstr(x->out, "1 socket leaked at 1 place"));
	free(path);
}

static void a_report_goes_to_a_file(void **state)
{
	struct command *x = *state;
	char *path = write_leak(x), *to = xstrfmt("%s/report.txt", x->dir);
	char *format = xstrfmt("text:%s", to), *text;

	assert_int_equal(command_run(x, ARGS("report", "-f", format, path)), 1);
	assert_string_equal(x->out, "");
	text = read_file(to);
	assert_non_null(strstr(text, "1 socket leaked"));
	free(text);
	free(format);
	free(to);
	free(path);
}

/* A rename over /dev/null would leave a plain file in its place: here a link stands for it. */
static void what_is_no_file_is_written_through(void **state)
{
	struct command *x = *state;
	char *path = write_leak(x), *link = xstrfmt("%s/link", x->dir);
	char *to = xstrfmt("%s/report.txt", x->dir), *format = xstrfmt("text:%s", link), *text;
	struct stat st;

	assert_int_equal(symlink(to, link), 0);
	assert_int_equal(command_run(x, ARGS("report", "-f", format, path)), 1);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	text = read_file(to);
	assert_non_null(strstr(text, "1 socket leaked"));
	free(text);
	free(format);
	free(to);
	free(link);
	free(path);
}

static void input_that_cannot_be_read_is_3(void **state)
{
	struct command *x = *state;
	char *bad = forge_write_bytes("not at all", 10, x->dir, "bad.socklint");

	expect(x, ARGS("report", "/nonexistent"), 3, "socklint: /nonexistent: No such file");
	expect(x, ARGS("report", bad), 3, "bad.socklint: not a socklint recording");
	expect(x, ARGS("report", x->home), 3, "no recordings in this directory");
	assert_string_equal(x->out, "");
	free(write_leak(x));
	expect(x, ARGS("report", x->dir), 1, "bad.socklint: not a socklint recording");
	free(bad);
}

static void at_exit_is_silent_without_findings(void **state)
{
	struct command *x = *state;
	struct forge *f = forge_new(100);
	char *path;

	forge_accepted(f, 5, forge_site(f, 0x1010), 10);
	path = forge_write(f, x->dir, "100.0.socklint");
	expect(x, ARGS("report", "--at-exit", path), 0, "");
	assert_string_equal(x->out, "");
	assert_string_equal(x->err, "");
	free(path);
	forge_free(f);
}

/* ---- refusals ---------------------------------------------------------------------------- */

static void what_is_not_there_is_127(void **state)
{
	struct command *x = *state;
	char *script = forge_write_bytes("#!/nonexistent/sh\n", 18, x->dir, "script");

	expect(x, ARGS("run", "--", "/nonexistent/program"), 127, "No such file");
	expect(x, ARGS("run", "--", "no-such-command-anywhere"), 127, "command not found");
	chmod(script, 0700);
	expect(x, ARGS("run", "--", script), 127, "its interpreter \"/nonexistent/sh\"");
	free(script);
}

static void what_is_not_executable_is_126(void **state)
{
	struct command *x = *state;
	char *file = forge_write_bytes("x", 1, x->dir, "file");

	expect(x, ARGS("run", "--", file), 126, "not executable");
	expect(x, ARGS("run", "--", x->dir), 126, "is a directory");
	free(file);
}

static void a_static_program_is_refused(void **state)
{
	struct command *x = *state;
	char *text = xstrfmt("#! %s exit\n", GUEST_STATIC);
	char *script = forge_write_bytes(text, strlen(text), x->dir, "script");

	expect(x, ARGS("run", "--", GUEST_STATIC), 125, "statically linked");
	chmod(script, 0700);
	expect(x, ARGS("run", "--", script), 125, "statically linked");
	free(text);
	free(script);
}

static void a_program_made_by_go_is_refused(void **state)
{
	expect(*state, ARGS("run", "--", GUEST_GO), 125, "made by Go");
}

static void a_setuid_program_is_refused(void **state)
{
	struct command *x = *state;
	char *program = forge_write_bytes("x", 1, x->dir, "program");

	bool made = !chown(program, 65534, (gid_t)-1) && !chmod(program, 04755);

	if (made)
		expect(x, ARGS("run", "--", program), 125, "is setuid");
	free(program);
	if (!made)
		skip();
}

static void a_directory_that_cannot_be_is_refused(void **state)
{
	struct command *x = *state;
	char *below, *colon;

	need_shim();
	below = xstrfmt("%s/no/such", x->dir);
	colon = xstrfmt("%s/a:b", x->dir);
	expect(x, ARGS("run", "--dir", below, "--", GUEST), 125, "No such file");
	expect(x, ARGS("run", "--dir", colon, "--", GUEST), 125, "with ':' in it");
	free(below);
	free(colon);
}

static void anothers_directory_is_not_trusted(void **state)
{
	struct command *x = *state;
	char *base;

	need_shim();
	base = xstrfmt("%s/socklint-%u", x->home, (unsigned)geteuid());
	assert_int_equal(symlink(x->dir, base), 0);
	expect(x, ARGS("run", "--", GUEST), 125, "not a directory of yours alone");
	unlink(base);
	assert_int_equal(mkdir(base, 0777), 0);
	assert_int_equal(chmod(base, 0777), 0);
	expect(x, ARGS("run", "--", GUEST), 125, "not a directory of yours alone");
	free(base);
}

/* ---- under the shim ---------------------------------------------------------------------- */

static void the_programs_status_passes(void **state)
{
	struct command *x = *state;

	need_shim();
	expect(x, ARGS("run", "--", GUEST, "exit", "0"), 0, "");
	assert_non_null(strstr(x->out, "socklint: no leaks: 0 sockets followed in 1 process\n"));
	expect(x, ARGS("run", "--", GUEST, "exit", "7"), 7, "");
	expect(x, ARGS("run", "--", GUEST, "kill", "9"), 128 + SIGKILL, "");
	expect(x, ARGS("run", "--", GUEST, "kill", "11"), 128 + SIGSEGV, "");
	assert_int_equal(count_kept(x), 0);
}

static void await_ready(struct command *x)
{
	struct timespec pause = {0, 20000000};
	char *text;
	bool ready = false;
	int i;

	for (i = 0; i < 2500 && !ready; i++) {
		nanosleep(&pause, NULL);
		text = read_file(x->out_path);
		ready = strstr(text, "ready");
		free(text);
	}
	assert_true(ready);
}

static void signals_are_passed_on(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct command *x = *state;
	size_t i;

	need_shim();
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = command_start(x, ARGS("run", "--", GUEST, "wait"));

		await_ready(x);
		assert_int_equal(kill(pid, signals[i]), 0);
		assert_int_equal(command_finish(x, pid), 128 + signals[i]);
		assert_non_null(strstr(x->out, "socklint: no leaks:"));
		unlink(x->out_path);
	}
}

static void the_environment_is_added_to(void **state)
{
	struct command *x = *state;
	char *dir, *options, *real;

	need_shim();
	dir = xstrfmt("%s/rec", x->dir);
	expect(x, ARGS("run", "-o", dir, "--", GUEST, "env"), 0, "socklint: the recording is in ");
	real = realpath(dir, NULL);
	options = xstrfmt("libsocklint.so\ndir=%s:report=none\n", real);
	assert_non_null(strstr(x->out, options));
	free(options);
	free(real);
	free(dir);
}

static void a_directory_with_a_run_in_it_is_refused(void **state)
{
	struct command *x = *state;
	char *dir, *summary;
	struct stat st;

	need_shim();
	dir = xstrfmt("%s/rec", x->dir);
	summary = xstrfmt("%s/summary", dir);
	expect(x, ARGS("run", "-o", dir, "--", GUEST), 0, "");
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(summary, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	expect(x, ARGS("report", dir), 0, "");
	assert_non_null(strstr(x->out, "no leaks"));
	expect(x, ARGS("run", "-o", dir, "--", GUEST), 125, "there are recordings already");
	free(summary);
	free(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, command_setup, command_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wrong_usage_is_2),
		TEST(explains_each_rule),
		TEST(a_finding_makes_the_status),
		TEST(a_report_goes_to_a_file),
		TEST(what_is_no_file_is_written_through),
		TEST(input_that_cannot_be_read_is_3),
		TEST(at_exit_is_silent_without_findings),
		TEST(what_is_not_there_is_127),
		TEST(what_is_not_executable_is_126),
		TEST(a_static_program_is_refused),
		TEST(a_program_made_by_go_is_refused),
		TEST(a_setuid_program_is_refused),
		TEST(a_directory_that_cannot_be_is_refused),
		TEST(anothers_directory_is_not_trusted),
		TEST(the_programs_status_passes),
		TEST(signals_are_passed_on),
		TEST(the_environment_is_added_to),
		TEST(a_directory_with_a_run_in_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
