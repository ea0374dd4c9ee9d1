/* SPDX-License-Identifier: MIT */
/* What DWARF and the symbol table say of one address. */
#ifndef SOCKLINT_INLINES_H
#define SOCKLINT_INLINES_H

#include "elf_module.h"

/* Called for each function that the address lies in, innermost first; all but the last inlined. */
typedef void frame_fn(void *data, const char *function, const char *file, int line, int inlined);

/* Returns how often it called fn; 0: nothing is known of this address. */
int for_each_frame_at(const struct elf_module *m, uint64_t addr, frame_fn *fn, void *data);

#endif
