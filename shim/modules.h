/* SPDX-License-Identifier: MIT */
/* modules.c: the ELF files that sites cite. */
#ifndef SHIM_MODULES_H
#define SHIM_MODULES_H

#include <stdbool.h>
#include <stdint.h>

bool modules_inherit(void);
void module_cite(uint64_t pc);
void module_unloaded(void);

#endif
