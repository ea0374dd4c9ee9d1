/* SPDX-License-Identifier: MIT */
/* clock.c: the kernel's clock. */
#ifndef SHIM_CLOCK_H
#define SHIM_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "house.h"
#include "shim.h"

typedef int clock_function(clockid_t clock, struct timespec *ts);

extern clock_function *clock_get; /* never NULL; a function of the kernel's that needs no call */

void clock_find(void);
uint64_t clock_ns(clockid_t clock);

static inline uint64_t now_ns(void)
{
	return clock_ns(unlikely(shim.coarse_clock) ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC);
}

static inline uint64_t now_coarse_ns(void)
{
	struct timespec ts = {0, 0};

	clock_get(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
