/* SPDX-License-Identifier: MIT */
/*
 * What DWARF and the symbol table say of one address. The line table knows the innermost place;
 * each inlined call that surrounds it knows the line that it was called from.
 */
#include "inlines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdlib.h>

#include "alloc.h"

#define DEEPEST 200 /* of nested entries: a damaged file must not take the stack away */

struct place {
	const char *file;
	int line;
};

/*
 * libdw looks an address up in .debug_aranges, which clang and rustc do not write: then the
 * compilation units themselves are asked. Where only the libraries linked in have them, it answers
 * with the nearest unit below.
 */
static Dwarf_Die *find_cu(Dwfl_Module *mod, uint64_t addr, Dwarf_Addr *bias)
{
	Dwarf_Die *cu = dwfl_module_addrdie(mod, addr, bias);

	if (cu && dwarf_haspc(cu, addr - *bias) > 0)
		return cu;
	cu = NULL;
	while ((cu = dwfl_module_nextcu(mod, cu, bias)))
		if (dwarf_haspc(cu, addr - *bias) > 0)
			return cu;
	return NULL;
}

/* addr is in the terms of the debug information. */
static struct place place_of_line(Dwarf_Die *cu, uint64_t addr)
{
	Dwarf_Line *line = dwarf_getsrc_die(cu, addr);
	struct place at = {NULL, 0};

	if (line) {
		at.file = dwarf_linesrc(line, NULL, NULL);
		dwarf_lineno(line, &at.line);
	}
	return at;
}

static int call_attribute(Dwarf_Die *die, unsigned int name, Dwarf_Word *value)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, value);
}

/* Where the inlined function was called from. */
static struct place place_of_call(Dwarf_Die *cu, Dwarf_Die *die)
{
	struct place at = {NULL, 0};
	Dwarf_Files *files;
	Dwarf_Word file, line;
	size_t nr;

	if (call_attribute(die, DW_AT_call_line, &line))
		at.line = (int)line;
	if (call_attribute(die, DW_AT_call_file, &file) && !dwarf_getsrcfiles(cu, &files, &nr) &&
	    file < nr)
		at.file = dwarf_filesrc(files, file, NULL, NULL);
	return at;
}

/* The linkage name knows namespace and class; C has none. */
static const char *name_of(Dwarf_Die *die)
{
	static const unsigned int names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
					     DW_AT_name};
	const char *name = NULL;
	Dwarf_Attribute attr;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && !name; i++)
		name = dwarf_formstring(dwarf_attr_integrate(die, names[i], &attr));
	return name;
}

static int walk_scopes(Dwarf_Die *cu, Dwarf_Die *scopes, int nr, struct place at, frame_fn *fn,
		       void *data)
{
	int i, calls = 0;

	for (i = 0; i < nr; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag == DW_TAG_subprogram) {
			fn(data, name_of(&scopes[i]), at.file, at.line, 0);
			return calls + 1;
		}
		if (tag == DW_TAG_inlined_subroutine) {
			fn(data, name_of(&scopes[i]), at.file, at.line, 1);
			at = place_of_call(cu, &scopes[i]);
			calls++;
		}
	}
	return calls;
}

static bool is_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_lexical_block;
}

/*
 * The innermost entry around the address. (dwarf_getscopes() looks into no namespace, and leaves
 * the caller's scopes at an inlined function for those of its abstract origin.)
 */
static bool find_innermost(Dwarf_Die *parent, uint64_t addr, int levels, Dwarf_Die *found)
{
	Dwarf_Die die;

	if (!levels || dwarf_child(parent, &die))
		return false;
	do {
		if (!is_code(dwarf_tag(&die)) || dwarf_haspc(&die, addr) <= 0)
			continue;
		if (!find_innermost(&die, addr, levels - 1, found))
			*found = die;
		return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static int frames_of_dwarf(const struct elf_module *m, uint64_t addr, frame_fn *fn, void *data)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = find_cu(m->mod, addr, &bias);
	Dwarf_Die function, inner, *scopes = NULL;
	int nr, calls = 0;

	if (!cu || !code_index_function(m->index, cu, addr - bias, &function))
		return 0;
	if (!find_innermost(&function, addr - bias, DEEPEST, &inner))
		inner = function;
	nr = dwarf_getscopes_die(&inner, &scopes);
	if (nr > 0)
		calls = walk_scopes(cu, scopes, nr, place_of_line(cu, addr - bias), fn, data);
	free(scopes);
	return calls;
}

int for_each_frame_at(const struct elf_module *m, uint64_t addr, frame_fn *fn, void *data)
{
	int calls = frames_of_dwarf(m, addr, fn, data);
	const char *name;

	if (calls)
		return calls;
	name = code_index_symbol(m->index, addr);
	if (!name)
		return 0;
	fn(data, name, NULL, 0, 0);
	return 1;
}
