/* SPDX-License-Identifier: MIT */
/*
 * How far each thread has got with the sockets of each birth site: what later proves that it
 * moved on and left one behind. Each entry has one writer, the thread itself.
 *
 * A signal handler may fork in the middle of any of this: its child has no table any more, and
 * so the table is looked up once.
 */
#include "progress.h"

#include "clock.h"
#include "house.h"
#include "recording.h"
#include "shim.h"
#include "sites.h"
#include "thread.h"
#include "words.h"

#define WINDOW	      8u	  /* entries that one (thread, site) may lie in */
#define EVICT_IDLE_NS 1000000000u /* an entry that was written so lately is not evicted */

static void site_keep_ended(uint32_t site, uint64_t born_ns)
{
	struct rec_site *s = site_get(site);
	uint64_t before;

	if (!s)
		return;
	before = word_get(&s->ended_born_ns);
	while (before < born_ns && !word_cas(&s->ended_born_ns, &before, born_ns))
		;
}

static void entry_take(struct rec_progress *p, uint32_t tid, uint32_t site)
{
	uint32_t before = word_get(&p->tid);

	if (before) /* evicted: what it proves for its whole site stays */
		site_keep_ended(word_get(&p->site), word_get(&p->ended_born_ns));
	if (!word_cas(&p->tid, &before, UINT32_MAX)) /* nobody's, while it is being cleared */
		return;
	words_copy(&p->site, &(struct rec_progress){.site = site}.site,
		   sizeof(*p) - offsetof(struct rec_progress, site));
	word_set_release(&p->tid, tid);
}

static uint32_t hash_of(uint32_t tid, uint32_t site)
{
	return (tid * 2654435761u ^ site * 2246822519u) >> 7;
}

static struct rec_progress *entry_find(struct rec_progress *all, uint32_t tid, uint32_t site,
				       uint64_t now)
{
	uint32_t hash = hash_of(tid, site);
	struct rec_progress *oldest = NULL, *p;

	for (uint32_t i = 0; i < WINDOW; i++) {
		p = &all[(hash + i) % REC_PROGRESS_NR];
		if (word_get(&p->tid) == tid && word_get(&p->site) == site)
			return p;
		if (word_get(&p->tid) == UINT32_MAX) /* being cleared, or never to be again */
			continue;
		if (!oldest || word_get(&p->newest_touch_ns) < word_get(&oldest->newest_touch_ns))
			oldest = p;
	}
	p = oldest;
	if (!p || (word_get(&p->tid) && word_get(&p->newest_touch_ns) + EVICT_IDLE_NS > now))
		return NULL;
	entry_take(p, tid, site);
	return word_get(&p->tid) == tid && word_get(&p->site) == site ? p : NULL;
}

/* Where progress_known() does not find it. */
struct rec_progress *progress_find(uint32_t site, uint64_t now)
{
	struct rec_progress *all = word_get(&shim.progress), *p;

	if (!all)
		return NULL;
	thread.progress[site % 4] = p = entry_find(all, thread_tid(), site, now);
	return p;
}

/* This thread closes `life`. */
void progress_ended(const struct rec_life *life)
{
	struct rec_progress *p;

	if (!(word_get(&life->flags) & REC_LIFE_TOUCHED))
		return;
	p = progress_get(thread_tid(), word_get(&life->site), now_coarse_ns());
	if (!p)
		return;
	if (word_get(&shim.end_began) < END_SIGNALLED) /* a clean-up is not how it goes about it */
		word_set(&p->ended, word_get(&p->ended) + 1);
	if (word_get(&life->born_ns) > word_get(&p->ended_born_ns))
		word_set(&p->ended_born_ns, word_get(&life->born_ns));
}

static bool waits_for(const struct rec_progress *p, const struct rec_life *life)
{
	uint64_t born_ns = word_get(&life->born_ns);

	return word_get(&p->tid) && word_get(&p->site) == word_get(&life->site) &&
	       word_get(&p->tid) != word_get(&life->touch_tid) && word_get(&p->ended) &&
	       word_get(&p->newest_born_ns) <= born_ns && word_get(&p->ended_born_ns) <= born_ns;
}

/*
 * Read by who accepted it, and handed to others, who close: it lies in their queue until all of
 * them are at younger ones. own: of who accepted.
 */
static bool may_be_dispatched(const struct rec_progress *all, const struct rec_progress *own,
			      const struct rec_life *life)
{
	if (word_get(&life->eof_ns) || word_get(&life->touch_tid) != word_get(&life->born_tid) ||
	    (word_get(&own->ended) && word_get(&own->ended) * 2 >= word_get(&own->served)))
		return false;
	for (uint32_t i = 0; i < REC_PROGRESS_NR; i++)
		if (waits_for(&all[i], life))
			return true;
	return false;
}

bool progress_moved_on(const struct rec_life *life)
{
	uint32_t tid = word_get(&life->touch_tid), site = word_get(&life->site);
	struct rec_progress *all = word_get(&shim.progress);
	uint32_t hash = hash_of(tid, site);

	if (!all || !site || !(word_get(&life->flags) & REC_LIFE_TOUCHED))
		return false;
	for (uint32_t i = 0; i < WINDOW; i++) {
		const struct rec_progress *p = &all[(hash + i) % REC_PROGRESS_NR];

		if (word_get(&p->tid) == tid && word_get(&p->site) == site)
			return word_get(&p->newest_born_ns) > word_get(&life->born_ns) &&
			       word_get(&p->newest_touch_seq) > word_get(&life->touch_seq) &&
			       !may_be_dispatched(all, p, life);
	}
	return false;
}
