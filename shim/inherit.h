/* SPDX-License-Identifier: MIT */
/* inherit.c: what a forked child takes over. */
#ifndef SHIM_INHERIT_H
#define SHIM_INHERIT_H

#include <stdbool.h>
#include <stddef.h>

bool lives_inherit(void);

/* A private copy of all lives chunks, taken before a fork for the child. */
struct snapshot {
	void *mem;
	size_t bytes;
};

struct snapshot lives_snapshot(void);
void lives_adopt(const struct snapshot *snapshot);

#endif
