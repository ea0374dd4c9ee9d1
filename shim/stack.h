/* SPDX-License-Identifier: MIT */
/* stack.c: from a caller to a site. */
#ifndef SHIM_STACK_H
#define SHIM_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "at.h"
#include "house.h"
#include "thread.h"

uint32_t stack_site(struct at at);
bool stack_readable(const void *p, struct at at);
void stack_change(struct at at);
/* The code in [lo, hi) is gone. */
void stack_forget(uint64_t lo, uint64_t hi);
void stack_reborn(void);

static inline void stack_enter(struct at at)
{
	if (unlikely(at.cfa < thread.stack_lo || at.cfa >= thread.stack_hi))
		stack_change(at);
}

/* Whether the program's n bytes at p lie in its live stack, as far as that is known. */
static inline bool stack_holds(const void *p, size_t n, struct at at)
{
	uintptr_t from = (uintptr_t)p;

	stack_enter(at);
	return from >= at.cfa && from < thread.stack_hi && thread.stack_hi - from >= n;
}

#endif
