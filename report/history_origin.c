/* SPDX-License-Identifier: MIT */
/*
 * Where a socket comes from that its holder did not open: out of an image that ended by exec, or
 * out of a process that sent it. They are told by the kernel's cookie.
 *
 * What the earlier image knew (that the EOF was read, say) is known of the socket. But the holder
 * is judged by its own time and end: the rules ask the holder, and only words come from here.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static struct origin *add_origin(struct history *h, size_t *alloc)
{
	ALLOC_GROW(h->origins, h->nr_origins + 1, *alloc);
	memset(&h->origins[h->nr_origins], 0, sizeof(*h->origins));
	return &h->origins[h->nr_origins++];
}

static bool was_passed_on(const struct whole_life *l)
{
	return (l->seq & 1) && l->kernel_cookie && !(l->flags & (REC_LIFE_GONE | REC_LIFE_CLOEXEC));
}

static void read_lives(struct history *h, const struct process *p, size_t *alloc)
{
	size_t i;

	for (i = 0; i < p->rec->nr_lives; i++) {
		const struct recorded_life *from = &p->rec->lives[i];

		h->has_receivers |= from->life->seq && (from->life->flags & REC_LIFE_RECEIVED);
		if (p->end == PROCESS_REPLACED && was_passed_on(from->life))
			add_origin(h, alloc)->life =
				(struct life){.process = p, .fd = from->fd, .r = *from->life};
	}
}

static void read_sent(struct history *h, const struct process *p, size_t *alloc)
{
	size_t i;

	for (i = 0; i < p->rec->nr_sent; i++) {
		const struct rec_sent *s = p->rec->sent[i];
		struct origin *o = add_origin(h, alloc);
		struct whole_life *r = &o->life.r;

		o->sent = true;
		o->sent_site = s->sent_site;
		o->life.process = p;
		o->life.fd = s->fd;
		r->id = s->id;
		r->kernel_cookie = s->cookie;
		r->site = s->born_site;
		r->born_ns = r->touch_ns = s->born_ns;
		r->born_tid = r->touch_tid = s->born_tid;
		r->born_by = r->touch_call = s->born_by;
	}
}

/* Of those that passed one socket on, who came by it in the least roundabout way comes first. */
static int distance(const struct whole_life *r)
{
	switch (r->born_by) {
	case REC_CALL_RECVMSG:
	case REC_CALL_RECVMMSG:
	case REC_CALL_PIDFD_GETFD:
	case REC_CALL_AT_START:
	case REC_CALL_UNSEEN:
		return 1;
	}
	return 0;
}

static int cmp_origins(const void *a, const void *b)
{
	const struct whole_life *x = &((const struct origin *)a)->life.r;
	const struct whole_life *y = &((const struct origin *)b)->life.r;

	if (x->kernel_cookie != y->kernel_cookie)
		return x->kernel_cookie < y->kernel_cookie ? -1 : 1;
	if (distance(x) != distance(y))
		return distance(x) - distance(y);
	return x->born_ns < y->born_ns ? -1 : x->born_ns > y->born_ns;
}

void origins_read(struct history *h)
{
	size_t i, alloc = 0;

	for (i = 0; i < h->nr_processes; i++) {
		read_lives(h, &h->processes[i], &alloc);
		read_sent(h, &h->processes[i], &alloc);
	}
	sort_array(h->origins, h->nr_origins, sizeof(*h->origins), cmp_origins);
}

/* ---- of one socket ------------------------------------------------------------------------ */

static uint64_t cookie_of(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l && !l->r.kernel_cookie; l = l->next_holder)
		;
	return l ? l->r.kernel_cookie : 0;
}

/* The first origin of that cookie or a larger one. */
static size_t find_first(const struct history *h, uint64_t cookie)
{
	size_t lo = 0, hi = h->nr_origins;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->origins[mid].life.r.kernel_cookie < cookie)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

#define LASTING                                                                                    \
	(REC_LIFE_EOF | REC_LIFE_RESET | REC_LIFE_SHUT_RD | REC_LIFE_SHUT_WR |                     \
	 REC_LIFE_CONNECTED | REC_LIFE_CONNECT_FAILED | REC_LIFE_LISTENING)

/* What the image before the exec had learnt. */
static void add_knowledge(struct socket *s, const struct life *l)
{
	s->flags |= l->r.flags & LASTING;
	if (!s->kept && (l->r.flags & REC_LIFE_KEPT))
		s->kept = l;
	if (l->r.write_ns > s->write_ns)
		s->write_ns = l->r.write_ns;
	if ((l->r.flags & REC_LIFE_EOF) && (!s->eof || l->r.eof_ns < s->eof->r.eof_ns))
		s->eof = l;
	if ((l->r.flags & REC_LIFE_RESET) && (!s->reset || l->r.reset_ns < s->reset->r.reset_ns))
		s->reset = l;
	if ((l->r.flags & REC_LIFE_TOUCHED) &&
	    (!s->before || l->r.touch_ns > s->before->r.touch_ns))
		s->before = l;
}

static bool came_from_outside(const struct life *l)
{
	return l->r.flags & (REC_LIFE_AT_START | REC_LIFE_RECEIVED | REC_LIFE_UNSEEN);
}

/* A holder that could not know takes what was connected for accepted; the opener knows better. */
static void take_side(struct socket *s)
{
	if (!s->opened || s->opened->life.r.born_by != REC_CALL_SOCKET ||
	    !(s->flags & REC_LIFE_ACCEPTED))
		return;
	s->flags &= ~(uint32_t)REC_LIFE_ACCEPTED;
	s->flags |= REC_LIFE_CONNECTED;
}

static bool is_received(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l && !(l->r.flags & REC_LIFE_RECEIVED); l = l->next_holder)
		;
	return l;
}

static void find_origins(struct history *h, struct socket *s)
{
	uint64_t cookie = cookie_of(s);
	size_t i;

	s->sent_away = (s->flags & REC_LIFE_SENT) && !h->has_receivers && !is_received(s);
	for (i = find_first(h, cookie); cookie && i < h->nr_origins; i++) {
		const struct origin *o = &h->origins[i];

		if (o->life.r.kernel_cookie != cookie)
			break;
		if (!o->sent)
			add_knowledge(s, &o->life);
		else if (!s->sent && is_received(s))
			s->sent = o;
		if (!s->opened && came_from_outside(s->birth) && !distance(&o->life.r))
			s->opened = o;
	}
	take_side(s);
}

void origins_join(struct history *h)
{
	size_t i;

	for (i = 0; i < h->nr_sockets; i++)
		find_origins(h, &h->sockets[i]);
}

const struct life *socket_opened(const struct socket *s)
{
	return s->opened ? &s->opened->life : s->birth;
}

bool socket_is_unseen(const struct socket *s)
{
	return !s->opened && (s->birth->r.flags & REC_LIFE_UNSEEN);
}
