/* SPDX-License-Identifier: MIT */
/* modules.c: the ELF files that sites cite. */
#ifndef SHIM_MODULES_H
#define SHIM_MODULES_H

#include <stdbool.h>
#include <stdint.h>

bool modules_inherit(void);
/* Return addresses as places (see rec_place()), their modules being in the recording by then. */
void modules_place(const uint64_t *pc, uint64_t *place, uint32_t nr);
/* The address of a place, or where it was when its module was mapped last; 0: it has none. */
uint64_t module_address(uint64_t place);
void module_loads(void);
void module_unloaded(void);
void modules_catch_up(void);

#endif
