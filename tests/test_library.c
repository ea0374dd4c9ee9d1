/* SPDX-License-Identifier: MIT */
/*
 * The built library, or the one that is named: it exports the functions of hooks.def and nothing
 * else, needs the C library alone and nothing newer than it must, and imports only what cannot hurt
 * a guest.
 */
#include "running.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const hooks[] = {
#define HOOK(name) #name,
#include "hooks.def"
#undef HOOK
};

static const char *library = SHIM;

/* Asked for by name: no function of the C library's, and so no hook. */
static const char *const asked_for[] = {
	"__asan_default_options",
	"socklint_checkpoint_v1",
	"socklint_keep_v1",
	"socklint_leaks_v1",
};

#define NR_ASKED_FOR (sizeof(asked_for) / sizeof(asked_for[0]))
#define NR_HOOKS     (sizeof(hooks) / sizeof(hooks[0]))

/* No malloc, no stdio, no lock, no thread, no exit. */
static const char *const allowed[] = {
	"bcmp",
	"__cxa_atexit",
	"__cxa_finalize",
	"dl_iterate_phdr",
	"dladdr",
	"dlsym",
	"__environ",
	"environ",
	"__errno_location",
	"fileno",
	"getauxval",
	"getenv",
	"__gmon_start__",
	"_ITM_deregisterTMCloneTable",
	"_ITM_registerTMCloneTable",
	"memchr",
	"memcmp",
	"memcpy",
	"memmove",
	"memset",
	"strchr",
	"strcmp",
	"strcspn",
	"strlen",
	"strncmp",
	"strrchr",
	"strstr",
	"__tls_get_addr",
};

static bool is_in(const char *name, const char *const *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}

/* Calls `check` for each symbol that nm prints; returns their number. */
static int each_symbol(const char *which, void (*check)(char *name))
{
	struct run run = run_program(
		&(struct start){.argv = ARGV("nm", "-D", "--format=posix", which, library)});
	int n = 0;

	assert_int_equal(run.status, 0);
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n")) {
		line[strcspn(line, " ")] = '\0';
		check(line);
		n++;
	}
	run_release(&run);
	return n;
}

static void check_export(char *name)
{
	if (!is_in(name, hooks, NR_HOOKS) && !is_in(name, asked_for, NR_ASKED_FOR))
		fail_msg("%s is exported but has no row in hooks.def", name);
}

static void exports_are_the_hooks(void **state)
{
	(void)state;
	assert_int_equal(each_symbol("--defined-only", check_export), NR_HOOKS + NR_ASKED_FOR);
}

static void check_import(char *name)
{
	char *version = strchr(name, '@');
	int minor = 0;

	if (version)
		*version++ = '\0';
	if (!is_in(name, allowed, sizeof(allowed) / sizeof(allowed[0])))
		fail_msg("the shim imports %s", name);
	if (version && sscanf(version, "%*[@]GLIBC_2.%d", &minor) == 1 && minor > 17)
		fail_msg("%s needs %s: the shim would stop programs where glibc is older", name,
			 version);
}

static void imports_are_harmless_and_old(void **state)
{
	(void)state;
	assert_true(each_symbol("--undefined-only", check_import) > 5);
}

static void needs_the_c_library_alone(void **state)
{
	struct run run = run_program(&(struct start){.argv = ARGV("readelf", "-dW", library)});
	const char *needed = strstr(run.out, "(NEEDED)");

	(void)state;
	assert_non_null(needed);
	assert_non_null(strstr(needed, "[libc.so.6]"));
	assert_null(strstr(needed + 1, "(NEEDED)"));
	run_release(&run);
}

/* Each hooked call that fortified programs make under another name has that name hooked too. */
static void fortified_twins_are_hooked(void **state)
{
	static const char *const chk[] = {"read", "recv", "recvfrom", "poll", "ppoll"};
	char name[40];

	(void)state;
	for (size_t i = 0; i < sizeof(chk) / sizeof(chk[0]); i++) {
		assert_true(is_in(chk[i], hooks, NR_HOOKS));
		snprintf(name, sizeof(name), "__%s_chk", chk[i]);
		assert_true(is_in(name, hooks, NR_HOOKS));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports_are_the_hooks),
		cmocka_unit_test(imports_are_harmless_and_old),
		cmocka_unit_test(needs_the_c_library_alone),
		cmocka_unit_test(fortified_twins_are_hooked),
	};

	if (argc > 1)
		library = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
