/* SPDX-License-Identifier: MIT */
/* shards.c: what threads count apart. */
#ifndef SHIM_SHARDS_H
#define SHIM_SHARDS_H

#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "thread.h"

#define SHARDS_SHARED 8u /* where threads count that may not live long */

uint32_t shard_unsettled(void);
struct rec_shard shards_total(const struct rec_header *h);
uint64_t id_new(void);
uint64_t id_from_now_on(void);

/* Which of REC_SHARDS is this thread's. */
static inline uint32_t shard_of_thread(void)
{
	return likely(thread.shard) ? thread.shard : shard_unsettled();
}

#endif
