/* SPDX-License-Identifier: MIT */
/* Where a hook was called from. */
#ifndef SHIM_AT_H
#define SHIM_AT_H

#include <stdint.h>

/* cfa is the caller's stack pointer after the hook returns. */
struct at {
	uintptr_t pc;
	uintptr_t cfa;
};

#define AT_CALLER                                                                                  \
	((struct at){(uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa()})

#endif
