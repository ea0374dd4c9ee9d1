/* SPDX-License-Identifier: MIT */
/* Closed by who opened it, and kept alive by a descriptor that nobody uses. */
#include <netinet/tcp.h>

#include "attendance.h"
#include "connection.h"
#include "proof.h"
#include "rules.h"
#include "siblings.h"

static const struct rule_case by_child = {
	.name = "child",
	.meaning =
		"The process that opened the socket has called close(), but a child that it had "
		"forked still holds the socket, and never used it: the kernel sends our FIN only "
		"when the last descriptor is closed, so the connection lives on.",
	.advice = "close() the connections of the parent in the child, right after fork()",
	.since = "its opener closed it",
};

static const struct rule_case by_duplicate = {
	.name = "duplicate",
	.meaning = "The program has called close() on the descriptor that it had opened, but a "
		   "duplicate of it (dup) is still open, and nobody uses it: the kernel sends our "
		   "FIN only when the last descriptor is closed, so the connection lives on.",
	.advice = "close() the duplicate as well",
	.since = "the first descriptor was closed",
};

static const struct rule_case by_receiver = {
	.name = "receiver",
	.meaning = "The process that opened the socket has sent it to another (SCM_RIGHTS) and "
		   "called close(), but the receiver does not use it and never closed it: the "
		   "kernel sends our FIN only when the last descriptor is closed, so the "
		   "connection lives on.",
	.advice = "close() what was received, on each way out of the receiver",
	.since = "its opener closed it",
};

static const struct rule_case *find_case(const struct socket *s)
{
	if (s->birth->r.flags & REC_LIFE_RECEIVED)
		return &by_receiver;
	return s->birth->r.flags & REC_LIFE_INHERITED ? &by_child : &by_duplicate;
}

/* Its FIN would have been sent, had nobody else held it. */
static bool lacks_our_fin(const struct socket *s)
{
	unsigned int state = socket_tcp_state(s);

	return (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) &&
	       !(s->flags & (REC_LIFE_SHUT_WR | REC_LIFE_STDIO)) && !socket_facts(s)->kernel_unsent;
}

static bool long_ago(const struct socket *s)
{
	uint64_t since = s->closed.ns, idle = socket_idle_since_ns(s);

	return (since > idle ? since : idle) + NS_PER_S <= socket_now_ns(s);
}

/* ---- children ---------------------------------------------------------------------------- */

/* An epoll set that was its parent's, in a child that has never waited: that waits for nothing. */
static bool waits_itself(const struct life *l)
{
	return l->r.epoll_fd >= 0 && l->process->rec->header->last_seen_ns;
}

static bool is_connection(const struct whole_life *r)
{
	return r->flags & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED);
}

/* A child that serves a connection is forked when that has come, and may not have used it yet. */
static bool may_be_its_job(const struct life *l)
{
	const struct recording *rec = l->process->rec;
	size_t i;

	if (l->r.born_ns + NS_PER_S < rec->header->start_ns)
		return false;
	for (i = 0; i < rec->nr_lives; i++) {
		const struct whole_life *r = rec->lives[i].life;

		if ((r->flags & REC_LIFE_INHERITED) && is_connection(r) &&
		    r->born_ns > l->r.born_ns)
			return false;
	}
	return true;
}

static bool is_ballast(const struct life *l)
{
	return (l->r.flags & REC_LIFE_INHERITED) &&
	       !(l->r.flags & (REC_LIFE_TOUCHED | REC_LIFE_SENT)) && !waits_itself(l) &&
	       l->process->rec->header->start_ns + NS_PER_S <= l->process->now_ns &&
	       !may_be_its_job(l);
}

static bool is_ballast_of_children(const struct socket *s)
{
	enum attendance by = socket_attendance(s);
	const struct life *l;

	for (l = s->holders; l && is_ballast(l); l = l->next_holder)
		;
	return !l && (by == ATTENDED_NOT || by == ATTENDED_BY_EPOLL);
}

/* ---- duplicates and receivers ------------------------------------------------------------ */

/* Whoever was given it on purpose may want it: he must have moved on, as for "abandoned". */
static bool is_lost(const struct socket *s, struct proof *proof)
{
	return (s->flags & REC_LIFE_ACCEPTED) && socket_attendance(s) == ATTENDED_NOT &&
	       socket_now_ns(s) - s->birth->r.born_ns > siblings_of(s->birth)->lives.max_ns &&
	       prove_moved_on(s, proof) == OPEN_NONE;
}

static void check(const struct socket *s, struct verdict *v)
{
	const struct rule_case *which = find_case(s);

	if (!s->closed.process || !lacks_our_fin(s) || !long_ago(s))
		return;
	if (which == &by_child ? !is_ballast_of_children(s) : !is_lost(s, &v->proof))
		return;
	v->which = which;
	v->since_ns = s->closed.ns;
}

/* clang-format off */
DEFINE_RULE(held_elsewhere)
	.id = "held-elsewhere",
	.severity = SEVERITY_WARNING,
	.title = "A socket was closed, but somebody else still holds it",
	.help =
"close() gives back a descriptor. The kernel ends the connection, and sends our FIN, only when\n"
"the last descriptor of the socket is closed, in whichever process. Here the one that opened it\n"
"has closed it and believes it gone; somebody else has a descriptor of the same socket and does\n"
"not use it. The peer sees no FIN and waits; when it hangs up the socket stays in CLOSE_WAIT.\n"
"\n"
"  child      a child process inherited it by fork() and never touched it. Not reported where\n"
"             the child was forked within a second after the connection had come, which it may\n"
"             be there to serve, and where it has lived for less than a second\n"
"  duplicate  a descriptor made by dup() in the same process\n"
"  receiver   another process, which was sent it by SCM_RIGHTS\n"
"\n"
"The latter two are reported only for accepted sockets and with proof that the holder moved on,\n"
"as for close-wait. A child that never uses any socket leaves no recording, and is not seen.\n"
"\n"
"To mend it, let children hold nothing that they do not need:\n"
"\n"
"  if (fork() == 0) {\n"
"          close_range(3, ~0U, 0);           /* or each connection by its number */\n"
"          helper();\n"
"          _exit(0);\n"
"  }\n"
"\n"
"Or call shutdown(fd, SHUT_RDWR) before close(): it ends the connection whoever holds it.\n"
"Examples: examples/held_elsewhere.c, duplicate_forgotten.c, sent_and_kept.c",
	.check = check,
END_RULE;
