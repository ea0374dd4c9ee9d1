/* SPDX-License-Identifier: MIT */
/* progress.c: which thread has got how far. */
#ifndef SHIM_PROGRESS_H
#define SHIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "shim.h"
#include "thread.h"
#include "words.h"

struct rec_progress *progress_find(uint32_t site, uint64_t now);
void progress_ended(const struct rec_life *life);
/* The thread that touched it last has touched a younger socket of its site since. */
bool progress_moved_on(const struct rec_life *life);

/* This thread's entry for a site, if it served that one lately; else NULL. */
static inline struct rec_progress *progress_known(uint32_t tid, uint32_t site)
{
	struct rec_progress *p = thread.progress[site % 4];
	uintptr_t offset = (uintptr_t)p - (uintptr_t)word_get(&shim.progress);

	/* In the table still: after a failed exec there is another. */
	if (likely(p && offset < REC_PROGRESS_NR * sizeof(*p) && word_get(&p->tid) == tid &&
		   word_get(&p->site) == site))
		return p;
	return NULL;
}

/* Or NULL where there is no room. */
static inline struct rec_progress *progress_get(uint32_t tid, uint32_t site, uint64_t now)
{
	struct rec_progress *p = progress_known(tid, site);

	return likely(p) ? p : progress_find(site, now);
}

/* It may be the youngest socket that this thread has touched of its site. */
static inline void progress_newest(struct rec_progress *p, const struct rec_life *life,
				   uint64_t now)
{
	uint64_t born_ns = word_get(&life->born_ns);

	if (born_ns < word_get(&p->newest_born_ns))
		return;
	word_set(&p->newest_born_ns, born_ns);
	word_set(&p->newest_touch_ns, now);
	word_set(&p->newest_touch_seq, thread.touch_seq);
}

/* This thread has just touched `life`. first: for the first time since its birth. */
static inline void progress_touched(const struct rec_life *life, uint32_t tid, uint64_t now,
				    bool first)
{
	struct rec_progress *p = progress_get(tid, word_get(&life->site), now);

	if (unlikely(!p))
		return;
	progress_newest(p, life, now);
	if (first)
		word_set(&p->served, word_get(&p->served) + 1);
}

#endif
