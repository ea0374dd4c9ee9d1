/* SPDX-License-Identifier: MIT */
/*
 * The table of lives, by descriptor. Lock-free: the kernel gives a number to one owner at a time,
 * a death is recorded before the number is given back and a birth after it was handed out, so a
 * slot's seq moves under one hand. All between is single words. What belongs to a generation is
 * written only while seq still says so.
 *
 * In a forked child that has no recording yet the chunks are copies of the parent's (inherit.c).
 */
#include "shim.h"
#include <netinet/in.h>

static struct rec_life **l2_make(uint32_t i)
{
	struct rec_life **l2 = sys_mmap(-1, 0, LIVES_L2 * sizeof(*l2)), **before = NULL;

	if (!l2)
		return NULL;
	if (word_cas(&shim.lives[i], &before, l2))
		return l2;
	sys_munmap(l2, LIVES_L2 * sizeof(*l2));
	return before;
}

struct rec_life **life_chunk_pointer(uint32_t chunk)
{
	struct rec_life **l2 = word_get_acquire(&shim.lives[chunk / LIVES_L2]);

	if (!l2)
		l2 = l2_make(chunk / LIVES_L2);
	return l2 ? &l2[chunk % LIVES_L2] : NULL;
}

struct rec_life *life_chunk_grow(uint32_t chunk)
{
	return recorder_grow(REC_CHUNK_LIVES, 1, chunk * REC_LIVES_PER_CHUNK, REC_LIVES_PER_CHUNK,
			     sizeof(struct rec_life));
}

/* The slot of fd, made if need be. A chunk made twice in a race is left empty in the file. */
static struct rec_life *slot_make(int fd)
{
	uint32_t chunk = (uint32_t)fd / REC_LIVES_PER_CHUNK, top;
	struct rec_life *lives, *before = NULL, **p;

	if (chunk / LIVES_L2 >= LIVES_L1)
		return NULL;
	p = life_chunk_pointer(chunk);
	lives = p ? life_chunk_grow(chunk) : NULL;
	if (!lives)
		return NULL;
	if (!word_cas(p, &before, lives))
		((struct rec_chunk *)lives)[-1].nr = 0;
	top = word_get(&shim.top_chunk);
	while (top <= chunk && !word_cas(&shim.top_chunk, &top, chunk + 1))
		;
	return life_slot(fd);
}

void life_addr(struct rec_addr *to, const void *addr, socklen_t len)
{
	const struct sockaddr_in *v4 = addr;
	const struct sockaddr_in6 *v6 = addr;

	if (len >= sizeof(*v4) && v4->sin_family == AF_INET) {
		memcpy(to->ip, &v4->sin_addr, 4);
		to->port = ntohs(v4->sin_port);
		to->family = AF_INET;
	} else if (len >= 24 && v6->sin6_family == AF_INET6) {
		memcpy(to->ip, &v6->sin6_addr, 16);
		to->scope = len >= sizeof(*v6) ? v6->sin6_scope_id : 0;
		to->port = ntohs(v6->sin6_port);
		to->family = AF_INET6;
	}
}

/* All but seq, close_* (the tombstone of the generation before) and what starts as zero. */
static void life_fill(struct rec_life *l, const struct birth *b, uint32_t site, uint64_t now)
{
	size_t from = offsetof(struct rec_life, site), to = offsetof(struct rec_life, close_ns);

	memset((char *)l + from, 0, to - from);
	from = offsetof(struct rec_life, facts_ns);
	memset((char *)l + from, 0, sizeof(*l) - from);
	l->site = site;
	l->id = word_add(&shim.next_id, 1);
	l->born_ns = now;
	l->born_tid = thread_tid();
	l->family = (uint16_t)b->family;
	l->type = (uint8_t)(b->type & 0xf);
	l->protocol = (uint8_t)b->protocol;
	l->flags = b->flags;
	l->born_by = (uint16_t)b->call;
	l->touch_call = (uint16_t)b->call;
	l->touch_ns = now;
	l->touch_tid = l->born_tid;
	l->touch_seq = ++thread.touch_seq;
	l->sibling_fd = -1;
	l->epoll_fd = -1;
}

/*
 * Takes the slot out of the readers' sight. Whoever lived there died through a door unseen, or
 * lives on: then a vfork child has closed its own copy and was given the number.
 */
static struct rec_life *slot_begin(int fd, uint32_t *seq)
{
	struct rec_life *l = NULL;

	if (recorder_ready() && !(l = life_slot(fd)))
		l = slot_make(fd);
	if (!l) {
		recorder_lost(&shim.head->lost_lives);
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
static struct life_ref slot_commit(struct rec_life *l, uint32_t seq)
{
	uint32_t before = seq;

	word_cas(&l->seq, &before, seq + 1);
	return (struct life_ref){l, seq + 1};
}

struct life_ref life_born(int fd, const struct birth *birth, struct at at)
{
	uint32_t seq;
	struct rec_life *l = slot_begin(fd, &seq);
	struct life_ref ref;
	uint64_t now;

	if (!l)
		return (struct life_ref){NULL, 0};
	now = now_ns();
	life_fill(l, birth, stack_site(at), now);
	if (!l->site)
		recorder_lost(&shim.head->births_without_stack);
	progress_touched(l, l->touch_ns, false); /* once it is seen, so is who has it in hand */
	ref = slot_commit(l, seq);
	word_add(&shim.head->births, 1);
	if (unlikely(now >= word_get(&shim.next_refresh_ns)))
		facts_refresh(now);
	return ref;
}

/* One socket, one descriptor more: it keeps its id, its birth and what is known of it. */
void life_born_by_dup(int fd, struct life_ref from, int from_fd, enum rec_call call, struct at at)
{
	uint32_t seq;
	struct rec_life *l = slot_begin(fd, &seq), copy;

	if (!l)
		return;
	word_set(&from.life->flags, from.life->flags | REC_LIFE_DUPLICATE);
	word_set(&from.life->sibling_fd, fd);
	copy = *from.life;
	copy.seq = seq;
	copy.close_ns = l->close_ns;
	copy.close_site = l->close_site;
	copy.close_tid = l->close_tid;
	copy.sibling_fd = from_fd;
	*l = copy;
	life_touch(slot_commit(l, seq), call, at);
}

/* The word that a child without a recording asks first: it gets one. */
COLD struct life_ref life_find_detached(int fd, struct rec_life *life)
{
	uint32_t seq;

	if (recorder_ready())
		life = life_slot(fd);
	seq = life ? word_get_acquire(&life->seq) : 0;
	return seq & 1 ? (struct life_ref){life, seq} : (struct life_ref){NULL, 0};
}

/* What the kernel said is said of one descriptor, and lies in that one's life. */
#define OF_ONE_DESCRIPTOR (REC_LIFE_FACTS | REC_LIFE_TOUCHER_ENDED)

/*
 * Which thread had the socket in hand last, by whichever of its numbers. What is not TOUCHED says
 * who gave birth to it, in this process or its parent: that was before.
 */
static void pass_on_touch(const struct rec_life *l, struct rec_life *s)
{
	bool newer = l->touch_tid == s->touch_tid ? l->touch_seq > s->touch_seq
						  : l->touch_ns >= s->touch_ns;

	if (!(l->flags & REC_LIFE_TOUCHED) || ((s->flags & REC_LIFE_TOUCHED) && !newer))
		return;
	word_set(&s->touch_ns, l->touch_ns);
	word_set(&s->touch_pc, l->touch_pc);
	word_set(&s->touch_call, l->touch_call);
	word_set(&s->touch_tid, l->touch_tid);
	word_set(&s->touch_seq, l->touch_seq);
}

/* What one descriptor learnt must not die with it while another still holds the socket. */
static bool pass_on_to_sibling(const struct rec_life *l)
{
	struct rec_life *s = life_slot(l->sibling_fd);

	if (!s || !(word_get(&s->seq) & 1) || s->id != l->id)
		return false;
	if (!s->eof_ns && l->eof_ns) {
		s->eof_site = l->eof_site;
		s->eof_tid = l->eof_tid;
		word_set(&s->eof_ns, l->eof_ns);
	}
	if (!s->reset_ns && l->reset_ns) {
		s->reset_site = l->reset_site;
		s->reset_errno = l->reset_errno;
		word_set(&s->reset_ns, l->reset_ns);
	}
	pass_on_touch(l, s);
	word_set(&s->flags, s->flags | (l->flags & ~(uint32_t)OF_ONE_DESCRIPTOR));
	return true;
}

/*
 * Records a death, before the kernel can give the number to somebody else. Returns whether there
 * was one to record; *undo then brings it back (the call failed and closed nothing).
 */
bool life_die(int fd, struct at at, uint32_t *undo)
{
	struct life_ref ref = life_find(fd);
	struct rec_life *l = ref.life;

	if (likely(!l) || process_is_other())
		return false;
	l->close_site = stack_site(at);
	l->close_tid = thread_tid();
	word_set(&l->close_ns, now_ns());
	if (!(l->flags & REC_LIFE_DUPLICATE) || !pass_on_to_sibling(l))
		progress_ended(l);
	if (!word_cas(&l->seq, &ref.seq, ref.seq + 1))
		return false;
	word_add(&shim.head->deaths, 1);
	*undo = ref.seq;
	return true;
}

void life_undo_death(int fd, uint32_t undo)
{
	struct rec_life *l = life_slot(fd);
	uint32_t dead = undo + 1;

	if (l && word_cas(&l->seq, &dead, undo))
		word_add(&shim.head->deaths, (uint64_t)-1);
}

/* The kernel said EBADF or ENOTSOCK: it was closed by a door that no hook sees. */
void life_vanished(struct life_ref ref)
{
	if (word_cas(&ref.life->seq, &ref.seq, ref.seq + 1))
		word_add(&shim.head->deaths, 1);
}

void life_flag(struct life_ref ref, uint32_t flag)
{
	if (!(word_get(&ref.life->flags) & flag))
		__atomic_fetch_or(&ref.life->flags, flag, __ATOMIC_RELAXED);
}

void life_touch(struct life_ref ref, enum rec_call call, struct at at)
{
	struct rec_life *l = ref.life;
	uint64_t now;
	bool first;

	if (!life_is(ref))
		return;
	now = now_coarse_ns();
	word_set(&l->touch_ns, now);
	word_set(&l->touch_pc, at.pc);
	word_set(&l->touch_call, (uint16_t)call);
	word_set(&l->touch_tid, thread_tid());
	word_set(&l->touch_seq, ++thread.touch_seq);
	first = !(word_get(&l->flags) & REC_LIFE_TOUCHED);
	if (first)
		life_flag(ref, REC_LIFE_TOUCHED);
	progress_touched(l, now, first);
}

void life_wrote(struct life_ref ref)
{
	if (life_is(ref))
		word_set(&ref.life->write_ns, word_get(&ref.life->touch_ns));
}

void life_eof(struct life_ref ref, struct at at)
{
	struct rec_life *l = ref.life;

	if (!life_is(ref) || word_get(&l->eof_ns) || (l->flags & REC_LIFE_SHUT_RD))
		return;
	l->eof_site = stack_site(at);
	l->eof_tid = thread_tid();
	word_set(&l->eof_ns, now_ns());
	word_set(&l->touch_ns, l->eof_ns); /* the same call: one time, the exact one */
	life_flag(ref, REC_LIFE_EOF);
}

static bool is_end_of_connection(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case ECONNABORTED:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETRESET:
		return true;
	}
	return false;
}

/* A call on the socket failed. Remembers the first error that ended the connection. */
void life_error(struct life_ref ref, int error, struct at at)
{
	struct rec_life *l = ref.life;

	if (error == EBADF || error == ENOTSOCK) {
		life_vanished(ref);
		return;
	}
	if (!is_end_of_connection(error) || !life_is(ref) || word_get(&l->reset_ns))
		return;
	l->reset_site = stack_site(at);
	l->reset_errno = (uint32_t)error;
	word_set(&l->reset_ns, now_ns());
	life_flag(ref, REC_LIFE_RESET);
}

void life_shut(struct life_ref ref, int how, struct at at)
{
	struct rec_life *l = ref.life;

	if (!life_is(ref))
		return;
	l->shut_site = stack_site(at);
	word_set(&l->shut_ns, now_ns());
	if (how != SHUT_WR)
		life_flag(ref, REC_LIFE_SHUT_RD);
	if (how != SHUT_RD)
		life_flag(ref, REC_LIFE_SHUT_WR);
}
