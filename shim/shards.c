/* SPDX-License-Identifier: MIT */
/*
 * What each birth and death counts, and the numbers of sockets: kept by each thread apart, so that
 * threads which work on different descriptors write no cache line in common.
 *
 * Shards are few and threads may be many: one for each connection. So a thread earns its own by
 * counting for a while, and until then counts among the first of them, with others. When all are
 * given away the last few of them are for whoever comes. Where two threads share a shard all adds
 * are atomic: it is slower, never wrong.
 */
#include "shards.h"

#include "house.h"
#include "recording.h"
#include "shim.h"
#include "thread.h"
#include "words.h"

#define SETTLES_AFTER 16u
#define IDS_AT_ONCE   64u

COLD uint32_t shard_unsettled(void)
{
	const uint32_t after_own = SHARDS_SHARED + SHARDS_OWN;
	uint32_t nr;

	if (++thread.counted < SETTLES_AFTER)
		return thread_tid() % SHARDS_SHARED;
	nr = word_add(&shim.nr_settled, 1);
	thread.shard =
		nr < SHARDS_OWN ? SHARDS_SHARED + nr : after_own + nr % (REC_SHARDS - after_own);
	return thread.shard;
}

struct rec_shard shards_total(const struct rec_header *h)
{
	struct rec_shard sum = {0};

	for (uint32_t i = 0; i < REC_SHARDS; i++) {
		sum.births += word_get(&h->shards[i].births);
		sum.deaths += word_get(&h->shards[i].deaths);
	}
	return sum;
}

/*
 * The number of a new socket, out of a block of the thread's own. A signal handler may come
 * between any two lines here and take numbers as well; so the end of a new block is written last.
 */
uint64_t id_new(void)
{
	uint64_t id = word_add(&thread.id, 1);

	if (likely(id < word_get(&thread.ids_end) && id >= word_get(&shim.oldest_id)))
		return id;
	id = word_add(&shim.next_id, IDS_AT_ONCE);
	word_set(&thread.id, id + 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	word_set(&thread.ids_end, id + IDS_AT_ONCE);
	return id;
}

/* All sockets that are born from now on have this number or a higher one. */
uint64_t id_from_now_on(void)
{
	uint64_t next = word_get(&shim.next_id), before = word_get(&shim.oldest_id);

	while (before < next && !word_cas(&shim.oldest_id, &before, next))
		;
	return next;
}
