/* SPDX-License-Identifier: MIT */
/*
 * What a recording says of one life in two places, put together: the rest of the command knows
 * struct whole_life alone.
 */
#include "loader.h"

#include <stdlib.h>

#include "alloc.h"

#define SHUT	(REC_LIFE_SHUT_RD | REC_LIFE_SHUT_WR)
#define IN_MORE (REC_LIFE_RESET | SHUT | REC_LIFE_TOLD | REC_LIFE_POLLED)

bool life_has_more(uint32_t flags)
{
	return flags & IN_MORE;
}

static struct whole_life whole_without_more(const struct rec_life *l)
{
#define SAME(member) .member = l->member
	return (struct whole_life){
		SAME(seq),
		SAME(site),
		SAME(born_ns),
		SAME(flags),
		SAME(born_by),
		SAME(touch_call),
		SAME(touch_ns),
		SAME(touch_pc),
		SAME(touch_tid),
		SAME(touch_seq),
		SAME(reader_tid),
		SAME(writer_tid),
		SAME(write_ns),
		SAME(id),
		SAME(born_tid),
		SAME(family),
		SAME(type),
		SAME(protocol),
		.local = rec_life_local(l),
		.peer = rec_life_peer(l),
		SAME(eof_ns),
		SAME(eof_site),
		SAME(eof_tid),
		SAME(reset_errno),
		SAME(close_ns),
		SAME(close_site),
		SAME(close_tid),
		SAME(facts_ns),
		SAME(kernel_cookie),
		SAME(kernel_last_ack_ms),
		SAME(kernel_unread),
		SAME(kernel_unsent),
		SAME(kernel_tcp_state),
		SAME(kernel_eof_unread),
		SAME(kernel_error),
		SAME(epoll_fd),
		SAME(epoll_events),
	};
#undef SAME
}

static void add_more(struct whole_life *w, const struct rec_life_more *more)
{
	if (w->flags & REC_LIFE_RESET) {
		w->reset_ns = more->reset_ns ? more->reset_ns : w->touch_ns;
		w->reset_site = more->reset_site;
	}
	if (w->flags & SHUT) {
		w->shut_ns = more->shut_ns ? more->shut_ns : w->touch_ns;
		w->shut_site = more->shut_site;
	}
	if (w->flags & REC_LIFE_TOLD) {
		w->told_ns = more->told_ns ? more->told_ns : w->touch_ns;
		w->told_site = more->told_site;
	}
	if (w->flags & REC_LIFE_POLLED) {
		w->poller_tid = more->poller_tid;
		w->polled_ns = more->polled_ns;
	}
}

/* When it was reset or told of is not known: at its last touch, as far as can be said. */
static void do_without_more(struct whole_life *w)
{
	w->flags |= REC_LIFE_LOST_MORE;
	if (w->flags & REC_LIFE_RESET)
		w->reset_ns = w->touch_ns;
	if (w->flags & SHUT)
		w->shut_ns = w->touch_ns;
	if (w->flags & REC_LIFE_TOLD)
		w->told_ns = w->touch_ns;
}

/* more: of the same descriptor, of whatever life; or NULL. */
struct whole_life whole_life_of(const struct rec_life *l, const struct rec_life_more *more)
{
	struct whole_life w = whole_without_more(l);
	uint32_t seq = l->seq & 1 ? l->seq : l->seq - 1; /* of the life, which may have ended */

	if (more && more->seq == seq)
		add_more(&w, more);
	else if (life_has_more(w.flags))
		do_without_more(&w);
	return w;
}

static int by_base(const void *a, const void *b)
{
	const struct recorded_more *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static int by_range(const void *key, const void *entry)
{
	const uint32_t *fd = key;
	const struct recorded_more *m = entry;

	return *fd < m->base ? -1 : *fd - m->base >= m->nr;
}

static const struct rec_life_more *find_more(const struct recording *r, int fd)
{
	uint32_t key = (uint32_t)fd;
	const struct recorded_more *m =
		r->nr_more ? bsearch(&key, r->more, r->nr_more, sizeof(*m), by_range) : NULL;

	return m ? &m->first[key - m->base] : NULL;
}

void recording_join_lives(struct recording *r)
{
	size_t i;

	if (r->nr_more)
		qsort(r->more, r->nr_more, sizeof(*r->more), by_base);
	r->whole_lives = xcalloc(r->nr_lives + 1, sizeof(*r->whole_lives));
	for (i = 0; i < r->nr_lives; i++) {
		struct recorded_life *l = &r->lives[i];

		l->further = find_more(r, l->fd);
		l->life = &r->whole_lives[i];
		*l->life = whole_life_of(l->recorded, l->further);
	}
}
