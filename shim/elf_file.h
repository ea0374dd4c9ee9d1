/* SPDX-License-Identifier: MIT */
/* elf_file.c: what the loader and a mapped ELF file say of that file. */
#ifndef SHIM_ELF_FILE_H
#define SHIM_ELF_FILE_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "recording.h"

void elf_file_range(const struct dl_phdr_info *info, uint64_t *lo, uint64_t *hi);
/* All but what makes it an entry of the table: seq, mapped. */
void elf_file_describe(const struct dl_phdr_info *info, struct rec_module *m);
/* Whether that is this module, still where it was. */
bool elf_file_is(const struct dl_phdr_info *info, const struct rec_module *m);

#endif
