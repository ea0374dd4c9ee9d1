/* SPDX-License-Identifier: MIT */
/* Addresses of this very program are resolved from a forged recording that cites it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <link.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge.h"
#include "symbolizer.h"

struct fixture {
	char *dir;
	struct forge *forge;
	struct rec_module *module;
	struct collection c;
	struct history h;
	struct symbolizer *sy;
};

static uint64_t own_bias;

static int take_bias(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	own_bias = info->dlpi_addr;
	return 1;
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	char path[REC_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	extern char etext;

	assert_true(n > 0);
	path[n] = '\0';
	dl_iterate_phdr(take_bias, NULL);
	x->dir = forge_directory();
	x->forge = forge_new(100);
	x->module = forge_module(x->forge, path, own_bias, (uint64_t)(uintptr_t)&etext);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	symbolizer_free(x->sy);
	history_release(&x->h);
	collection_release(&x->c);
	forge_remove(x->dir);
	forge_free(x->forge);
	free(x);
	return 0;
}

static const struct stack *resolve(struct fixture *x, uint32_t site)
{
	free(forge_write(x->forge, x->dir, "100.0.socklint"));
	collection_add(&x->c, x->dir);
	history_read(&x->h, &x->c);
	x->sy = symbolizer_new();
	return symbolizer_site(x->sy, &x->h.processes[0], site);
}

/* What a hook called from here would record. */
static __attribute__((noinline)) uint64_t return_address(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

static volatile uint64_t kept;
static int line_of_call, line_of_inlined;

static inline __attribute__((always_inline)) void inlined_function(void)
{
	line_of_inlined = __LINE__ + 1;
	kept = return_address();
}

static __attribute__((noinline)) void plain_function(void)
{
	line_of_call = __LINE__ + 1;
	kept = return_address();
	kept++;
	kept--;
}

static __attribute__((noinline)) void outer_function(void)
{
	line_of_call = __LINE__ + 1;
	inlined_function();
	kept++;
	kept--;
}

static void names_function_and_line(void **state)
{
	struct fixture *x = *state;
	const struct stack *st;

	plain_function();
	st = resolve(x, forge_site(x->forge, kept));
	assert_int_equal(st->nr, 1);
	assert_string_equal(st->frames[0].function, "plain_function");
	assert_string_equal(text_basename(st->frames[0].file), "test_symbolizer.c");
	assert_int_equal(st->frames[0].line, line_of_call);
	assert_false(st->frames[0].inlined);
	assert_null(symbolizer_complaint(x->sy, 0));
}

static void shows_inlined_frames(void **state)
{
	struct fixture *x = *state;
	const struct stack *st;

	outer_function();
	st = resolve(x, forge_site(x->forge, kept));
	assert_int_equal(st->nr, 2);
	assert_string_equal(st->frames[0].function, "inlined_function");
	assert_int_equal(st->frames[0].line, line_of_inlined);
	assert_true(st->frames[0].inlined);
	assert_string_equal(st->frames[1].function, "outer_function");
	assert_int_equal(st->frames[1].line, line_of_call);
	assert_false(st->frames[1].inlined);
	assert_ptr_equal(stack_own_frame(st), &st->frames[0]);
}

static void does_not_believe_another_build(void **state)
{
	struct fixture *x = *state;
	const struct stack *st;

	plain_function();
	x->module->build_id_len = 20;
	memset(x->module->build_id, 0xab, 20);
	st = resolve(x, forge_site(x->forge, kept));
	assert_int_equal(st->nr, 1);
	assert_null(st->frames[0].function);
	assert_null(st->frames[0].file);
	assert_int_equal(st->frames[0].offset, kept - own_bias);
	assert_string_equal(st->frames[0].module, text_basename(x->module->path));
	assert_non_null(strstr(symbolizer_complaint(x->sy, 0), "has changed since"));
	assert_null(symbolizer_complaint(x->sy, 1));
}

static void says_that_a_file_is_gone(void **state)
{
	struct fixture *x = *state;

	plain_function();
	strcpy(x->module->path, "/nonexistent/server");
	resolve(x, forge_site(x->forge, kept));
	assert_string_equal(symbolizer_complaint(x->sy, 0),
			    "/nonexistent/server: No such file or directory");
}

static void drops_the_frames_of_the_shim(void **state)
{
	struct fixture *x = *state;
	const struct stack *st;

	plain_function();
	x->module->is_shim = 1;
	st = resolve(x, forge_site(x->forge, kept));
	assert_int_equal(st->nr, 0);
	assert_null(stack_own_frame(st));
}

static void reads_a_place_wherever_its_module_went(void **state)
{
	struct fixture *x = *state;
	const struct stack *st;

	plain_function();
	x->module->mapped = REC_MODULE_GONE;
	x->module->lo += 0x5000;
	st = resolve(x, forge_site(x->forge, rec_place(1, kept - own_bias)));
	assert_int_equal(st->nr, 1);
	assert_string_equal(st->frames[0].function, "plain_function");
	assert_int_equal(st->frames[0].line, line_of_call);
}

static void names_no_module_that_is_not_there(void **state)
{
	struct fixture *x = *state;
	const struct stack *st;

	plain_function();
	x->module->mapped = REC_MODULE_GONE;
	st = resolve(x, forge_site(x->forge, kept));
	assert_int_equal(st->nr, 1);
	assert_null(st->frames[0].module);
	assert_int_equal(st->frames[0].offset, kept);
	st = symbolizer_pc(x->sy, &x->h.processes[0], 1, rec_place(9, kept - own_bias));
	assert_int_equal(st->nr, 1);
	assert_null(st->frames[0].module);
}

static void a_site_without_a_stack_is_empty(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(resolve(x, 0)->nr, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_function_and_line),
		TEST(shows_inlined_frames),
		TEST(does_not_believe_another_build),
		TEST(says_that_a_file_is_gone),
		TEST(drops_the_frames_of_the_shim),
		TEST(reads_a_place_wherever_its_module_went),
		TEST(names_no_module_that_is_not_there),
		TEST(a_site_without_a_stack_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
