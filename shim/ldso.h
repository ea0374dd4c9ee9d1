/* SPDX-License-Identifier: MIT */
/* ldso.c: the dynamic loader's lock. */
#ifndef SHIM_LDSO_H
#define SHIM_LDSO_H

#include <stdbool.h>
#include <stdint.h>

void ldso_find_lock(void);
bool ldso_lock_is_stuck(void);
uint32_t ldso_lock_owner(void);

#endif
