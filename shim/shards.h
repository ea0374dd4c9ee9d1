/* SPDX-License-Identifier: MIT */
/* shards.c: what threads count apart. */
#ifndef SHIM_SHARDS_H
#define SHIM_SHARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "thread.h"
#include "words.h"

#define SHARDS_SHARED 8u /* where threads count that may not live long */
#define SHARDS_OWN                                                                                 \
	96u /* the next: each of one thread alone, while it lives; the rest are of                 \
		all others */

uint32_t shard_unsettled(void);
struct rec_shard shards_total(const struct rec_header *h);
uint64_t id_new(void);
uint64_t id_from_now_on(void);

/* Which of REC_SHARDS is this thread's. */
static inline uint32_t shard_of_thread(void)
{
	return likely(thread.shard) ? thread.shard : shard_unsettled();
}

static inline bool shard_is_own(uint32_t shard)
{
	return shard - SHARDS_SHARED < SHARDS_OWN;
}

/*
 * Adds to what lies in a shard that this thread counts in, and returns what it was before. Where
 * nobody else writes it need not be atomic, which would wait for all stores before it: one
 * instruction, for a handler of this thread's may come in between.
 */
static inline uint64_t shard_add(uint32_t shard, uint64_t *p, uint64_t n)
{
#if defined(__x86_64__)
	if (likely(shard_is_own(shard))) {
		uint64_t before = word_get(p);

		__asm__ volatile("addq %1, %0" : "+m"(*p) : "er"(n) : "cc");
		return before;
	}
#endif
	return word_add(p, n);
}

static inline void shard_add_one(uint32_t shard, uint32_t *p)
{
#if defined(__x86_64__)
	if (likely(shard_is_own(shard))) {
		__asm__ volatile("incl %0" : "+m"(*p) : : "cc");
		return;
	}
#endif
	word_add(p, 1);
}

#endif
