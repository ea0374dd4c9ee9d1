/* SPDX-License-Identifier: MIT */
/* One ELF file as libdw sees it, opened only if it is the very file that ran. */
#ifndef SOCKLINT_ELF_MODULE_H
#define SOCKLINT_ELF_MODULE_H

#include <elfutils/libdwfl.h>

#include "code_index.h"
#include "recording.h"

struct elf_module {
	const struct rec_module *rec;
	Dwfl *dwfl;
	Dwfl_Module *mod;	  /* NULL: could not be opened, see why */
	struct code_index *index; /* of mod */
	char *why;
	void *addresses; /* the symbolizer's */
};

void elf_module_open(struct elf_module *m, const struct rec_module *rec);
void elf_module_close(struct elf_module *m);

#endif
