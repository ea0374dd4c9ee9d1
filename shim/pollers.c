/* SPDX-License-Identifier: MIT */
/*
 * Which threads poll, and what they have in their sets: the stamps that poll.c asks for.
 *
 * A set that stays the same is stamped ten times a second, one that has changed at once, a large
 * one only as often as costs little: so the last stamp before a long wait says who is in it.
 *
 * Many programs poll in two places: in their loop, and in a helper that waits for one socket in
 * between. The helper's poll must not make all others look as if they had left the loop's set. So
 * the place that polls first is taken for the loop, until it has not come by for a second.
 */
#include "pollers.h"

#include "at.h"
#include "clock.h"
#include "house.h"
#include "lives.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "thread.h"
#include "waits.h"
#include "words.h"

#define WINDOW	      8u /* entries that one thread may lie in */
#define EVICT_IDLE_NS 1000000000u
#define EVICT_TURN_NS 60000000000u
#define LOOP_GONE_NS  1000000000u
#define LOOK_FOR_NS   100000000u
#define PAUSE_NS      400u /* per member of a larger set: about 1 % of the time */

/* ---- the thread's entry ------------------------------------------------------------------ */

/* A chunk made twice in a race is left empty in the file. */
static bool table_make(void)
{
	struct rec_poller *table, *before = NULL;

	table = room_chunk(REC_CHUNK_POLLERS, REC_POLLERS_UNITS, 0, REC_POLLERS_NR, sizeof(*table));
	if (!table)
		return false;
	if (!word_cas(&shim.pollers, &before, table))
		((struct rec_chunk *)table)[-1].nr = 0;
	return true;
}

static bool entry_take(struct rec_poller *p, uint32_t tid)
{
	uint32_t before = word_get(&p->tid);

	if (before == UINT32_MAX || !word_cas(&p->tid, &before, UINT32_MAX))
		return false;
	word_set(&p->waiting, 0);
	word_set(&p->stamped_ns, 0);
	word_set(&p->turn_ns, 0);
	word_set(&p->before_ns, 0);
	word_set(&p->alive_ns, 0);
	word_set_release(&p->tid, tid);
	return true;
}

/* When it may be given to another thread. A thread in a turn may be busy, or have ended. */
static uint64_t kept_until_ns(const struct rec_poller *p)
{
	uint64_t stamped = word_get(&p->stamped_ns), turn = word_get(&p->turn_ns);

	if (!word_get(&p->tid))
		return 0;
	turn = turn ? turn + EVICT_TURN_NS : word_get(&p->before_ns) + EVICT_IDLE_NS;
	stamped += EVICT_IDLE_NS;
	return stamped > turn ? stamped : turn;
}

static struct rec_poller *entry_find(uint32_t tid, uint64_t now)
{
	uint32_t hash = tid * 2654435761u >> 7;
	struct rec_poller *oldest = NULL;

	for (uint32_t i = 0; i < WINDOW; i++) {
		struct rec_poller *p = &shim.pollers[(hash + i) % REC_POLLERS_NR];

		if (word_get(&p->tid) == tid)
			return p;
		if (word_get(&p->waiting) || kept_until_ns(p) > now)
			continue;
		if (!oldest || kept_until_ns(p) < kept_until_ns(oldest))
			oldest = p;
	}
	return oldest && entry_take(oldest, tid) ? oldest : NULL;
}

static struct rec_poller *entry_get(uint64_t now)
{
	struct rec_poller *p = poller_entry();

	if (likely(p != NULL))
		return p;
	if (!word_get_acquire(&shim.pollers) && !table_make())
		return NULL;
	thread.polling.entry = p = entry_find(thread_tid(), now);
	return p;
}

/* ---- stamps ------------------------------------------------------------------------------- */

bool poller_stamp(int fd, uint64_t ns)
{
	struct life_ref ref = life_find(fd);

	if (!ref.life)
		return false;
	word_set(&ref.life->poller_tid, thread_tid());
	word_set(&ref.life->polled_ns, ns);
	return true;
}

/* It is in the set, and nothing is asked of it; nor is there another member, whose stamp would
 * tell. */
void poller_drop(int fd)
{
	struct life_ref ref = life_find(fd);

	if (ref.life && word_get(&ref.life->poller_tid) == thread_tid())
		word_set(&ref.life->polled_ns, 0);
}

static bool is_loop(uint64_t now, struct at at)
{
	const struct polling *p = &thread.polling;

	return p->loop_pc == at.pc || !p->loop_pc || p->loop_seen_ns + LOOP_GONE_NS < now;
}

/* The members have been stamped. */
void poller_stamped(uint32_t members, uint64_t now, uint64_t ns, struct at at)
{
	struct rec_poller *entry = entry_get(now);

	if (members > POLL_SMALL_SET)
		thread.polling.due_ns = now + (uint64_t)members * PAUSE_NS;
	if (!entry || !is_loop(now, at))
		return;
	thread.polling.loop_pc = at.pc;
	word_set(&entry->stamped_ns, ns);
}

/* The clock is coarse, but who left between two stamps must be told from who stayed. */
uint64_t poller_next_stamp(uint64_t now)
{
	struct polling *p = &thread.polling;

	p->stamp_ns = now > p->stamp_ns ? now : p->stamp_ns + 1;
	return p->stamp_ns;
}

/* Whether the last stamp still says who is in the set; if not, the next one will. */
bool poller_is_unchanged(uint64_t look, uint64_t now, struct at at)
{
	struct polling *p = &thread.polling;

	if (likely(p->look == look && p->look_pc == at.pc && now < p->look_until_ns))
		return true;
	p->look = look;
	p->look_pc = at.pc;
	p->look_until_ns = now + LOOK_FOR_NS;
	return false;
}

/* ---- waits and turns ----------------------------------------------------------------------- */

/* Who waits by epoll_wait may poll one socket in between: that is no turn. */
static bool is_turn_of_loop(struct at at)
{
	return at.pc == thread.polling.loop_pc && !thread.polling.by_epoll;
}

void poller_waits(struct poll_call *call, struct at at)
{
	call->entry = poller_entry();
	if (!call->entry)
		return;
	word_set(&call->entry->waiting, 1);
	if (is_turn_of_loop(at))
		poller_turn_is_over(call->entry);
}

/* In a child, forked in a signal's handler, the entry is its parent's. */
void poller_returned(const struct poll_call *call, struct at at)
{
	struct polling *p = &thread.polling;
	uint64_t now = now_coarse_ns();
	bool is_mine = call->entry && call->entry == p->entry;

	wait_returned(now);
	if (is_mine)
		word_set(&call->entry->waiting, 0);
	if (at.pc != p->loop_pc)
		return;
	p->loop_seen_ns = now;
	if (is_mine && is_turn_of_loop(at))
		word_set(&call->entry->turn_ns, now);
}

COLD struct rec_poller *poller_entry_new(void)
{
	if (word_get(&shim.attach) != ATTACHED || !word_get(&shim.top_chunk))
		return NULL;
	return entry_get(now_coarse_ns());
}
