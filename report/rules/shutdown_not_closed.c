/* SPDX-License-Identifier: MIT */
/* Both directions have ended, ours by shutdown(); the descriptor is still there. */
#include <netinet/tcp.h>

#include "connection.h"
#include "proof.h"
#include "rules.h"

static const struct rule_case was_shut_down = {
	.meaning = "The connection has ended in both directions, our FIN sent by shutdown(), but "
		   "shutdown() does not free the descriptor: it stays taken until the process "
		   "ends.",
	.advice = "call close() after shutdown()",
	.informed = true,
};

/*
 * Where the kernel was not asked, an EOF that was read tells that the peer has ended as well; or
 * the program wanted nothing more of him.
 */
static bool ended_both_ways(const struct socket *s)
{
	unsigned int state = socket_tcp_state(s);

	if (!(s->flags & REC_LIFE_SHUT_WR) ||
	    (s->flags & (REC_LIFE_RESET | REC_LIFE_CONNECT_FAILED)))
		return false;
	if (state)
		return state == TCP_CLOSE;
	return (s->flags & REC_LIFE_SHUT_RD) || socket_eof_was_read(s);
}

static void check(const struct socket *s, struct verdict *v)
{
	if (!ended_both_ways(s))
		return;
	v->which = &was_shut_down;
	v->since_ns = socket_idle_since_ns(s);
	v->reason = prove_over(s, v->since_ns, grace_ns(s->birth->process), true, &v->proof);
}

/* clang-format off */
DEFINE_RULE(shutdown_not_closed)
	.id = "shutdown-not-closed",
	.severity = SEVERITY_ERROR,
	.title = "The connection was ended by shutdown(), the descriptor is still open",
	.help =
"shutdown() speaks to TCP: it sends our FIN. It does not free the descriptor; that is what\n"
"close() does, and nothing else. This connection has ended in both directions, so ss and\n"
"netstat no longer show it, and yet its descriptor stays taken until the process ends. Enough\n"
"of them, and accept() and open() fail with EMFILE while no connection is to be seen.\n"
"\n"
"To mend it, call close() after shutdown(), or instead of it:\n"
"\n"
"  shutdown(fd, SHUT_RDWR);\n"
"  close(fd);                /* was missing */\n"
"\n"
"shutdown() alone is right only to wake another thread that reads from the socket; then that\n"
"thread is to close it. A socket is reported only with proof that the program moved on, as for\n"
"close-wait. Example: examples/shutdown_for_close.c",
	.check = check,
END_RULE;
