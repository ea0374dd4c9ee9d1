/* SPDX-License-Identifier: MIT */
/* other.c: whether another process runs here, on our memory. */
#ifndef SHIM_OTHER_H
#define SHIM_OTHER_H

#include <stdbool.h>
#include <stdint.h>

#include "house.h"
#include "shim.h"
#include "thread.h"
#include "words.h"

/* Of thread.own_stack: the first page of a stretch of stack, and in the low bits how many. */
#define OWN_PAGE_BITS 12
#define OWN_NR_BITS   16

bool other_ask(uintptr_t here);

static inline uintptr_t other_here(void)
{
	uintptr_t here;

#if defined(__x86_64__)
	__asm__("mov %%rsp, %0" : "=r"(here));
#else
	__asm__("mov %0, sp" : "=r"(here));
#endif
	return here;
}

/* Whether this thread is known to have been on that stack. */
static inline bool other_knows(uintptr_t here)
{
	uint64_t own = word_get(&thread.own_stack);

	return (here >> OWN_PAGE_BITS) - (own >> OWN_NR_BITS) < own % (1u << OWN_NR_BITS);
}

/*
 * Whether it is another process that opens or closes here: process_is_other() without its system
 * call where there can be none. What slips by is said in other.c.
 */
static inline bool other_runs(void)
{
	uintptr_t here = other_here();

	if (likely(!word_get(&shim.shared) && other_knows(here)))
		return false;
	return other_ask(here);
}

/* Likewise for what is done too often to ask for each new stack. */
static inline bool other_waits(void)
{
	return unlikely(word_get(&shim.shared)) && process_is_other();
}

#endif
