/* SPDX-License-Identifier: MIT */
/*
 * Who may still have a socket in hand: its life as one process saw it. Whatever is proved of a
 * socket's siblings says nothing about one that somebody may still be at work on.
 */
#include "custody.h"

/* A socket that is idle is asked about by then, and so much later for each other that may be. */
#define LOOKED_AT_NS (3 * NS_PER_S)
#define LOOK_NS	     (NS_PER_S / 64)

bool life_was_touched(const struct life *l)
{
	return l->r.flags & REC_LIFE_TOUCHED;
}

const struct family *life_siblings(const struct life *l)
{
	return kinship_of(l->process->kinship, l->r.site, l->r.flags & REC_LIFE_ACCEPTED);
}

/* Does a thread other than the one that gave birth take sockets of this site in hand? */
bool life_is_served_by_others(const struct life *l)
{
	const struct family *f = life_siblings(l);
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->entries[i]->tid != l->r.born_tid && f->entries[i]->served)
			return true;
	return false;
}

bool life_may_be_queued(const struct life *l)
{
	return (l->r.flags & REC_LIFE_ACCEPTED) && !life_was_touched(l) &&
	       life_is_served_by_others(l);
}

/* The kernel was asked about the thread after it had touched the socket: the answer is of it. */
static bool toucher_is_known(const struct life *l)
{
	return (l->r.flags & REC_LIFE_FACTS) && l->r.facts_ns >= l->r.touch_ns;
}

bool life_toucher_ended(const struct life *l)
{
	return toucher_is_known(l) && (l->r.flags & REC_LIFE_TOUCHER_ENDED);
}

/* What the thread took in hand last: it may have accepted it a moment ago, and not come to it. */
bool life_is_youngest_of_toucher(const struct life *l)
{
	const struct family *f = life_siblings(l);
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->entries[i]->tid == l->r.touch_tid &&
		    f->entries[i]->newest_born_ns == l->r.born_ns)
			return true;
	return false;
}

/* Born or touched when the end had asked about it already: that thread worked on meanwhile. */
static bool is_of_the_end(const struct life *l)
{
	const struct rec_header *h = l->process->rec->header;

	return h->end_kind != REC_END_NONE && l->r.touch_ns + NS_PER_S > h->facts_ns &&
	       h->facts_ns && !toucher_is_known(l);
}

/*
 * Touched so shortly before a kill that nobody had asked about its thread since: who is idle for a
 * second is asked about, some each second.
 */
static bool is_of_the_kill(const struct life *l)
{
	const struct process *p = l->process;
	uint64_t round = LOOKED_AT_NS + p->rec->nr_lives * LOOK_NS;

	return p->end == PROCESS_KILLED && !toucher_is_known(l) &&
	       l->r.touch_ns + round > p->now_ns;
}

/*
 * It may still be at work on it: computing, or waiting for somebody else, while the peer has given
 * up. That others are through with theirs says nothing about this one.
 */
bool life_may_be_in_custody(const struct life *l)
{
	if (is_of_the_end(l) || is_of_the_kill(l))
		return true;
	if (!toucher_is_known(l) || life_toucher_ended(l))
		return false;
	return life_was_touched(l) || life_is_youngest_of_toucher(l);
}

static bool opener_closes(const struct life *l)
{
	const struct family *f = life_siblings(l);
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->entries[i]->tid == l->r.touch_tid && f->entries[i]->ended &&
		    f->entries[i]->ended * 2 >= f->entries[i]->served)
			return true;
	return false;
}

/*
 * Who reads and writes a FILE is not seen: the thread that made one may have handed it to another,
 * which is still at work on it. Not if it got the socket from another itself, or closes most of
 * such sockets itself, or there is no other thread.
 */
bool life_may_be_used_unseen(const struct life *l)
{
	return (l->r.flags & REC_LIFE_STDIO) && l->r.touch_tid == l->r.born_tid &&
	       l->process->threads != 1 && !opener_closes(l);
}

static bool has_come_past(const struct rec_progress *e, const struct life *l)
{
	return e->newest_born_ns > l->r.born_ns || e->ended_born_ns > l->r.born_ns;
}

/*
 * Who accepts, reads the request and hands it to others, who close: it has moved on at once, and
 * the socket lies in their queue until all of them are at younger ones.
 */
bool life_may_be_dispatched(const struct life *l)
{
	const struct family *f = life_siblings(l);
	size_t i;

	if (!(l->r.flags & REC_LIFE_ACCEPTED) || (l->r.flags & (REC_LIFE_EOF | REC_LIFE_RESET)) ||
	    l->r.touch_tid != l->r.born_tid || opener_closes(l))
		return false;
	for (i = 0; i < f->nr; i++) {
		const struct rec_progress *e = f->entries[i];

		if (e->tid != l->r.touch_tid && e->ended && !has_come_past(e, l))
			return true;
	}
	return false;
}
