/* SPDX-License-Identifier: MIT */
/*
 * What each birth and death counts, and the numbers of sockets: kept by each thread apart, so that
 * threads which work on different descriptors write no cache line in common.
 *
 * Shards are few and threads may be many: one for each connection. So a thread earns its own by
 * counting for a while, and until then counts among the first of them, with others; and it takes
 * over that of one that has ended, for the recording has an outcome of each place for each shard.
 * All are counted in by atomic adds: where two threads share a shard it is slower, never wrong.
 */
#include "shards.h"

#include <errno.h>

#include "house.h"
#include "recording.h"
#include "shim.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define SETTLES_AFTER 16u
#define SETTLE_LOOKS  4u /* at threads, whether they have ended: each is a system call */
#define OWN_SHARDS    (REC_SHARDS - SHARDS_SHARED)
#define IDS_AT_ONCE   64u

static uint32_t owners[OWN_SHARDS]; /* tids; 0: not known yet */
static uint32_t looked_at;

static bool has_ended(uint32_t tid)
{
	return tid && !(tid & REC_THREAD_NUMBER) && sys_tgkill(shim.pid, (int)tid, 0) == -ESRCH;
}

static uint32_t settle(uint32_t tid)
{
	uint32_t nr = word_get(&shim.nr_settled), i;

	nr = nr < OWN_SHARDS ? nr : OWN_SHARDS;
	for (uint32_t looks = 0; looks < SETTLE_LOOKS && looks < nr; looks++) {
		uint32_t owner;

		i = word_add(&looked_at, 1) % nr;
		owner = word_get(&owners[i]);
		if (has_ended(owner) && word_cas(&owners[i], &owner, tid))
			return i;
	}
	i = word_add(&shim.nr_settled, 1) % OWN_SHARDS;
	word_set(&owners[i], tid);
	return i;
}

COLD uint32_t shard_unsettled(void)
{
	uint32_t tid = thread_tid();

	if (++thread.counted < SETTLES_AFTER)
		return tid % SHARDS_SHARED;
	thread.shard = SHARDS_SHARED + settle(tid);
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
