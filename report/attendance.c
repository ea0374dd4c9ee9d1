/* SPDX-License-Identifier: MIT */
/* Who waits on a socket: epoll sets, poll sets, blocked threads. */
#include "attendance.h"

#include <sys/epoll.h>

/* last_seen_ns is coarse, and set at most every 10 ms. */
#define SEEN_LAG_NS (20 * NS_PER_MS)

/* So long after its return a wait may be about to tell of its events, where the machine is busy. */
#define TELLING_NS (100 * NS_PER_MS)

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

	if (thread_ended(l, l->r.poller_tid))
		return false;
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

/* Whether a thread's turn, which is still on, began at that moment, coarse or exact. */
static bool turn_began_at(const struct process *p, uint64_t ns)
{
	const struct recording *r = p->rec;
	size_t i;

	for (i = 0; i < r->nr_pollers; i++) {
		uint64_t turn = r->pollers[i]->turn_ns;

		if (turn && turn <= ns && ns < turn + TELLING_NS)
			return true;
	}
	return false;
}

bool socket_end_is_handed_over(const struct socket *s)
{
	const struct life *l = s->touched;

	return socket_is_handed_over(s) && (l->r.polled_ns + QUEUE_NS > l->process->now_ns ||
					    turn_began_at(l->process, l->r.polled_ns));
}

bool process_has_not_waited_since(const struct process *p, uint64_t ns)
{
	uint64_t seen = p->rec->header->last_seen_ns;

	return seen && ns && seen + SEEN_LAG_NS < ns;
}

bool process_was_in_turn_since(const struct process *p, uint64_t ns)
{
	const struct recording *r = p->rec;
	size_t i;

	for (i = 0; ns && i < r->nr_pollers; i++) {
		const struct rec_poller *e = r->pollers[i];

		/* One wait makes no loop. */
		if (e->alive_ns > ns && e->before_ns && e->turn_ns && e->turn_ns < ns + SEEN_LAG_NS)
			return true;
	}
	return false;
}

/*
 * A plain edge of EPOLLIN is told once, and nobody notes of which socket. A turn that is still on
 * may have it in hand: what came in the turn before, and was not touched in this.
 */
static bool edge_is_in_hand(const struct life *l, uint64_t fin_ns)
{
	const struct recording *r = l->process->rec;
	size_t i;

	for (i = 0; fin_ns && i < r->nr_pollers; i++) {
		const struct rec_poller *p = r->pollers[i];

		if (p->turn_ns && p->before_ns < fin_ns + SEEN_LAG_NS &&
		    fin_ns < p->turn_ns + SEEN_LAG_NS && l->r.touch_ns <= p->turn_ns)
			return true;
	}
	return false;
}

/* The shim notes it when EPOLLRDHUP is told of such a one: where it has not, that is to come. */
static bool is_noted(const struct life *l)
{
	return (l->r.epoll_events & EPOLLRDHUP) && !(l->r.flags & REC_LIFE_SHUT_RD) &&
	       (l->r.flags & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED));
}

/*
 * An edge is told once, and so is a one-shot event, which is known to be still to come. What is
 * level-triggered is told again until it is read.
 */
static bool fin_will_be_told(const struct life *l, uint64_t fin_ns)
{
	uint32_t events = l->r.epoll_events;

	if (!(events & (EPOLLIN | EPOLLRDNORM | EPOLLRDHUP)))
		return false;
	if ((events & EPOLLONESHOT) || !(events & EPOLLET))
		return true;
	return is_noted(l) || process_has_not_waited_since(l->process, fin_ns) ||
	       edge_is_in_hand(l, fin_ns);
}

/* That the connection is over any set is told, whatever it waits for, and that is noted. */
static bool will_be_told(const struct life *l, uint64_t fin_ns, bool over)
{
	if (l->r.flags & REC_LIFE_TOLD)
		return false;
	if (in_poll_set(l) || l->r.reader_tid)
		return true;
	return in_epoll_set(l) && (over || fin_will_be_told(l, fin_ns));
}

static bool is_still_to_be_told(const struct socket *s, uint64_t fin_ns, bool over)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (will_be_told(l, fin_ns, over))
			return true;
	return false;
}

bool socket_eof_will_be_seen(const struct socket *s, uint64_t fin_ns)
{
	return is_still_to_be_told(s, fin_ns, false);
}

bool socket_end_will_be_seen(const struct socket *s)
{
	return is_still_to_be_told(s, 0, s->flags & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED));
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

/* The thread that was told by a call is in the turn still. */
static bool caller_is_in_turn(const struct life *l)
{
	const struct recording *r = l->process->rec;
	size_t i;

	for (i = 0; i < r->nr_pollers; i++)
		if (r->pollers[i]->tid == l->r.touch_tid)
			return r->pollers[i]->turn_ns && r->pollers[i]->turn_ns <= told_ns(l);
	return false;
}

static bool will_be_told_again(const struct life *l)
{
	return in_poll_set(l) ||
	       (in_epoll_set(l) && !(l->r.epoll_events & (EPOLLET | EPOLLONESHOT)));
}

static bool is_in_turn(const struct life *l)
{
	if (l->r.touch_ns > told_ns(l))
		return false;
	if (l->r.flags & (REC_LIFE_EOF | REC_LIFE_RESET))
		return will_be_told_again(l) && caller_is_in_turn(l);
	return (l->r.flags & REC_LIFE_TOLD) && (l->r.epoll_fd >= 0 || in_poll_set(l)) &&
	       turn_began_at(l->process, l->r.told_ns);
}

bool socket_is_in_turn(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (is_in_turn(l))
			return true;
	return false;
}

const struct rec_poller *socket_loop(const struct socket *s)
{
	const struct life *l = s->touched;
	const struct recording *r = l->process->rec;
	const struct rec_poller *only = NULL;
	size_t i, nr = 0;

	for (i = 0; i < r->nr_pollers; i++) {
		const struct rec_poller *p = r->pollers[i];

		if (p->tid && (p->tid == l->r.touch_tid || p->tid == l->r.poller_tid))
			return p;
		if (p->tid && p->turn_ns) {
			only = p;
			nr++;
		}
	}
	return nr == 1 ? only : NULL;
}

bool socket_loop_came_back(const struct socket *s, uint64_t ns)
{
	const struct rec_poller *p = socket_loop(s);
	uint64_t attended = socket_attended_until_ns(s);
	uint64_t back = !p ? 0 : p->turn_ns ? p->turn_ns : p->before_ns;

	return (back > attended ? back : attended) > ns + SEEN_LAG_NS;
}
