/* SPDX-License-Identifier: MIT */
/* --path-map and --source-root: a compiler's path becomes one of the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "paths.h"

static void assert_becomes(const struct paths *p, const char *file, const char *wanted)
{
	char *got = paths_translate(p, file);

	assert_string_equal(got, wanted);
	free(got);
}

static void path_is_tidied(void **state)
{
	static const char *const cases[][2] = {
		{"/src/a.c", "/src/a.c"},
		{"/src//x/./a.c", "/src/x/a.c"},
		{"/src/b/../a.c", "/src/a.c"},
		{"/src/b/c/../../a.c", "/src/a.c"},
		{"/../../a.c", "/a.c"},
		{"./a.c", "a.c"},
		{"b/../a.c", "a.c"},
		{"../a.c", "../a.c"},
		{"../../b/../a.c", "../../a.c"},
		{"..a/b.c", "..a/b.c"},
		{"x/..a/../b.c", "x/b.c"},
		{"", ""},
		{"/", "/"},
	};
	struct paths p = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_becomes(&p, cases[i][0], cases[i][1]);
}

static void first_map_that_fits_counts(void **state)
{
	struct paths p = {0};

	(void)state;
	assert_int_equal(paths_add_map(&p, "/build/lib/=/srv/lib"), 0);
	assert_int_equal(paths_add_map(&p, "/build=/srv/all"), 0);
	assert_int_equal(paths_add_map(&p, ".=/here"), 0);
	assert_int_equal(paths_add_map(&p, "/gone="), 0);
	assert_becomes(&p, "/build/lib/a.c", "/srv/lib/a.c");
	assert_becomes(&p, "/build/x/../lib/a.c", "/srv/lib/a.c");
	assert_becomes(&p, "/build/library/a.c", "/srv/all/library/a.c");
	assert_becomes(&p, "/builder/a.c", "/builder/a.c");
	assert_becomes(&p, "/gone/a.c", "a.c");
	assert_becomes(&p, "./a.c", "/here/a.c");
	paths_release(&p);
}

static void a_map_has_two_sides(void **state)
{
	struct paths p = {0};

	(void)state;
	assert_int_equal(paths_add_map(&p, "/build"), -1);
	assert_int_equal(paths_add_map(&p, "=/src"), -1);
	assert_int_equal(p.nr, 0);
	paths_release(&p);
}

static void below_the_root_it_is_relative(void **state)
{
	struct paths p = {0};

	(void)state;
	assert_int_equal(paths_add_map(&p, "/ci/build=/home/me/project"), 0);
	paths_set_root(&p, "/home/me/other");
	paths_set_root(&p, "/home/me/project/");
	assert_becomes(&p, "/home/me/project/src/a.c", "src/a.c");
	assert_becomes(&p, "/ci/build/src/a.c", "src/a.c");
	assert_becomes(&p, "/home/me/project2/a.c", "/home/me/project2/a.c");
	assert_becomes(&p, "/usr/include/a.h", "/usr/include/a.h");
	assert_becomes(&p, "src/a.c", "src/a.c");
	paths_release(&p);
}

static void root_may_be_relative_or_a_link(void **state)
{
	char dir[] = "/tmp/test-paths-XXXXXX", here[4096], file[4200], link[100];
	struct paths p = {0};

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	paths_set_root(&p, ".");
	strcpy(file, here);
	assert_becomes(&p, strcat(file, "/src/a.c"), "src/a.c");
	assert_non_null(mkdtemp(dir));
	strcat(strcpy(link, dir), "/link");
	assert_int_equal(symlink(here, link), 0);
	paths_set_root(&p, link);
	assert_becomes(&p, file, "src/a.c");
	strcpy(file, link);
	assert_becomes(&p, strcat(file, "/src/a.c"), "src/a.c");
	unlink(link);
	rmdir(dir);
	paths_release(&p);
}

/* A compiler that was told no directory leaves paths that may belong to anything. */
static void what_is_relative_must_be_there(void **state)
{
	char dir[] = "/tmp/test-paths-XXXXXX", there[100];
	struct report_frame frames[] = {{.file = strdup("net/there.c"), .line = 7},
					{.file = strdup("net/gone.c"), .line = 7},
					{.file = strdup("/ci/x.c"), .line = 7}};
	struct report_stack st = {.frames = frames, .nr = 3};
	struct report_finding f = {.stacks = &st, .nr_stacks = 1};
	struct report r = {.findings = &f, .nr_findings = 1};
	struct paths p = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mkdir(strcat(strcpy(there, dir), "/net"), 0700), 0);
	fclose(fopen(strcat(there, "/there.c"), "we"));
	paths_set_root(&p, dir);
	assert_int_equal(paths_add_map(&p, "/ci=elsewhere"), 0);
	paths_apply(&p, &r);
	assert_string_equal(report_source(&frames[0]), "net/there.c");
	assert_null(report_source(&frames[1]));
	assert_string_equal(frames[1].file, "net/gone.c");
	assert_string_equal(report_source(&frames[2]), "elsewhere/x.c");
	unlink(there);
	*strrchr(there, '/') = '\0';
	rmdir(there);
	rmdir(dir);
	for (size_t i = 0; i < 3; i++)
		free(frames[i].file);
	paths_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_tidied),
		cmocka_unit_test(first_map_that_fits_counts),
		cmocka_unit_test(a_map_has_two_sides),
		cmocka_unit_test(below_the_root_it_is_relative),
		cmocka_unit_test(root_may_be_relative_or_a_link),
		cmocka_unit_test(what_is_relative_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
