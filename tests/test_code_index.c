/* SPDX-License-Identifier: MIT */
/* What the index finds is what libdw finds on its long walk: at addresses all over real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <link.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_module.h"

static struct rec_module rec;

static struct elf_module open_file(const char *path)
{
	struct elf_module m;

	memset(&rec, 0, sizeof(rec));
	assert_true(strlen(path) < sizeof(rec.path));
	strcpy(rec.path, path);
	elf_module_open(&m, &rec);
	assert_non_null(m.mod);
	return m;
}

static struct elf_module open_own(void)
{
	char path[REC_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = '\0';
	return open_file(path);
}

/* Of code: beyond the last section nothing lies that could call. */
static size_t compare_symbols(struct elf_module *m, uint64_t to, uint64_t step)
{
	size_t named = 0;

	for (uint64_t addr = 1; addr < to; addr += step) {
		const char *name = code_index_symbol(m->index, addr);
		const char *long_way = dwfl_module_addrname(m->mod, addr);

		if (!name != !long_way || (name && strcmp(name, long_way) != 0))
			fail_msg("%#lx: %s, not %s", (unsigned long)addr, name, long_way);
		named += name != NULL;
	}
	return named;
}

static void symbols_of_this_program(void **state)
{
	struct elf_module m = open_own();
	extern char etext, __executable_start;
	uint64_t size = (uint64_t)(&etext - &__executable_start);

	(void)state;
	assert_true(compare_symbols(&m, size, 7) > 100);
	elf_module_close(&m);
}

static void symbols_of_the_c_library(void **state)
{
	struct elf_module m;
	Dl_info info;

	(void)state;
	assert_true(dladdr((void *)(uintptr_t)strtol, &info) != 0);
	m = open_file(info.dli_fname);
	assert_true(compare_symbols(&m, 0x200000, 1511) > 100);
	elf_module_close(&m);
}

static bool is_one_of(int tag, const int *tags)
{
	while (*tags && *tags != tag)
		tags++;
	return *tags;
}

/* The walk that the index stands for. */
static bool first_function(Dwarf_Die *parent, uint64_t addr, Dwarf_Die *found)
{
	static const int containers[] = {DW_TAG_namespace,
					 DW_TAG_module,
					 DW_TAG_class_type,
					 DW_TAG_structure_type,
					 DW_TAG_enumeration_type,
					 DW_TAG_union_type,
					 0};
	static const int code[] = {DW_TAG_subprogram, DW_TAG_inlined_subroutine,
				   DW_TAG_lexical_block, 0};
	Dwarf_Die die;

	if (dwarf_child(parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);

		if (is_one_of(tag, containers) && first_function(&die, addr, found))
			return true;
		if (is_one_of(tag, code) && dwarf_haspc(&die, addr) > 0) {
			*found = die;
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static void functions_of_this_program(void **state)
{
	struct elf_module m = open_own();
	Dwarf_Die *cu = NULL;
	Dwarf_Addr bias;
	size_t nr = 0;

	(void)state;
	while ((cu = dwfl_module_nextcu(m.mod, cu, &bias)))
		for (uint64_t addr = 0x1000; addr < 0x20000; addr += 7) {
			Dwarf_Die found, long_way;
			bool known = code_index_function(m.index, cu, addr, &found);

			assert_int_equal(known, first_function(cu, addr, &long_way));
			if (known)
				assert_int_equal(dwarf_dieoffset(&found),
						 dwarf_dieoffset(&long_way));
			nr += known;
		}
	assert_true(nr > 100);
	elf_module_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_of_this_program),
		cmocka_unit_test(symbols_of_the_c_library),
		cmocka_unit_test(functions_of_this_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
