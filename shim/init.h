/* SPDX-License-Identifier: MIT */
/* init.c: the start, and how a forked child is noticed. */
#ifndef SHIM_INIT_H
#define SHIM_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include "house.h"
#include "words.h"

/* 1 in the process for which `shim` holds true; 0 before the start and after any kind of fork. */
extern uint32_t *init_alive;

bool init_or_reborn(void);

/* First thing in every hook: makes real.x callable. Returns whether the call may be recorded. */
static inline bool hook_enter(void)
{
	return likely(word_get(init_alive) == 1) || init_or_reborn();
}

void init_alive_again(void);
void init_alone(void);
void init_head_reset(void);

#endif
