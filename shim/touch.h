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

/* It took bytes, at the touch that returned touched_ns. */
static inline void life_wrote(struct life_ref ref, uint64_t touched_ns)
{
	if (likely(touched_ns))
		word_set(&ref.life->write_ns, touched_ns);
}

#endif
