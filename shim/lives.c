/* SPDX-License-Identifier: MIT */
/*
 * The table of lives, by descriptor. Lock-free: the kernel gives a number to one owner at a time,
 * a death is recorded before the number is given back and a birth after it was handed out, so a
 * slot's seq moves under one hand. All between is single words. What belongs to a generation is
 * written only while seq still says so.
 *
 * In a forked child that has no recording yet the chunks are copies of the parent's (inherit.c).
 */
#include "lives.h"

#include "at.h"
#include "clock.h"
#include "epoll.h"
#include "facts.h"
#include "house.h"
#include "other.h"
#include "outcomes.h"
#include "progress.h"
#include "recorder.h"
#include "recording.h"
#include "shards.h"
#include "shim.h"
#include "sites.h"
#include "slots.h"
#include "stack.h"
#include "stuck.h"
#include "thread.h"
#include "touch.h"
#include "words.h"

/*
 * All but seq and close_*, the tombstone of the generation before; they are last. Word by word, for
 * a call that began in that generation may still be about to write its result.
 */
static void life_write(struct rec_life *l, const struct rec_life *from)
{
	size_t begin = offsetof(struct rec_life, born_ns),
	       end = offsetof(struct rec_life, close_ns);

	word_set(&l->site, from->site);
	words_copy((char *)l + begin, (const char *)from + begin, end - begin);
}

static void life_fill(struct rec_life *l, const struct birth *b, uint32_t site, uint64_t now)
{
	uint32_t tid = thread_tid();
	struct rec_life life = {
		.site = site,
		.id = id_new(),
		.born_ns = now,
		.born_tid = tid,
		.family = (uint8_t)b->family,
		.type = (uint8_t)(b->type & 0xf),
		.protocol = (uint8_t)b->protocol,
		.flags = b->flags,
		.born_by = (uint8_t)b->call,
		.touch_call = (uint8_t)b->call,
		.touch_ns = now,
		.touch_tid = tid,
		.touch_seq = ++thread.touch_seq,
		.epoll_fd = -1,
	};

	life_write(l, &life);
}

/*
 * Takes the slot out of the readers' sight. Whoever lived there died through a door unseen, or
 * lives on: then a child that shares our memory has closed its own copy and was given the number.
 * That is rare enough to ask each time; what else such a child opens is not ours either.
 */
static struct rec_life *slot_begin(int fd, uint32_t *seq)
{
	struct rec_life *l = NULL;

	if (other_runs())
		return NULL;
	if (recorder_ready() && !(l = life_slot(fd)))
		l = life_slot_make(fd);
	if (!l) {
		recorder_lost(&word_get_acquire(&shim.head)->lost_lives);
		return NULL;
	}
	*seq = word_get(&l->seq);
	if ((*seq & 1) && process_is_other())
		return NULL;
	if (*seq & 1)
		word_set_release(&l->seq, ++*seq);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return l;
}

/*
 * Once: a child that a signal handler forked in the middle of a birth comes back here too, and
 * the slot is its parent's.
 */
static struct life_ref slot_commit(int fd, struct rec_life *l, uint32_t seq)
{
	uint32_t before = seq;

	word_cas(&l->seq, &before, seq + 1);
	return (struct life_ref){l, seq + 1, fd};
}

struct life_ref life_born(int fd, const struct birth *birth, struct at at)
{
	uint32_t seq;
	struct rec_life *l = slot_begin(fd, &seq);
	struct life_ref ref;
	uint32_t site;
	uint64_t now;

	if (!l)
		return (struct life_ref){NULL, 0, fd};
	now = now_ns();
	site = stack_site(at);
	life_fill(l, birth, site, now);
	if (!site)
		recorder_lost(&shim.head->births_without_stack);
	site_bears(site, birth->call);
	/* Once it is seen, so is who has it in hand. */
	progress_touched(l, thread_tid(), now, false);
	ref = slot_commit(fd, l, seq);
	word_add(&shim.head->shards[shard_of_thread()].births, 1);
	if (unlikely(word_get(&shim.end_began) == END_SIGNALLED))
		outcome_goes_on(l);
	if (unlikely(now >= word_get(&shim.next_refresh_ns)))
		facts_refresh(now);
	return ref;
}

/* Who waits does so by one descriptor, in one process. l: nobody else's yet. */
void life_forget_waiters(struct rec_life *l)
{
	l->poller_tid = 0;
	l->polled_ns = 0;
	l->reader_tid = 0;
	l->writer_tid = 0;
}

/* One whose opening nobody saw: it has no stack, and is not counted among the births. */
struct life_ref life_found(int fd, const struct birth *birth, uint64_t born_ns)
{
	uint32_t seq;
	struct rec_life *l = slot_begin(fd, &seq);

	if (!l)
		return (struct life_ref){NULL, 0, fd};
	life_fill(l, birth, 0, born_ns);
	return slot_commit(fd, l, seq);
}

/* One socket, one descriptor more: it keeps its id, its birth and what is known of it. */
struct life_ref life_alias(int fd, struct life_ref from)
{
	uint32_t seq = 0;
	struct rec_life *l = slot_begin(fd, &seq), copy;
	struct life_ref to = {l, seq + 1, fd};

	if (!l)
		return (struct life_ref){NULL, 0, fd};
	word_set(&life_rest(from)->sibling_fd, fd);
	life_flag(from, REC_LIFE_DUPLICATE);
	words_copy(&copy, from.life, sizeof(copy));
	words_copy(life_rest(to), life_rest(from), sizeof(struct rec_life_rest));
	word_set(&life_rest(to)->sibling_fd, from.fd);
	copy.epoll_fd = -1;
	copy.epoll_events = 0;
	copy.flags = (copy.flags & ~(uint32_t)(REC_LIFE_FIRED | REC_LIFE_HANDED)) | REC_LIFE_COPY;
	life_forget_waiters(&copy);
	life_write(l, &copy);
	return slot_commit(fd, l, seq);
}

void life_born_by_dup(int fd, struct life_ref from, enum rec_call call, struct at at)
{
	struct life_ref ref = life_alias(fd, from);

	if (ref.life)
		life_touch(ref, call, at);
}

/* The word that a child without a recording asks first: it gets one. */
COLD struct life_ref life_find_detached(int fd, struct rec_life *life)
{
	uint32_t seq;

	if (recorder_ready())
		life = life_slot(fd);
	seq = life ? word_get_acquire(&life->seq) : 0;
	return seq & 1 ? (struct life_ref){life, seq, fd} : (struct life_ref){NULL, 0, fd};
}

/* What is said of one descriptor, and lies in that one's life. */
#define OF_ONE_DESCRIPTOR                                                                          \
	(REC_LIFE_FACTS | REC_LIFE_TOUCHER_ENDED | REC_LIFE_FIRED | REC_LIFE_HANDED | REC_LIFE_COPY)

/*
 * Which thread had the socket in hand last, by whichever of its numbers. What is not TOUCHED says
 * who gave birth to it, in this process or its parent: that was before.
 */
static void pass_on_touch(const struct rec_life *l, struct rec_life *s)
{
	bool newer = word_get(&l->touch_tid) == word_get(&s->touch_tid)
			     ? word_get(&l->touch_seq) > word_get(&s->touch_seq)
			     : word_get(&l->touch_ns) >= word_get(&s->touch_ns);

	if (!(word_get(&l->flags) & REC_LIFE_TOUCHED) ||
	    ((word_get(&s->flags) & REC_LIFE_TOUCHED) && !newer))
		return;
	word_set(&s->touch_ns, word_get(&l->touch_ns));
	word_set(&s->touch_pc, word_get(&l->touch_pc));
	word_set(&s->touch_call, word_get(&l->touch_call));
	word_set(&s->touch_tid, word_get(&l->touch_tid));
	word_set(&s->touch_seq, word_get(&l->touch_seq));
}

/* Kept with the copy, for the slot of the first is soon another's. */
static void pass_on_closing(const struct rec_life *l, struct rec_life *s)
{
	if (word_get(&l->flags) & REC_LIFE_COPY)
		return;
	word_set(&s->close_site, word_get(&l->close_site));
	word_set(&s->close_tid, word_get(&l->close_tid));
	word_set(&s->close_ns, word_get(&l->close_ns));
	__atomic_fetch_or(&s->flags, REC_LIFE_FIRST_CLOSED, __ATOMIC_RELAXED);
}

static void pass_on_reset(struct life_ref from, struct life_ref to)
{
	const struct rec_life_rest *l = life_rest(from);
	struct rec_life_rest *s = life_rest(to);

	if ((word_get(&to.life->flags) & REC_LIFE_RESET) ||
	    !(word_get(&from.life->flags) & REC_LIFE_RESET))
		return;
	word_set(&s->reset_site, word_get(&l->reset_site));
	word_set(&s->reset_ns, word_get(&l->reset_ns));
	word_set(&to.life->reset_errno, word_get(&from.life->reset_errno));
}

/* That the peer is gone, and that we said so. */
static void pass_on_ends(const struct rec_life *l, struct rec_life *s)
{
	if (!word_get(&s->told_ns) && word_get(&l->told_ns)) {
		word_set(&s->told_site, word_get(&l->told_site));
		word_set(&s->told_ns, word_get(&l->told_ns));
	}
	if (!word_get(&s->shut_ns) && word_get(&l->shut_ns)) {
		word_set(&s->shut_site, word_get(&l->shut_site));
		word_set(&s->shut_ns, word_get(&l->shut_ns));
	}
	if (!word_get(&s->eof_ns) && word_get(&l->eof_ns)) {
		word_set(&s->eof_site, word_get(&l->eof_site));
		word_set(&s->eof_tid, word_get(&l->eof_tid));
		word_set(&s->eof_ns, word_get(&l->eof_ns));
	}
}

/* Another descriptor of the same socket. */
static struct life_ref sibling_find(struct life_ref ref)
{
	struct life_ref s = {NULL, 0, word_get(&life_rest(ref)->sibling_fd)};

	s.life = life_slot(s.fd);
	s.seq = s.life ? word_get_acquire(&s.life->seq) : 0;
	if (!(s.seq & 1) || word_get(&s.life->id) != word_get(&ref.life->id))
		s.life = NULL;
	return s;
}

/* What one descriptor learnt must not die with it while another still holds the socket. */
static bool pass_on_to_sibling(struct life_ref ref)
{
	const struct rec_life *l = ref.life;
	struct life_ref sibling = sibling_find(ref);
	struct rec_life *s = sibling.life;

	if (!s)
		return false;
	pass_on_ends(l, s);
	pass_on_reset(ref, sibling);
	pass_on_touch(l, s);
	pass_on_closing(l, s);
	__atomic_fetch_or(&s->flags, word_get(&l->flags) & ~(uint32_t)OF_ONE_DESCRIPTOR,
			  __ATOMIC_RELEASE);
	return true;
}

/* Its last descriptor in this process is about to go. */
static void socket_ends(struct life_ref ref)
{
	progress_ended(ref.life);
	if (word_get(&ref.life->flags) & REC_LIFE_LISTENING)
		outcome_listener_closes(ref.life);
	else
		outcome_add(ref);
}

/*
 * Records a death, before the kernel can give the number to somebody else. Returns whether there
 * was one to record; *undo then brings it back (the call failed and closed nothing).
 */
bool life_die(int fd, struct at at, uint32_t *undo)
{
	struct life_ref ref = life_find(fd);
	struct rec_life *l = ref.life;
	bool ends;

	if (unlikely(epoll_is_set(fd)) && !l)
		epoll_closed(fd);
	if (likely(!l) || other_runs())
		return false;
	word_set(&l->close_site, stack_site(at));
	word_set(&l->close_tid, thread_tid());
	word_set(&l->close_ns, now_ns());
	ends = !(word_get(&l->flags) & REC_LIFE_DUPLICATE) || !pass_on_to_sibling(ref);
	if (ends)
		socket_ends(ref);
	if (!word_cas(&l->seq, &ref.seq, ref.seq + 1))
		return false;
	if (ends)
		stuck_closed(fd, l);
	word_add(&shim.head->shards[shard_of_thread()].deaths, 1);
	*undo = ref.seq;
	return true;
}

void life_undo_death(int fd, uint32_t undo)
{
	struct rec_life *l = life_slot(fd);
	uint32_t dead = undo + 1;

	if (!l || !word_cas(&l->seq, &dead, undo))
		return;
	word_add(&shim.head->shards[shard_of_thread()].deaths, (uint64_t)-1);
	stuck_undo(fd);
}

/* The kernel said EBADF or ENOTSOCK: it was closed by a door that no hook sees. */
void life_vanished(struct life_ref ref)
{
	if (word_cas(&ref.life->seq, &ref.seq, ref.seq + 1))
		word_add(&shim.head->shards[shard_of_thread()].deaths, 1);
}

/* After what the flag says is there. */
void life_flag(struct life_ref ref, uint32_t flag)
{
	if (~word_get(&ref.life->flags) & flag)
		__atomic_fetch_or(&ref.life->flags, flag, __ATOMIC_RELEASE);
}

/* Used for the first time since its birth, or since an event of it was handed to a thread. */
void life_taken(struct life_ref ref)
{
	life_flag(ref, REC_LIFE_TOUCHED);
	if (word_get(&ref.life->flags) & REC_LIFE_HANDED)
		__atomic_fetch_and(&ref.life->flags, ~(uint32_t)REC_LIFE_HANDED, __ATOMIC_RELAXED);
}

/* Of all descriptors that share the socket. */
void lives_flag_all(uint64_t id, uint32_t flag)
{
	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct rec_life *l = life_slot((int)fd);

		if (l && (word_get(&l->seq) & 1) && word_get(&l->id) == id)
			life_flag((struct life_ref){l, 0, (int)fd}, flag);
	}
}
