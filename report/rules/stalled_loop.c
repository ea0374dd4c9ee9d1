/* SPDX-License-Identifier: MIT */
/* The peer has closed, and the event loop that would be told of it does not come back. */
#include <netinet/tcp.h>

#include "attendance.h"
#include "connection.h"
#include "rules.h"

static const struct rule_case not_back = {
	.since = "the peer sent its FIN",
	.meaning = "The peer has closed its side (FIN), and an event loop of the program is to be "
		   "told of it; but the loop has not come back to its wait for longer than "
		   "--max-dwell allows (a minute, if not said otherwise). Until it does, the "
		   "socket stays in CLOSE_WAIT.",
	.advice =
		"find out what keeps the loop from its wait, a call that blocks or long work; the "
		"socket has no fault of its own",
};

static bool is_in_close_wait_unread(const struct socket *s)
{
	return socket_tcp_state(s) == TCP_CLOSE_WAIT && !socket_eof_was_read(s) &&
	       !(s->flags & (REC_LIFE_STDIO | REC_LIFE_SHUT_RD));
}

/* What is level-triggered is told at each wait: unread for so long means that there was none. */
static bool is_yet_to_be_told(const struct socket *s, uint64_t fin_ns)
{
	return socket_eof_will_be_seen(s, fin_ns) && !socket_loop_came_back(s, fin_ns);
}

static bool waits_for_events(const struct socket *s)
{
	enum attendance a = socket_attendance(s);

	return a == ATTENDED_BY_EPOLL || a == ATTENDED_BY_POLL;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void check(const struct socket *s, struct verdict *v)
{
	uint64_t fin = socket_fin_ns(s), now = socket_judged_ns(s);
	uint64_t since = later(fin, socket_idle_since_ns(s));

	if (s->told)
		since = later(since, s->told->r.told_ns);
	if (!fin || !is_in_close_wait_unread(s) || !waits_for_events(s) || since > now ||
	    now - since < s->birth->process->policy->max_dwell_ns)
		return;
	if (!is_yet_to_be_told(s, fin) && !socket_is_in_turn(s))
		return;
	v->which = &not_back;
	v->since_ns = fin;
}

/* clang-format off */
DEFINE_RULE(stalled_loop)
	.id = "stalled-loop",
	.severity = SEVERITY_WARNING,
	.title = "The peer closed, and the event loop that waits for it does not come back",
	.help =
"An event loop waits in epoll_wait(), poll() or select(), is told what has happened, handles it\n"
"and waits again. A handler that blocks - in a query to a backend, on a lock, in getaddrinfo(),\n"
"or in an endless computation - stops the loop for all its connections. Their clients lose\n"
"patience and hang up: the kernel acknowledges each FIN, and the socket goes to CLOSE_WAIT. The\n"
"close() is in the program, but nobody gets to it. What one sees is a server full of CLOSE_WAIT\n"
"that answers nobody.\n"
"\n"
"Reported is a socket in CLOSE_WAIT whose EOF lies unread, while an epoll set or a poll set waits\n"
"for it, for longer than --max-dwell (60 s): were its loop alive, it would have been told. The\n"
"evidence names the thread that has not come back and, where it is inside a call on another\n"
"socket, which: that is where to look first.\n"
"\n"
"To mend it, let no handler block: give the call a time-out (SO_RCVTIMEO, connect_timeout),\n"
"make it non-blocking and part of the loop, or hand it over to a thread:\n"
"\n"
"  struct timeval two_seconds = {2, 0};\n"
"  setsockopt(backend, SOL_SOCKET, SO_RCVTIMEO, &two_seconds, sizeof(two_seconds));\n"
"\n"
"A warning only: nothing is leaked, and a loop that comes back closes them all. Example:\n"
"examples/stalled_loop.c",
	.check = check,
END_RULE;
