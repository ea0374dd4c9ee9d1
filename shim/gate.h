/* SPDX-License-Identifier: MIT */
/* gate.c: who may be inside libunwind, or have a file open, for no fork may come between. */
#ifndef SHIM_GATE_H
#define SHIM_GATE_H

#include <stdbool.h>

#include "sys.h"

/* Into libunwind or the loader's list; false: not now. */
bool unwinder_enter(struct stay *stay);
void unwinder_leave(const struct stay *stay);
/* While a file of ours is open; false: none may be opened. */
bool gate_hold(struct stay *stay);
void gate_release(const struct stay *stay);
void gate_close(void);
void gate_open(void);
void gate_reborn(void);

#endif
