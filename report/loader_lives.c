/* SPDX-License-Identifier: MIT */
/*
 * What a recording says of one life in two places, put together: the rest of the command knows
 * struct whole_life alone.
 */
#include "loader.h"

#include <stdlib.h>

#include "alloc.h"

static struct whole_life whole_life_of(const struct rec_life *l, const struct rec_life_rest *rest)
{
#define SAME(member)	   .member = l->member
#define REST(flag, member) .member = l->flags & REC_LIFE_##flag ? rest->member : 0
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
		.local = rec_life_local(l, rest),
		.peer = rec_life_peer(l, rest),
		REST(RESET, reset_ns),
		REST(RESET, reset_site),
		SAME(shut_ns),
		SAME(shut_site),
		SAME(told_site),
		SAME(told_ns),
		SAME(eof_ns),
		SAME(eof_site),
		SAME(eof_tid),
		SAME(reset_errno),
		SAME(close_ns),
		SAME(close_site),
		SAME(close_tid),
		REST(FACTS, facts_ns),
		REST(COOKIE, kernel_cookie),
		REST(FACTS, kernel_last_ack_ms),
		REST(FACTS, kernel_unread),
		REST(FACTS, kernel_unsent),
		REST(FACTS, kernel_tcp_state),
		REST(FACTS, kernel_eof_unread),
		REST(FACTS, kernel_error),
		SAME(epoll_fd),
		SAME(epoll_events),
		SAME(poller_tid),
		SAME(polled_ns),
	};
#undef REST
#undef SAME
}

void recording_join_lives(struct recording *r)
{
	size_t i;

	r->whole_lives = xcalloc(r->nr_lives + 1, sizeof(*r->whole_lives));
	for (i = 0; i < r->nr_lives; i++) {
		struct recorded_life *l = &r->lives[i];

		l->life = &r->whole_lives[i];
		*l->life =
			whole_life_of(l->recorded, rec_life_rest_of(l->recorded, (uint32_t)l->fd));
	}
}
