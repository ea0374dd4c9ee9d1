/* SPDX-License-Identifier: MIT */
/* The TCP connection is over, or never was; the descriptor is still there. */
#include <netinet/tcp.h>

#include "connection.h"
#include "proof.h"
#include "rules.h"

static const struct rule_case was_reset = {
	.meaning = "The connection was reset (RST) and TCP is through with it, but the program "
		   "never called close(): the descriptor stays taken until the process ends.",
	.advice = "close() it also when a call on it fails",
	.informed = true,
};

static const struct rule_case connect_failed = {
	.meaning = "connect() failed, so there is no connection, but the program never called "
		   "close(): the descriptor stays taken until the process ends.",
	.advice = "close() it where connect() fails",
	.informed = true,
};

static const struct rule_case is_over = {
	.meaning = "The connection is over for TCP, but the program never called close(): the "
		   "descriptor stays taken until the process ends.",
	.advice = "close() it when the program is done with it",
};

static const struct rule_case never_connected = {
	.meaning = "The socket was made and never connected, and the program never called "
		   "close(): the descriptor stays taken until the process ends.",
	.advice = "close() it on every path that gives up before connect()",
};

/* How the connection ended, or NULL while it has not. */
static const struct rule_case *find_case(const struct socket *s)
{
	unsigned int state = socket_tcp_state(s);

	if (state && state != TCP_CLOSE)
		return NULL;
	if (s->flags & REC_LIFE_CONNECT_FAILED)
		return &connect_failed;
	if (s->flags & REC_LIFE_RESET)
		return &was_reset;
	if (!state || (s->flags & REC_LIFE_SHUT_WR))
		return NULL;
	if (s->flags & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED))
		return &is_over;
	return &never_connected;
}

static bool program_was_told(const struct socket *s)
{
	return s->flags & (REC_LIFE_RESET | REC_LIFE_EOF | REC_LIFE_CONNECT_FAILED);
}

/* Whoever ends by itself under load leaves some resets behind that he has not been told of yet. */
static uint64_t grace_of(const struct socket *s, const struct verdict *v)
{
	const struct process *p = s->birth->process;

	return v->which == &is_over && !program_was_told(s) ? p->policy->grace_ns : grace_ns(p);
}

static void check(const struct socket *s, struct verdict *v)
{
	v->which = find_case(s);
	if (!v->which)
		return;
	v->since_ns = socket_idle_since_ns(s);
	v->reason = prove_over(s, v->since_ns, grace_of(s, v), program_was_told(s), &v->proof);
}

/* clang-format off */
DEFINE_RULE(descriptor_leak)
	.id = "descriptor-leak",
	.severity = SEVERITY_ERROR,
	.title = "The connection is over, the descriptor is still open",
	.help =
"TCP is through with the connection (it was reset, connect() failed, or it was never\n"
"connected), so ss and netstat no longer show it. But the program never called close(): the\n"
"descriptor stays taken. Enough of them, and accept() and open() fail with EMFILE.\n"
"\n"
"To mend it, call close() on each way out, also where a call on the socket fails:\n"
"\n"
"  if (connect(fd, ...) < 0) {\n"
"          close(fd);        /* was missing */\n"
"          return -1;\n"
"  }\n"
"\n"
"A socket is reported only with proof that the program moved on, as for close-wait; a client's\n"
"socket only if a call on it had told the program. Example: examples/connect_forgotten.c",
	.check = check,
END_RULE;
