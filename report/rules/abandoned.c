/* SPDX-License-Identifier: MIT */
/* The connection is alive, and nobody in the program waits on it any more. */
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "attendance.h"
#include "connection.h"
#include "proof.h"
#include "rules.h"
#include "siblings.h"

/* So long may a server that is told to stop wait for its last clients. */
#define DRAIN_NS (30 * NS_PER_S)

static const struct rule_case forgotten = {
	.meaning = "The connection is alive, but no thread, poll set or epoll set of the program "
		   "waits on it: when the peer closes, nobody will see it, and the socket will "
		   "stay in CLOSE_WAIT until the process ends.",
	.advice = "close() it when the program is done with it, or put it back into the event loop",
};

/* Only where we are the server: an idle connection in a client's pool is nobody's business. */
static bool is_live_and_accepted(const struct socket *s)
{
	return socket_tcp_state(s) == TCP_ESTABLISHED && (s->flags & REC_LIFE_ACCEPTED) &&
	       !(s->flags & (REC_LIFE_RESET | REC_LIFE_EOF | REC_LIFE_STDIO));
}

/* A sibling that lived as long as this one, and was closed, was not lost: so may this one be. */
static bool is_older_than_any_sibling_was(const struct socket *s)
{
	const struct siblings *kin = siblings_of(s->birth);

	return kin->lives.nr && socket_now_ns(s) - s->birth->r.born_ns > kin->lives.max_ns;
}

/*
 * A program that was told to stop takes its sockets out of the event loop before it ends. Who was
 * in a poll set then looks as if he still were.
 */
static bool is_idle(const struct socket *s)
{
	uint64_t since = socket_idle_since_ns(s), attended = socket_attended_until_ns(s);

	return (attended > since ? attended : since) + s->birth->process->policy->grace_ns <
	       socket_judged_ns(s);
}

/* The last listener was closed shortly after, and in good order. */
static bool closed_listeners_after(const struct process *p, uint64_t ns)
{
	bool closed = false;
	size_t i;

	for (i = 0; i < p->rec->nr_lives; i++) {
		const struct whole_life *r = p->rec->lives[i].life;

		if (!r->seq || !(r->flags & REC_LIFE_LISTENING) || r->family == AF_UNIX)
			continue;
		if (r->seq & 1)
			return false;
		closed |= r->close_ns >= ns && r->close_ns < ns + DRAIN_NS;
	}
	return closed;
}

/*
 * A server may let go of its clients first, wait for some, and close its listener then. That it
 * served younger ones before it let go of this one proves nothing.
 */
static bool may_be_let_go(const struct socket *s)
{
	uint64_t until = socket_attended_until_ns(s);

	return until && !has_sibling_born_after(s, until) &&
	       closed_listeners_after(s->birth->process, until);
}

static bool is_abandoned(const struct socket *s)
{
	return is_live_and_accepted(s) && is_idle(s) && is_older_than_any_sibling_was(s) &&
	       !socket_facts(s)->kernel_unsent && socket_attendance(s) == ATTENDED_NOT;
}

static void check(const struct socket *s, struct verdict *v)
{
	if (!is_abandoned(s))
		return;
	v->which = &forgotten;
	v->since_ns = socket_idle_since_ns(s);
	v->reason = prove_moved_on(s, &v->proof);
	if (v->reason == OPEN_NONE && may_be_let_go(s))
		v->reason = OPEN_NO_PROOF;
	if (v->reason == OPEN_NONE && socket_is_handed_over(s) && socket_facts(s)->kernel_unread &&
	    v->proof.kind != PROOF_TOUCHER_ENDED)
		v->reason = OPEN_QUEUE;
}

/* clang-format off */
DEFINE_RULE(abandoned)
	.id = "abandoned",
	.severity = SEVERITY_WARNING,
	.title = "The connection is alive, and nobody waits on it any more",
	.help =
"A server learns that its peer has closed by reading, or by waiting in poll() or epoll_wait().\n"
"No thread of this program is inside a call on this socket, it is in no poll set and in no\n"
"epoll set (or in one with EPOLLONESHOT that fired and was never armed again), and the program\n"
"has moved on to younger ones. When the peer closes, the socket will sit in CLOSE_WAIT until\n"
"the process ends; until then it holds a descriptor. Typical: an error path that removes the\n"
"socket from the event loop and forgets close(), or a handler that forgets to arm it again.\n"
"\n"
"To mend it, close() the socket where the program is done with it, or put it back:\n"
"\n"
"  epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);\n"
"  close(fd);                /* was missing */\n"
"\n"
"A warning only, for the peer has not closed yet. Not reported are clients' sockets (a pool\n"
"may want them), sockets used within the grace (1 s), and sockets no older than siblings of\n"
"theirs became before they were closed. Example: examples/abandoned.c",
	.check = check,
END_RULE;
