/* SPDX-License-Identifier: MIT */
/*
 * What libdw finds by walking through all symbols of a file, or all entries of a unit, found by
 * search. A file is walked through once; the answers are libdw's.
 */
#ifndef SOCKLINT_CODE_INDEX_H
#define SOCKLINT_CODE_INDEX_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

struct code_index;

struct code_index *code_index_new(Dwfl_Module *mod);
void code_index_free(struct code_index *x);
/* As dwfl_module_addrname(). */
const char *code_index_symbol(struct code_index *x, uint64_t addr);
/*
 * The outermost entry with code around the address, also inside of namespaces and classes. addr is
 * in the terms of the debug information.
 */
bool code_index_function(struct code_index *x, Dwarf_Die *cu, uint64_t addr, Dwarf_Die *found);

#endif
