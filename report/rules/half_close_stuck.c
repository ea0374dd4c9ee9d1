/* SPDX-License-Identifier: MIT */
/* We have sent our FIN and keep the descriptor; the peer does not close. */
#include <netinet/tcp.h>

#include "attendance.h"
#include "connection.h"
#include "proof.h"
#include "rules.h"

static const struct rule_case not_awaited = {
	.name = "not-awaited",
	.meaning = "The program has sent our FIN by shutdown(SHUT_WR), the peer has not closed its "
		   "side, and nobody in the program waits for that: the socket sits in FIN_WAIT2, "
		   "which has no time-out as long as the descriptor is open.",
	.advice = "after shutdown() read the socket until the read returns 0, then close() it; or "
		  "close() it at once",
	.since = "our FIN was sent",
	.informed = true,
};

static const struct rule_case peer_silent = {
	.name = "peer-silent",
	.meaning =
		"The program has sent our FIN by shutdown(SHUT_WR) and waits for the peer's, which "
		"does not come: the socket sits in FIN_WAIT2, which has no time-out as long as "
		"the descriptor is open.",
	.advice = "give the wait for the peer's FIN a time-out, and close() the socket then",
	.since = "our FIN was sent",
	.informed = true,
};

static uint64_t shut_ns(const struct socket *s)
{
	const struct life *l;
	uint64_t ns = 0;

	for (l = s->holders; l; l = l->next_holder)
		if (l->r.shut_ns > ns)
			ns = l->r.shut_ns;
	return ns;
}

static bool is_half_closed(const struct socket *s)
{
	return socket_tcp_state(s) == TCP_FIN_WAIT2 && (s->flags & REC_LIFE_SHUT_WR);
}

/* A client that has said all it had to say may wait for its answer as long as it likes. */
static const struct rule_case *find_case(const struct socket *s, uint64_t quiet_ns)
{
	switch (socket_attendance(s)) {
	case ATTENDED_NOT:
		return quiet_ns >= NS_PER_S ? &not_awaited : NULL;
	case ATTENDED_UNSEEN:
		return NULL;
	default: /* by itself the kernel gives an orphan in FIN_WAIT2 as long (tcp_fin_timeout) */
		return quiet_ns >= s->birth->process->policy->max_dwell_ns && !socket_is_client(s)
			       ? &peer_silent
			       : NULL;
	}
}

static void check(const struct socket *s, struct verdict *v)
{
	uint64_t last = socket_idle_since_ns(s), now = socket_judged_ns(s);

	v->since_ns = shut_ns(s);
	if (v->since_ns > last)
		last = v->since_ns;
	if (!is_half_closed(s) || last > now)
		return;
	v->which = find_case(s, now - last);
	if (v->which != &not_awaited)
		return;
	v->reason = socket_is_client(s) ? prove_replaced(s, v->since_ns, &v->proof)
					: prove_moved_on(s, &v->proof);
}

/* clang-format off */
DEFINE_RULE(half_close_stuck)
	.id = "half-close-stuck",
	.severity = SEVERITY_WARNING,
	.title = "The connection is half closed by us, and stays so",
	.help =
"shutdown(SHUT_WR) sends our FIN and leaves the other direction open: the peer may still send.\n"
"When it has acknowledged our FIN the socket is in FIN_WAIT2, until the peer's own FIN comes.\n"
"A peer that never closes (it hangs, it leaks, its machine is gone) keeps it there: the kernel's\n"
"time-out for FIN_WAIT2 (tcp_fin_timeout, 60 s) counts only once the descriptor is closed. So\n"
"the descriptor stays taken for as long as the peer likes.\n"
"\n"
"  not-awaited  nobody waits for the peer's FIN: no thread, no poll set, no epoll set, and the\n"
"               program has moved on to younger sockets\n"
"  peer-silent  it is waited for, in a server, and nothing has come for a minute or more\n"
"               (--max-dwell)\n"
"\n"
"To mend it, wait for the peer's end, and not for ever:\n"
"\n"
"  shutdown(fd, SHUT_WR);\n"
"  while (poll(&pfd, 1, 5000) > 0 && read(fd, buf, sizeof(buf)) > 0)\n"
"          ;\n"
"  close(fd);\n"
"\n"
"A client that waits for its answer after shutdown() is not reported. Examples:\n"
"examples/half_close_stuck.c, peer_silent.c",
	.check = check,
END_RULE;
