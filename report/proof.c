/* SPDX-License-Identifier: MIT */
/*
 * Has the program moved on, leaving this socket behind?
 *
 * An open socket is no leak as long as somebody may still come back to it. Nobody will, if one of
 * these holds (for a socket that a thread T touched last, born at the site S):
 *
 *	ended		T has ended, so what only its stack knew is lost.
 *	moved on	T has since touched a younger socket of S. A thread that serves its
 *			sockets one after the other is through with the older one; so is an event
 *			loop, which had every chance to see that the older one is over.
 *	overtaken	a younger socket of S was served and has been closed, by whatever thread,
 *			so the older one does not just wait its turn. Not where T is known to live
 *			and has touched no younger one since: it may be a worker that is still busy
 *			with it.
 *
 * Some cases need care. A socket that was accepted and never touched may lie in a queue from one
 * thread to the next: that the accepting thread accepted others says nothing then, unless nobody
 * else ever serves the site (a parent that forks children accepts and forgets). And a client's
 * socket may lie in a pool: only a replacement, opened after the old one had become useless,
 * tells that the pool gave it up.
 *
 * A socket that was sent by SCM_RIGHTS is its receiver's to close: he must have moved on as well.
 * For one that was passed on by exec the image before may speak, if it had been told of the end
 * and the new image never touched it.
 * Nor does anybody see who uses a FILE: one that another thread may have in hand proves nothing.
 *
 * Progress is counted per process, and so is this: another process that touched the socket
 * later must have moved on itself.
 */
#include "proof.h"

#include "attendance.h"
#include "connection.h"
#include "custody.h"

/* Touch times come from a coarse clock and lag by up to this. */
#define COARSE_NS (10 * NS_PER_MS)

/* An exit past every hook (AddressSanitizer's) was seen by "socklint run" alone. */
static bool ended_by_itself(const struct process *p)
{
	return p->end == PROCESS_ENDED || (p->end == PROCESS_KILLED && p->rec->seen_exit);
}

uint64_t grace_ns(const struct process *p)
{
	return ended_by_itself(p) && !p->rec->told && !process_stop_ns(p) ? 0 : p->policy->grace_ns;
}

enum open_reason grace_reason(const struct process *p)
{
	return p->end == PROCESS_KILLED && !p->rec->seen_end_ns ? OPEN_UNDATED : OPEN_GRACE;
}

static bool prove_ended(const struct life *l, struct proof *proof)
{
	if (!life_toucher_ended(l) || (!life_was_touched(l) && life_is_served_by_others(l)))
		return false;
	*proof = (struct proof){PROOF_TOUCHER_ENDED, l->r.touch_tid, 0};
	return true;
}

static bool prove_thread_moved_on(const struct life *l, struct proof *proof)
{
	const struct family *f = life_siblings(l);
	size_t i;

	if (life_may_be_queued(l) || life_may_be_dispatched(l))
		return false;
	for (i = 0; i < f->nr; i++) {
		if (f->entries[i]->tid != l->r.touch_tid ||
		    f->entries[i]->newest_born_ns <= l->r.born_ns ||
		    f->entries[i]->newest_touch_seq <= l->r.touch_seq)
			continue;
		*proof = (struct proof){PROOF_THREAD_MOVED_ON, f->entries[i]->tid,
					f->entries[i]->served};
		return true;
	}
	return false;
}

/* The reading of an EOF is timed exactly, as a birth is; other touches are not. */
static uint64_t last_touch_at_latest(const struct life *l)
{
	if (!life_was_touched(l))
		return l->r.born_ns;
	return l->r.touch_ns + (l->r.touch_ns == l->r.eof_ns ? 0 : COARSE_NS);
}

static bool prove_overtaken(const struct life *l, struct proof *proof)
{
	uint64_t after = last_touch_at_latest(l);
	const struct rec_site *site = recording_site(l->process->rec, l->r.site);
	const struct family *f = life_siblings(l);
	size_t i;

	for (i = 0; i < f->nr; i++) {
		if (f->entries[i]->ended_born_ns > after) {
			*proof = (struct proof){PROOF_OVERTAKEN, f->entries[i]->tid,
						f->entries[i]->served};
			return true;
		}
	}
	if (!site || site->ended_born_ns <= after)
		return false;
	*proof = (struct proof){PROOF_OVERTAKEN, 0, 0};
	return true;
}

/* Births without a stack all share site 0: they are no siblings. */
static bool prove_life(const struct life *l, struct proof *proof)
{
	if (life_may_be_used_unseen(l))
		return false;
	if (prove_ended(l, proof))
		return true;
	if (!l->r.site)
		return false;
	return prove_thread_moved_on(l, proof) ||
	       (!life_may_be_in_custody(l) && prove_overtaken(l, proof));
}

/* Who was handed it on purpose answers for it. */
static bool receiver_holds_on(const struct socket *s)
{
	const uint32_t told = REC_LIFE_EOF | REC_LIFE_RESET;
	const struct life *l;
	struct proof ignored;

	for (l = s->holders; l; l = l->next_holder)
		if ((l->r.flags & REC_LIFE_RECEIVED) && l->process != s->birth->process &&
		    !prove_life(l, &ignored))
			return true;
	return s->sent_away && !(s->flags & told);
}

/* The image before the exec had been told, had moved on, and nobody has touched it since. */
static bool prove_left_behind(const struct socket *s, struct proof *proof)
{
	const uint32_t told = REC_LIFE_EOF | REC_LIFE_RESET | REC_LIFE_SHUT_WR;
	const struct life *l;

	if (!s->before || !(s->before->r.flags & told))
		return false;
	for (l = s->holders; l; l = l->next_holder)
		if (life_was_touched(l))
			return false;
	return prove_life(s->before, proof);
}

enum open_reason prove_moved_on(const struct socket *s, struct proof *proof)
{
	struct proof ignored;

	if (receiver_holds_on(s))
		return OPEN_ELSEWHERE;
	if (s->elsewhere && !prove_life(s->elsewhere, &ignored))
		return OPEN_ELSEWHERE;
	if (prove_life(s->touched, proof) || prove_left_behind(s, proof))
		return OPEN_NONE;
	if (life_may_be_used_unseen(s->touched))
		return OPEN_IN_FILE;
	if (s->touched->r.site &&
	    (prove_overtaken(s->touched, &ignored) ||
	     (life_may_be_in_custody(s->touched) && life_is_youngest_of_toucher(s->touched))))
		return OPEN_CUSTODY;
	return life_may_be_queued(s->touched) || life_may_be_dispatched(s->touched) ? OPEN_QUEUE
										    : OPEN_NO_PROOF;
}

/* ---- clients ----------------------------------------------------------------------------- */

/* The birth of the youngest socket of the site, as far as progress tells. */
static uint64_t youngest_birth(const struct life *l, uint32_t *tid)
{
	const struct rec_site *site = recording_site(l->process->rec, l->r.site);
	const struct family *f = life_siblings(l);
	size_t i;
	uint64_t youngest = site ? site->ended_born_ns : 0;

	*tid = 0;
	for (i = 0; i < f->nr; i++) {
		if (f->entries[i]->newest_born_ns > youngest) {
			youngest = f->entries[i]->newest_born_ns;
			*tid = f->entries[i]->tid;
		}
	}
	return youngest;
}

bool has_no_younger_sibling(const struct socket *s)
{
	uint32_t tid;

	return !s->birth->r.site || youngest_birth(s->birth, &tid) <= s->birth->r.born_ns;
}

bool has_sibling_born_after(const struct socket *s, uint64_t ns)
{
	uint32_t tid;

	return youngest_birth(s->birth, &tid) > ns;
}

/*
 * The new one may have been opened for another peer: one connect wrapper serves many pools. Where
 * the program read the EOF and kept the socket it is no pool's any more. What peers a receiver was
 * sent sockets of is not known.
 */
static bool may_be_parked(const struct socket *s)
{
	const struct rec_site *site = recording_site(s->birth->process->rec, s->birth->r.site);

	return !s->eof && ((s->birth->r.flags & REC_LIFE_RECEIVED) ||
			   (site && site->peer == REC_SITE_SEVERAL_PEERS));
}

/* The new one may be another thread's: this one's may be at work on what it read, in its FILE. */
static bool may_be_read_unseen(const struct socket *s)
{
	struct proof ignored;

	return (s->flags & REC_LIFE_STDIO) && (life_may_be_used_unseen(s->touched) ||
					       (life_may_be_in_custody(s->touched) &&
						!prove_thread_moved_on(s->touched, &ignored)));
}

enum open_reason prove_replaced(const struct socket *s, uint64_t since_ns, struct proof *proof)
{
	uint32_t tid;

	if (receiver_holds_on(s))
		return OPEN_ELSEWHERE;
	if (has_no_younger_sibling(s)) /* who ended nothing himself may mean to use it again */
		return s->eof || (s->flags & REC_LIFE_SHUT_WR) ? OPEN_ONE_SHOT : OPEN_PARKED;
	if (may_be_read_unseen(s))
		return OPEN_IN_FILE;
	if (youngest_birth(s->birth, &tid) <= since_ns || may_be_parked(s))
		return OPEN_PARKED;
	*proof = (struct proof){PROOF_REPLACED, tid, 0};
	return OPEN_NONE;
}

/* ---- what TCP is through with ------------------------------------------------------------ */

/*
 * The thread that ended may have shared its epoll set; unless others waited and were not told. Who
 * is in its turn has not waited.
 */
bool others_may_come(const struct socket *s, uint64_t since_ns, const struct proof *proof)
{
	return proof->kind != PROOF_TOUCHER_ENDED ||
	       process_has_not_waited_since(s->birth->process, since_ns) ||
	       process_was_in_turn_since(s->birth->process, since_ns);
}

/* What a poll says of our own SHUT_RD is no news, so there nothing shows what the loop was told. */
static bool end_will_be_seen(const struct socket *s)
{
	const uint32_t told = REC_LIFE_RESET | REC_LIFE_EOF | REC_LIFE_CONNECT_FAILED;

	return !(s->flags & (told | REC_LIFE_SHUT_RD)) && socket_end_will_be_seen(s);
}

enum open_reason prove_over(const struct socket *s, uint64_t since_ns, uint64_t grace, bool told,
			    struct proof *proof)
{
	enum open_reason reason;

	/* Told a moment ago, or not yet: nobody can have closed it, however the process ended. */
	if (socket_turn_is_on(s) || end_will_be_seen(s))
		grace = NS_PER_S;
	if (grace && since_ns + grace > socket_judged_ns(s))
		return grace_reason(s->birth->process);
	if (socket_is_client(s)) {
		if (!told)
			return OPEN_NOT_TOLD;
		if (has_no_younger_sibling(s))
			return OPEN_ONE_SHOT;
	}
	reason = prove_moved_on(s, proof);
	if (others_may_come(s, since_ns, proof) && end_will_be_seen(s))
		return OPEN_WATCHED;
	if (proof->kind != PROOF_TOUCHER_ENDED && socket_is_in_turn(s))
		return OPEN_CUSTODY;
	if (!told && proof->kind != PROOF_TOUCHER_ENDED && socket_end_is_handed_over(s))
		return OPEN_QUEUE;
	return reason;
}
