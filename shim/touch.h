/* SPDX-License-Identifier: MIT */
/* What every read and write costs: so it is here, and stands in one cache line of the life. */
#ifndef SHIM_TOUCH_H
#define SHIM_TOUCH_H

#include <stdint.h>

#include "at.h"
#include "clock.h"
#include "house.h"
#include "lives.h"
#include "progress.h"
#include "recording.h"
#include "stuck.h"
#include "thread.h"
#include "words.h"

/* Returns when that was, or 0 where the socket is gone. Leaves errno alone. */
static inline __attribute__((always_inline)) uint64_t life_touch(struct life_ref ref,
								 enum rec_call call, struct at at)
{
	const uint32_t in_hand = REC_LIFE_TOUCHED | REC_LIFE_HANDED;
	struct rec_life *l = ref.life;
	uint32_t tid, flags;
	uint64_t now;

	if (unlikely(!life_is(ref))) {
		stuck_returned();
		return 0;
	}
	now = now_coarse_ns();
	word_set(&l->touch_ns, now);
	word_set(&l->touch_pc, at.pc);
	word_set(&l->touch_call, (uint8_t)call);
	tid = thread_tid();
	word_set(&l->touch_tid, tid);
	word_set(&l->touch_seq, ++thread.touch_seq);
	flags = word_get(&l->flags);
	if (unlikely((flags & in_hand) != REC_LIFE_TOUCHED))
		life_taken(ref);
	progress_touched(l, tid, now, !(flags & REC_LIFE_TOUCHED));
	return now;
}

/*
 * The same in the common case, in a few instructions: a call that this thread announced in
 * `in_call` is over, on a socket that it touched before. Returns when that was. In any other case
 * nothing is done, and 0 returned: life_touch() knows them all.
 */
static inline __attribute__((always_inline)) uint64_t
life_touch_again(struct life_ref ref, uint32_t *in_call, enum rec_call call, uintptr_t pc)
{
	const uint32_t in_hand = REC_LIFE_TOUCHED | REC_LIFE_HANDED;
	struct rec_life *l = ref.life;
	uint32_t tid = thread.tid;
	struct rec_progress *p = progress_known(tid, word_get(&l->site));
	uint64_t now;

	if (unlikely(!p || !tid || word_get(in_call) != tid ||
		     (word_get(&l->flags) & in_hand) != REC_LIFE_TOUCHED ||
		     word_get_acquire(&l->seq) != ref.seq))
		return 0;
	word_set(in_call, 0);
	word_set(&l->touch_pc, pc);
	word_set(&l->touch_call, (uint8_t)call);
	word_set(&l->touch_tid, tid);
	word_set(&l->touch_seq, ++thread.touch_seq);
	now = now_coarse_ns();
	word_set(&l->touch_ns, now);
	progress_newest(p, l, now);
	return now;
}

/* It took bytes, at the touch that returned touched_ns. */
static inline void life_wrote(struct life_ref ref, uint64_t touched_ns)
{
	if (likely(touched_ns))
		word_set(&ref.life->write_ns, touched_ns);
}

#endif
