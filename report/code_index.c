/* SPDX-License-Identifier: MIT */
#include "code_index.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <search.h>
#include <stdlib.h>

#include "alloc.h"

#define FEW	32  /* symbols, for which an index is not worth its memory */
#define DEEPEST 200 /* of nested entries: a damaged file must not take the stack away */

/* From here to the next one all addresses have the same symbol. */
struct stretch {
	uint64_t from;
	const char *name;
	bool asked;
};

struct range {
	Dwarf_Addr lo, hi;
	Dwarf_Addr highest; /* hi of this one and of all before it */
	size_t order;	    /* in the unit */
	Dwarf_Die die;
};

struct unit {
	const void *addr; /* of its entry: what libdw knows it by */
	struct range *ranges;
	size_t nr, alloc;
};

struct code_index {
	Dwfl_Module *mod;
	size_t nr_asked;
	struct stretch *stretches;
	size_t nr, alloc;
	void *units; /* tsearch() tree of struct unit */
};

struct code_index *code_index_new(Dwfl_Module *mod)
{
	struct code_index *x = xcalloc(1, sizeof(*x));

	x->mod = mod;
	return x;
}

static void free_unit(void *node)
{
	struct unit *u = node;

	free(u->ranges);
	free(u);
}

void code_index_free(struct code_index *x)
{
	if (!x)
		return;
	tdestroy(x->units, free_unit);
	free(x->stretches);
	free(x);
}

/* ---- symbols ------------------------------------------------------------------------------ */

static void add_border(struct code_index *x, uint64_t at)
{
	ALLOC_GROW(x->stretches, x->nr + 1, x->alloc);
	x->stretches[x->nr++] = (struct stretch){at, NULL, false};
}

static int cmp_stretches(const void *a, const void *b)
{
	const struct stretch *s = a, *t = b;

	return s->from < t->from ? -1 : s->from > t->from;
}

/* A symbol without a size reaches as far as its section. */
static void add_sections(struct code_index *x)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(x->mod, &bias);
	Elf_Scn *scn = NULL;
	GElf_Shdr mem;

	while (elf && (scn = elf_nextscn(elf, scn))) {
		const GElf_Shdr *sh = gelf_getshdr(scn, &mem);

		if (!sh || !(sh->sh_flags & SHF_ALLOC))
			continue;
		add_border(x, sh->sh_addr + bias);
		add_border(x, sh->sh_addr + bias + sh->sh_size);
	}
}

/* What libdw says of an address can change only where a symbol or a section begins or ends. */
static void find_stretches(struct code_index *x)
{
	int nr = dwfl_module_getsymtab(x->mod), i;
	size_t kept = 0, k;

	add_border(x, 0);
	for (i = 0; i < nr; i++) {
		GElf_Sym sym;
		GElf_Addr value;

		if (!dwfl_module_getsym_info(x->mod, i, &sym, &value, NULL, NULL, NULL))
			continue;
		add_border(x, value);
		add_border(x, value + sym.st_size);
	}
	add_sections(x);
	sort_array(x->stretches, x->nr, sizeof(*x->stretches), cmp_stretches);
	for (k = 1; k < x->nr; k++)
		if (x->stretches[k].from != x->stretches[kept].from)
			x->stretches[++kept] = x->stretches[k];
	x->nr = kept + 1;
}

static struct stretch *stretch_at(struct code_index *x, uint64_t addr)
{
	size_t lo = 0, hi = x->nr;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->stretches[mid].from <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return &x->stretches[lo];
}

const char *code_index_symbol(struct code_index *x, uint64_t addr)
{
	struct stretch *s;

	if (x->nr_asked++ < FEW)
		return dwfl_module_addrname(x->mod, addr);
	if (!x->nr)
		find_stretches(x);
	s = stretch_at(x, addr);
	if (!s->asked) {
		s->name = dwfl_module_addrname(x->mod, addr);
		s->asked = true;
	}
	return s->name;
}

/* ---- the entries of a unit ---------------------------------------------------------------- */

/* What may hold functions and has no addresses of its own: rustc writes them into namespaces. */
static bool is_container(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_union_type;
}

static bool is_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_lexical_block;
}

static void add_ranges(struct unit *u, Dwarf_Die *die)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
		ALLOC_GROW(u->ranges, u->nr + 1, u->alloc);
		u->ranges[u->nr] = (struct range){lo, hi, hi, u->nr, *die};
		u->nr++;
	}
}

static void add_entries(struct unit *u, Dwarf_Die *parent, int levels)
{
	Dwarf_Die die;

	if (!levels || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);

		if (is_container(tag))
			add_entries(u, &die, levels - 1);
		else if (is_code(tag))
			add_ranges(u, &die);
	} while (!dwarf_siblingof(&die, &die));
}

static int cmp_ranges(const void *a, const void *b)
{
	const struct range *r = a, *s = b;

	if (r->lo != s->lo)
		return r->lo < s->lo ? -1 : 1;
	return r->order < s->order ? -1 : r->order > s->order;
}

static int cmp_units(const void *a, const void *b)
{
	const struct unit *u = a, *v = b;

	return u->addr < v->addr ? -1 : u->addr > v->addr;
}

static struct unit *unit_of(struct code_index *x, Dwarf_Die *cu)
{
	struct unit key = {cu->addr, NULL, 0, 0}, **found, *u;
	size_t i;

	found = tfind(&key, &x->units, cmp_units);
	if (found)
		return *found;
	u = xcalloc(1, sizeof(*u));
	u->addr = cu->addr;
	add_entries(u, cu, DEEPEST);
	sort_array(u->ranges, u->nr, sizeof(*u->ranges), cmp_ranges);
	for (i = 1; i < u->nr; i++)
		if (u->ranges[i].highest < u->ranges[i - 1].highest)
			u->ranges[i].highest = u->ranges[i - 1].highest;
	if (!tsearch(u, &x->units, cmp_units))
		out_of_memory();
	return u;
}

/* How many ranges begin at the address or before. */
static size_t begun_at(const struct unit *u, uint64_t addr)
{
	size_t lo = 0, hi = u->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->ranges[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool code_index_function(struct code_index *x, Dwarf_Die *cu, uint64_t addr, Dwarf_Die *found)
{
	const struct unit *u = unit_of(x, cu);
	const struct range *first = NULL;
	size_t i;

	for (i = begun_at(u, addr); i > 0 && u->ranges[i - 1].highest > addr; i--) {
		const struct range *r = &u->ranges[i - 1];

		if (r->hi > addr && (!first || r->order < first->order))
			first = r;
	}
	if (first)
		*found = first->die;
	return first != NULL;
}
