/* SPDX-License-Identifier: MIT */
/* unwinder.c: libunwind, kept as a prisoner. */
#ifndef SHIM_UNWINDER_H
#define SHIM_UNWINDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "at.h"
#include "recording.h"
#include "sys.h"

struct frames {
	uint32_t nr;
	uint32_t flags; /* enum rec_site_flag */
	bool cacheable; /* every return address lies at its slot */
	uint64_t pc[REC_SITE_FRAMES];
	uint32_t slot[REC_SITE_FRAMES]; /* where pc lies, in bytes above the first cfa */
};

/* The number that stands for its pipe; no real descriptor: fs.nr_open ends at 2^30. */
enum { unwinder_fd = INT_MAX - 40 };

void unwinder_load(void);
void unwinder_warm(void);
bool unwinder_present(void);
bool unwinder_walk(struct at at, struct frames *frames);
bool unwinder_is_caller(struct at at);
long unwinder_probe(const void *address);

#endif
