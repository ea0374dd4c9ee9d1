/* SPDX-License-Identifier: MIT */
/*
 * Guests that resist: filters, sanitizers, other preloaded libraries, plugins that throw. Each does
 * what it does without the shim; the shim finds what it can, and says what it could not.
 */
#include "running.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SITE	"accept_client ("
#define FINDING "error: close-wait (eof-ignored): 3 sockets opened in " SITE
#define SIX	"error: close-wait (eof-ignored): 6 sockets opened in " SITE

static void assert_report(const char *dir, const char *line)
{
	struct run report = run_report(dir);

	assert_has_line(report.out, line);
	run_release(&report);
}

static void assert_same(const struct run *bare, const struct run *shimmed)
{
	assert_string_equal(bare->out, shimmed->out);
	assert_int_equal(bare->status, shimmed->status);
}

/* ---- system call filters ---- */

static void filtered(const char *how, const char *action, const char *when, const char *line)
{
	char *dir = scratch_make(), options[300];
	struct start start = {.argv = ARGV(GUEST, "filtered", how, action, when)};
	struct run bare = run_program(&start), shimmed;

	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	start.preload = SHIM;
	start.options = options;
	shimmed = run_program(&start);
	print_message("%s %s %s\n", how, action, when);
	assert_same(&bare, &shimmed);
	if (line) {
		assert_report(dir, line);
		assert_report(dir, "blind: 1 process put a seccomp filter up");
	}
	run_release(&bare);
	run_release(&shimmed);
	scratch_remove(dir);
}

static void filters_by_each_door(void **state)
{
	static const char *const doors[] = {"prctl", "syscall"};
	static const char *const actions[] = {"kill", "errno", "trap"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++) {
			filtered(doors[i], actions[k], "", SIX);
			filtered(doors[i], actions[k], "before", FINDING);
		}
		filtered(doors[i], "kill", "worker", SIX);
	}
}

static void filter_that_fails_after_another(void **state)
{
	(void)state;
	filtered("prctl", "kill", "again", NULL);
}

/* The other threads are at work in hooks while it comes over them. */
static void filter_for_all_threads(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		filtered("threads", "kill", "before", FINDING);
	filtered("threads", "trap", "", SIX);
}

/* Nobody sees it come; that it refuses what cannot fail gives it away. */
static void filter_that_no_hook_sees(void **state)
{
	(void)state;
	filtered("instruction", "errno", "", SIX);
	filtered("instruction", "errno", "worker", SIX);
	filtered("instruction", "errno", "before", NULL);
}

/* ---- built in other ways ---- */

/* Compiles tests/sanitized.c. Returns whether there is such a compiler and runtime. */
static bool build(const char *dir, const char *command)
{
	char script[900];
	struct run run;
	bool ok;

	snprintf(script, sizeof(script), "%s -o %s/server %s/sanitized.c", command, dir, SCRIPTS);
	run = run_program(&(struct start){.argv = ARGV("sh", "-c", script)});
	ok = run.status == 0;
	run_release(&run);
	return ok;
}

/* The sanitizer's last word: where its report is, and what of. */
static char *summary_of(const struct run *run)
{
	char *line = strstr(run->err, "SUMMARY: ");

	return line ? strndup(line, strcspn(line, "\n")) : strdup("no summary");
}

static struct run run_server(const char *dir, const char *place, const char *arg)
{
	char server[300], to[300];

	snprintf(server, sizeof(server), "%s/server", dir);
	snprintf(to, sizeof(to), "%s/%s", dir, place);
	return run_program(
		&(struct start){.argv = ARGV(COMMAND, "run", "--dir", to, "--", server, arg)});
}

static void sanitizer_reports_the_same(const char *dir, const char *error)
{
	char server[300], *mine, *theirs;
	struct run bare, run = run_server(dir, error, error);

	snprintf(server, sizeof(server), "%s/server", dir);
	bare = run_program(&(struct start){.argv = ARGV(server, error)});
	theirs = summary_of(&bare);
	mine = summary_of(&run);
	assert_string_equal(theirs, mine);
	assert_has_line(run.out, FINDING); /* also where the sanitizer ends it past every hook */
	assert_int_equal(WEXITSTATUS(bare.status) ? WEXITSTATUS(bare.status) : 23,
			 WEXITSTATUS(run.status));
	free(mine);
	free(theirs);
	run_release(&bare);
	run_release(&run);
}

static void sanitized(const char *command)
{
	char *dir = scratch_make();
	struct run run;

	if (!build(dir, command)) {
		scratch_remove(dir);
		skip(); /* no such compiler, or not its runtime */
	}
	run = run_server(dir, "run", NULL);
	assert_has_line(run.out, FINDING);
	assert_has_line(run.out, "served");
	assert_int_equal(WEXITSTATUS(run.status), 23);
	run_release(&run);
	sanitizer_reports_the_same(dir, "freed");
	sanitizer_reports_the_same(dir, "forgotten");
	scratch_remove(dir);
}

#define SANITIZED(test, command)                                                                   \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		sanitized(command);                                                                \
	}

SANITIZED(address_sanitizer_of_gcc, "gcc -g -O1 -fsanitize=address")
SANITIZED(address_sanitizer_within_the_program, "gcc -g -O1 -fsanitize=address -static-libasan")
SANITIZED(address_sanitizer_of_clang, "clang -g -O1 -fsanitize=address")
SANITIZED(thread_sanitizer_of_gcc, "gcc -g -O1 -fsanitize=thread")
SANITIZED(thread_sanitizer_of_clang, "clang -g -O1 -fsanitize=thread")

/* gcc's is a library that wants to be first: also where nobody but the loader starts it. */
static void address_sanitizer_under_a_bare_preload(void **state)
{
	char *dir = scratch_make(), server[300], options[300];
	struct run run;

	(void)state;
	if (!build(dir, "gcc -g -O1 -fsanitize=address")) {
		scratch_remove(dir);
		skip();
	}
	snprintf(server, sizeof(server), "%s/server", dir);
	snprintf(options, sizeof(options), "dir=%s/rec" PATIENTLY, dir);
	run = run_program(
		&(struct start){.argv = ARGV(server), .preload = SHIM, .options = options});
	assert_has_line(run.err, FINDING);
	assert_int_equal(run.status, 0);
	run_release(&run);
	scratch_remove(dir);
}

static void bound_at_the_start(void **state)
{
	char *dir = scratch_make();
	struct run run;

	(void)state;
	if (!build(dir, "cc -g -O1 -Wl,-z,now,-z,relro")) {
		scratch_remove(dir);
		skip();
	}
	run = run_server(dir, "run", NULL);
	assert_has_line(run.out, FINDING);
	run_release(&run);
	scratch_remove(dir);
}

static void static_but_movable_is_refused(void **state)
{
	char *dir = scratch_make();
	struct run run;

	(void)state;
	if (!build(dir, "cc -static-pie -fPIE")) {
		scratch_remove(dir);
		skip();
	}
	run = run_server(dir, "run", NULL);
	assert_int_equal(WEXITSTATUS(run.status), 125);
	assert_non_null(strstr(run.err, "statically linked"));
	run_release(&run);
	scratch_remove(dir);
}

/* ---- other preloaded libraries ---- */

/*
 * The guest with `preload`, and some more of the environment. It is env that sets all of it: what
 * is preloaded into a program that calls exec cannot tidy up (libfaketime's shared memory).
 */
static struct run run_with(const char *preload, const char *variable, const char *dir,
			   const char *name)
{
	char options[300], wrapped[300], library[700];

	snprintf(library, sizeof(library), "LD_PRELOAD=%s", preload);
	snprintf(options, sizeof(options), "SOCKLINT_OPTIONS=dir=%s/rec:report=none", dir);
	snprintf(wrapped, sizeof(wrapped), "SOCKET_WRAPPER_DIR=%s", dir);
	return run_program(&(struct start){.argv = ARGV("env", library, options, wrapped,
							"SOCKET_WRAPPER_DEFAULT_IFACE=1",
							variable ? variable : "X=", GUEST, name)});
}

static void same_with(const char *library, const char *preload, const char *variable,
		      const char *name, bool found)
{
	char *bare_dir = scratch_make(), *dir = scratch_make(), rec[300];
	struct run bare = run_with(library, variable, bare_dir, name);
	struct run shimmed = run_with(preload, variable, dir, name);

	print_message("%s %s\n", preload, name);
	assert_same(&bare, &shimmed);
	snprintf(rec, sizeof(rec), "%s/rec", dir);
	if (found)
		assert_report(rec, FINDING);
	run_release(&bare);
	run_release(&shimmed);
	scratch_remove(bare_dir);
	scratch_remove(dir);
}

static bool loads(const char *library)
{
	struct run run = run_program(&(struct start){.argv = ARGV("true"), .preload = library});
	bool ok = !strstr(run.err, "cannot be preloaded");

	run_release(&run);
	return ok;
}

/* Before us and after us. `passes`: what is called in it comes on to us where it is first. */
static void beside(const char *library, const char *variable, bool passes, const char *leaky)
{
	const char *const guests[] = {leaky, "signals", "errno", "accept_address"};
	char before[600], after[600];

	if (!loads(library))
		skip(); /* not installed */
	snprintf(before, sizeof(before), "%s:%s", library, SHIM);
	snprintf(after, sizeof(after), "%s:%s", SHIM, library);
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		same_with(library, before, variable, guests[i], i == 0 && passes);
		same_with(library, after, variable, guests[i], i == 0);
	}
}

static void beside_eatmydata(void **state)
{
	(void)state;
	beside("libeatmydata.so", NULL, true, "leak");
}

/*
 * It answers in the C library's stead: where it is first nothing comes to us. Its destructor closes
 * what is open, so the guest leaves past it.
 */
static void beside_socket_wrapper(void **state)
{
	(void)state;
	beside("libsocket_wrapper.so", NULL, false, "leak_and_leave");
}

#define FAKETIME "/usr/$LIB/faketime/libfaketime.so.1"

/* Its clock starts itself at the first question: a descriptor that must not come sooner for us. */
static void beside_faketime(void **state)
{
	(void)state;
	beside(FAKETIME, "FAKETIME=-30d", true, "leak");
}

/* The shim comes first under "socklint run", and so sees what socket_wrapper would hide. */
static void first_under_run(void **state)
{
	char *dir = scratch_make(), wrapped[300], place[300];
	struct run run;

	(void)state;
	if (!loads("libsocket_wrapper.so")) {
		scratch_remove(dir);
		skip();
	}
	snprintf(wrapped, sizeof(wrapped), "SOCKET_WRAPPER_DIR=%s", dir);
	snprintf(place, sizeof(place), "%s/run", dir);
	run = run_program(
		&(struct start){.argv = ARGV("env", wrapped, "SOCKET_WRAPPER_DEFAULT_IFACE=1",
					     "LD_PRELOAD=libsocket_wrapper.so", COMMAND, "run",
					     "--dir", place, "--", GUEST, "leak_and_leave")});
	assert_has_line(run.out, FINDING);
	run_release(&run);
	scratch_remove(dir);
}

static void loaders_variables(void **state)
{
	char twice[600], *dir = scratch_make(), debug[300];

	(void)state;
	snprintf(twice, sizeof(twice), "%s:%s", SHIM, SHIM);
	snprintf(debug, sizeof(debug), "LD_DEBUG_OUTPUT=%s/debug", dir);
	same_with(NULL, SHIM, "LD_BIND_NOW=1", "leak", true);
	same_with(NULL, twice, NULL, "leak", true);
	setenv("LD_DEBUG", "bindings", 1);
	same_with(NULL, SHIM, debug, "leak", true);
	unsetenv("LD_DEBUG");
	scratch_remove(dir);
}

/* Two of us, of two paths: the same sockets, and neither is a place where they are opened. */
static void loaded_from_two_paths(void **state)
{
	char *dir = scratch_make(), both[900], script[900];
	struct run run;

	(void)state;
	snprintf(both, sizeof(both), "%s:%s/libsocklint.so", SHIM, dir);
	snprintf(script, sizeof(script), "cp %s %s/", SHIM, dir);
	run = run_program(&(struct start){.argv = ARGV("sh", "-c", script)});
	assert_int_equal(run.status, 0);
	run_release(&run);
	same_with(NULL, both, NULL, "leak", true);
	scratch_remove(dir);
}

/* ---- plugins ---- */

static void plugin(const char *link)
{
	char *dir = scratch_make(), script[900], path[300];
	struct run run, bare;

	snprintf(path, sizeof(path), "%s/plugin.so", dir);
	snprintf(script, sizeof(script), "c++ -g -O1 -shared -fPIC -o %s %s/plugin_throws.cc %s",
		 path, SCRIPTS, link);
	run = run_program(&(struct start){.argv = ARGV("sh", "-c", script)});
	if (run.status != 0) {
		run_release(&run);
		scratch_remove(dir);
		skip(); /* no C++ compiler */
	}
	run_release(&run);
	bare = run_program(&(struct start){.argv = ARGV(GUEST, "plugin", path)});
	run = run_guest(dir, "plugin", path);
	assert_same(&bare, &run);
	assert_has_line(run.out, "caught: 101");
	assert_report(dir, FINDING);
	run_release(&bare);
	run_release(&run);
	scratch_remove(dir);
}

static void plugin_that_throws(void **state)
{
	(void)state;
	plugin("");
}

static void plugin_with_its_own_libgcc(void **state)
{
	(void)state;
	plugin("-static-libgcc");
}

/* Its own unwinder then; what that makes of a cancellation is between the two of them. */
static void plugin_linked_to_libunwind(void **state)
{
	(void)state;
	plugin("-Wl,--no-as-needed -lunwind");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_by_each_door),
		cmocka_unit_test(filter_that_fails_after_another),
		cmocka_unit_test(filter_for_all_threads),
		cmocka_unit_test(filter_that_no_hook_sees),
		cmocka_unit_test(address_sanitizer_of_gcc),
		cmocka_unit_test(address_sanitizer_within_the_program),
		cmocka_unit_test(address_sanitizer_of_clang),
		cmocka_unit_test(thread_sanitizer_of_gcc),
		cmocka_unit_test(thread_sanitizer_of_clang),
		cmocka_unit_test(address_sanitizer_under_a_bare_preload),
		cmocka_unit_test(bound_at_the_start),
		cmocka_unit_test(static_but_movable_is_refused),
		cmocka_unit_test(beside_eatmydata),
		cmocka_unit_test(beside_socket_wrapper),
		cmocka_unit_test(beside_faketime),
		cmocka_unit_test(first_under_run),
		cmocka_unit_test(loaders_variables),
		cmocka_unit_test(loaded_from_two_paths),
		cmocka_unit_test(plugin_that_throws),
		cmocka_unit_test(plugin_with_its_own_libgcc),
		cmocka_unit_test(plugin_linked_to_libunwind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
