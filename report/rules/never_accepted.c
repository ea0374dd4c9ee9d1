/* SPDX-License-Identifier: MIT */
/* Connections lie in a listener's queue, and nobody calls accept() any more. */
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "attendance.h"
#include "connection.h"
#include "rules.h"

static const struct rule_case stopped = {
	.name = "stopped",
	.meaning = "The kernel has set up connections that wait in the queue of this listener, and "
		   "nobody in the program waits for them any more: to their clients they look "
		   "accepted. When such a client hangs up, its connection is in CLOSE_WAIT and has "
		   "no descriptor that anybody could close.",
	.advice = "keep the listener in the event loop, and keep its accept() loop alive when a "
		  "call fails; or close() the listener, so that clients are refused",
	.since = "the last accept() was",
};

static const struct rule_case never = {
	.name = "never",
	.meaning = "The kernel has set up connections that wait in the queue of this listener, and "
		   "the program has never called accept(): to their clients they look accepted. "
		   "When such a client hangs up, its connection is in CLOSE_WAIT and has no "
		   "descriptor that anybody could close.",
	.advice = "call accept(), or do not call listen() on it",
	.since = "it was opened",
};

static uint32_t nr_waiting(const struct socket *s)
{
	return socket_tcp_state(s) == TCP_LISTEN ? socket_facts(s)->kernel_unread : 0;
}

/* The edge of what waits was told longer ago than that: a wait that had returned for it, and none
 * has. */
static bool has_lost_its_edge(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder) {
		uint64_t seen = l->process->rec->header->last_seen_ns;

		if (l->r.epoll_fd >= 0 && (!(l->r.epoll_events & EPOLLET) || !seen ||
					   seen + NS_PER_S > l->process->now_ns))
			return false;
	}
	return true;
}

static bool is_attended(const struct socket *s)
{
	switch (socket_attendance(s)) {
	case ATTENDED_NOT:
		return false;
	case ATTENDED_BY_EPOLL:
		return !has_lost_its_edge(s);
	default:
		return true;
	}
}

static const struct life *last_accepter(const struct socket *s)
{
	const struct life *l, *last = s->holders;

	for (l = s->holders; l; l = l->next_holder)
		if (l->r.touch_ns > last->r.touch_ns)
			last = l;
	return last;
}

static bool has_connection(const struct process *p, uint32_t tid)
{
	size_t i;

	for (i = 0; i < p->rec->nr_lives; i++) {
		const struct whole_life *r = p->rec->lives[i].life;

		if ((r->seq & 1) && r->touch_tid == tid &&
		    (r->flags & (REC_LIFE_ACCEPTED | REC_LIFE_GONE)) == REC_LIFE_ACCEPTED)
			return true;
	}
	return false;
}

/* A thread that serves one client at a time, and that one still: it will come back. */
static bool may_come_back(const struct life *l)
{
	return has_connection(l->process, l->r.touch_tid) &&
	       l->process->rec->header->last_seen_ns < l->r.touch_ns + NS_PER_S;
}

static size_t nr_holding_processes(const struct socket *s)
{
	const struct life *l, *before;
	size_t nr = 0;

	for (l = s->holders; l; l = l->next_holder) {
		for (before = s->holders; before->process != l->process;
		     before = before->next_holder)
			;
		nr += before == l;
	}
	return nr;
}

/* Workers accept, and are gone; who started them holds the listener for them. */
static bool may_have_had_workers(const struct socket *s)
{
	return s->birth->process->nr_followed > nr_holding_processes(s);
}

static void check(const struct socket *s, struct verdict *v)
{
	const struct life *last = last_accepter(s);
	bool accepted = last->r.touch_ns > last->r.born_ns;

	if (!nr_waiting(s) || is_attended(s) || (accepted && may_come_back(last)) ||
	    (!accepted && may_have_had_workers(s)))
		return;
	v->since_ns = last->r.touch_ns;
	if (v->since_ns + NS_PER_S < socket_judged_ns(s))
		v->which = accepted ? &stopped : &never;
}

/* clang-format off */
DEFINE_RULE(never_accepted)
	.id = "never-accepted",
	.severity = SEVERITY_WARNING,
	.title = "Connections wait in a listener's queue, and nobody accepts them",
	.noun = "listener",
	.help =
"The kernel completes the handshake of a new connection by itself and puts it into the queue of\n"
"the listener, up to the number given to listen(). Only accept() takes it out. Until then the\n"
"client believes to be connected; it sends its request and waits. When it gives up, the\n"
"connection is in CLOSE_WAIT: ss shows it, but it belongs to no descriptor, and no close() can\n"
"end it but that of the listener. When the queue is full new clients see time-outs.\n"
"\n"
"  stopped  accept() was called before, the last time more than a second ago; now no thread is\n"
"           in accept(), and no poll set and no epoll set waits for the listener\n"
"  never    accept() was never called\n"
"\n"
"Typical: a listener taken out of the event loop when there were too many clients and never put\n"
"back; an accept loop that ends at the first EMFILE or ECONNABORTED; EPOLLET with one accept()\n"
"for several connections. To mend it, go on where accept() fails:\n"
"\n"
"  while ((fd = accept4(listener, ...)) >= 0)\n"
"          serve(fd);\n"
"  if (errno != EAGAIN)\n"
"          arm_timer_and_try_again();        /* was: return */\n"
"\n"
"Not reported is the queue of a server that is busy: one that waits for the listener, or whose\n"
"accepting thread still serves the client that it accepted last. Example:\n"
"examples/never_accepted.c",
	.check = check,
	.of_listeners = true,
END_RULE;
