/* SPDX-License-Identifier: MIT */
/* Who waits on a socket: epoll sets, poll sets, blocked threads. */
#include "attendance.h"

#include <sys/epoll.h>

/* last_seen_ns is coarse, and set at most every 10 ms. */
#define SEEN_LAG_NS (20 * NS_PER_MS)

/* So long may an event lie before a worker that is busy with those before it. */
#define QUEUE_NS (10 * NS_PER_S)

#define BLIND_PROCESS (REC_HEADER_IO_URING | REC_HEADER_DEEPBIND | REC_HEADER_SEALED)

static bool thread_ended(const struct life *l, uint32_t tid)
{
	return (l->r.flags & REC_LIFE_TOUCHER_ENDED) && l->r.touch_tid == tid;
}

static bool in_call(const struct life *l)
{
	return (l->r.reader_tid && !thread_ended(l, l->r.reader_tid)) ||
	       (l->r.writer_tid && !thread_ended(l, l->r.writer_tid));
}

/* A set that was stamped later, without this socket, has lost it. */
static bool in_poll_set(const struct life *l)
{
	const struct recording *r = l->process->rec;
	size_t i;

	for (i = 0; l->r.poller_tid && l->r.polled_ns && i < r->nr_pollers; i++)
		if (r->pollers[i]->tid == l->r.poller_tid)
			return r->pollers[i]->stamped_ns <= l->r.polled_ns;
	return false;
}

/* Armed to write is armed: who waits to send will learn that the peer is gone. */
static bool in_epoll_set(const struct life *l)
{
	return l->r.epoll_fd >= 0 && !(l->r.flags & REC_LIFE_FIRED) &&
	       (l->r.epoll_events & (EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLOUT | EPOLLWRNORM));
}

static enum attendance life_attendance(const struct life *l)
{
	if (l->process->rec->header->flags & BLIND_PROCESS)
		return ATTENDED_UNSEEN;
	if (in_call(l))
		return ATTENDED_BY_CALL;
	if (in_epoll_set(l))
		return ATTENDED_BY_EPOLL;
	return in_poll_set(l) ? ATTENDED_BY_POLL : ATTENDED_NOT;
}

enum attendance socket_attendance(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (life_attendance(l) != ATTENDED_NOT)
			return life_attendance(l);
	return ATTENDED_NOT;
}

uint64_t socket_attended_until_ns(const struct socket *s)
{
	const struct life *l;
	uint64_t ns = 0;

	for (l = s->holders; l; l = l->next_holder)
		if (l->r.polled_ns > ns)
			ns = l->r.polled_ns;
	return ns;
}

bool socket_is_handed_over(const struct socket *s)
{
	const uint32_t handed = REC_LIFE_FIRED | REC_LIFE_HANDED;

	return (s->touched->r.flags & handed) == handed;
}

bool socket_end_is_handed_over(const struct socket *s)
{
	return socket_is_handed_over(s) &&
	       s->touched->r.polled_ns + QUEUE_NS > s->touched->process->now_ns;
}

/* No wait of the process has returned since: what came then still lies before it. */
static bool has_not_waited_since(const struct process *p, uint64_t ns)
{
	uint64_t seen = p->rec->header->last_seen_ns;

	return seen && ns && seen + SEEN_LAG_NS < ns;
}

/* An edge is told once; what is level-triggered is told again until it is read. */
static bool will_be_told(const struct life *l, uint64_t fin_ns)
{
	if (l->r.flags & REC_LIFE_TOLD)
		return false;
	if (in_poll_set(l) || l->r.reader_tid)
		return true;
	if (!in_epoll_set(l) || !(l->r.epoll_events & (EPOLLIN | EPOLLRDNORM | EPOLLRDHUP)))
		return false;
	return !(l->r.epoll_events & (EPOLLET | EPOLLONESHOT)) ||
	       has_not_waited_since(l->process, fin_ns);
}

bool socket_eof_will_be_seen(const struct socket *s, uint64_t fin_ns)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (will_be_told(l, fin_ns))
			return true;
	return false;
}

/* The last time that a call of the program, or its wait, said that the peer is gone; or 0. */
static uint64_t told_ns(const struct life *l)
{
	uint64_t ns = 0;

	if (l->r.flags & REC_LIFE_EOF)
		ns = l->r.eof_ns;
	if ((l->r.flags & REC_LIFE_RESET) && l->r.reset_ns > ns)
		ns = l->r.reset_ns;
	if ((l->r.flags & REC_LIFE_TOLD) && l->r.told_ns > ns)
		ns = l->r.told_ns;
	return ns;
}

/* last_seen_ns is early, never late. An edge is told once: who keeps the socket there forgot it. */
static bool turn_is_on(const struct life *l)
{
	uint64_t seen = l->process->rec->header->last_seen_ns, told = told_ns(l);

	return in_epoll_set(l) && !(l->r.epoll_events & (EPOLLET | EPOLLONESHOT)) &&
	       l->r.touch_ns <= told && seen && seen <= told;
}

bool socket_turn_is_on(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (turn_is_on(l))
			return true;
	return false;
}
