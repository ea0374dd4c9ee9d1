/* SPDX-License-Identifier: MIT */
/* The peer has closed; the program never did. */
#include <netinet/tcp.h>

#include "attendance.h"
#include "connection.h"
#include "proof.h"
#include "rules.h"
#include "siblings.h"

static const struct rule_case eof_ignored = {
	.name = "eof-ignored",
	.since = "the peer sent its FIN",
	.meaning = "The peer has closed its side (FIN) and the program was told (its read returned "
		   "0), but it never called close(): our own FIN was not sent, and the socket "
		   "stays in CLOSE_WAIT until the process ends.",
	.advice = "close() it when the read returns 0",
	.informed = true,
};

static const struct rule_case eof_unread = {
	.name = "eof-unread",
	.since = "the peer sent its FIN",
	.meaning = "The peer has closed its side (FIN), but the program neither read that EOF nor "
		   "called close(): our own FIN was not sent, and the socket stays in CLOSE_WAIT "
		   "until the process ends.",
	.advice = "close() it when the program is done with it, or keep it in the event loop until "
		  "the read returns 0",
};

static const struct rule_case eof_unseen = {
	.name = "eof-unseen",
	.since = "the peer sent its FIN",
	.meaning = "The peer has closed its side (FIN), but the program never closed the socket: "
		   "our own FIN was not sent, and the socket stays in CLOSE_WAIT until the process "
		   "ends. It was used through a FILE, so nobody saw whether the EOF was read.",
	.advice = "fclose() its FILE when the program is done with it",
};

static const struct rule_case *find_case(const struct socket *s)
{
	const struct whole_life *f = socket_facts(s);

	if (socket_eof_was_read(s))
		return &eof_ignored;
	if ((s->flags & REC_LIFE_STDIO) && !(f && f->kernel_eof_unread))
		return &eof_unseen;
	return &eof_unread;
}

static bool is_in_close_wait(const struct socket *s)
{
	unsigned int state = socket_tcp_state(s);

	if (state)
		return state == TCP_CLOSE_WAIT;
	return socket_eof_was_read(s) && !(s->flags & (REC_LIFE_RESET | REC_LIFE_SHUT_WR));
}

static bool is_write(uint32_t call)
{
	return call >= REC_CALL_WRITE && call <= REC_CALL_SENDFILE;
}

/* The coarse clock may set a write before the EOF that it followed; the last touch tells then. */
static bool serves_half_closed_peer(const struct socket *s)
{
	const struct whole_life *f = socket_facts(s);

	if (f && f->kernel_unsent)
		return true;
	return s->eof && (s->write_ns > s->eof->r.eof_ns || is_write(s->touched->r.touch_call));
}

/*
 * A program that ends by itself needs no grace for what it was told, unless a moment ago. An EOF
 * that it has not read yet is another matter: an event loop that is left under load leaves some
 * behind.
 */
static bool within_grace(const struct socket *s, const struct verdict *v)
{
	bool had_time = v->which->informed && !socket_turn_is_on(s);
	uint64_t since = socket_idle_since_ns(s);
	const struct process *p = s->birth->process;
	uint64_t grace = had_time ? grace_ns(p) : p->policy->grace_ns;

	if (v->since_ns > since)
		since = v->since_ns;
	return grace && since + grace > socket_judged_ns(s);
}

/*
 * The history of its own place: a handler that works for seconds after the EOF, a pool that comes
 * by once a minute. Dwells below a second are what any close takes, and excuse nobody.
 */
static bool dwells_like_its_siblings(const struct socket *s, const struct verdict *v)
{
	uint64_t longest = siblings_of(s->birth)->dwells.max_ns;

	return longest >= NS_PER_S && socket_now_ns(s) <= v->since_ns + longest;
}

static enum open_reason decide(const struct socket *s, struct verdict *v)
{
	enum open_reason reason;

	if (within_grace(s, v))
		return grace_reason(s->birth->process);
	if (v->since_ns && dwells_like_its_siblings(s, v))
		return OPEN_DWELL;
	if (socket_is_client(s))
		return prove_replaced(s, v->since_ns, &v->proof);
	reason = prove_moved_on(s, &v->proof);
	if (!v->which->informed && others_may_come(s, v->since_ns, &v->proof) &&
	    socket_eof_will_be_seen(s, v->since_ns))
		return OPEN_WATCHED;
	if (v->proof.kind != PROOF_TOUCHER_ENDED && socket_is_in_turn(s))
		return OPEN_CUSTODY;
	if (!v->which->informed && v->proof.kind != PROOF_TOUCHER_ENDED &&
	    socket_end_is_handed_over(s))
		return OPEN_QUEUE;
	if (serves_half_closed_peer(s) && v->proof.kind != PROOF_TOUCHER_ENDED)
		return OPEN_HALF_CLOSED;
	return reason;
}

static void check(const struct socket *s, struct verdict *v)
{
	if (!is_in_close_wait(s))
		return;
	v->which = find_case(s);
	v->since_ns = socket_fin_ns(s);
	v->reason = decide(s, v);
}

/* clang-format off */
DEFINE_RULE(close_wait)
	.id = "close-wait",
	.severity = SEVERITY_ERROR,
	.title = "The peer closed the connection, the program never did",
	.help =
"When the peer closes, its FIN arrives and the kernel acknowledges it at once. Our own FIN\n"
"is sent only when the program calls close() or shutdown(). Between the two the socket is in\n"
"CLOSE_WAIT; where the program never closes, it sits there until the process ends, holding a\n"
"descriptor, memory and a port of the peer's. It is a fault of this program, not of the\n"
"network: no time-out of TCP ends it.\n"
"\n"
"  eof-ignored  the program read the EOF (recv() returned 0), so it knew, and did not close\n"
"  eof-unread   nobody read the socket to its end: it fell out of the event loop, or data\n"
"               before the EOF was left unread\n"
"  eof-unseen   it was used through a FILE (fdopen), where nobody sees what is read\n"
"\n"
"To mend it, call close() on every way out, and first of all where a read returns 0:\n"
"\n"
"  n = read(fd, buf, sizeof(buf));\n"
"  if (n <= 0) {\n"
"          close(fd);        /* sends our FIN: LAST_ACK, and it is over */\n"
"          return;\n"
"  }\n"
"\n"
"A socket is reported only with proof that the program moved on: the thread that used it has\n"
"ended, has since served a younger socket of the same place, or a younger one was served and\n"
"closed while no thread was at work on this one. Sockets without that proof are listed as\n"
"still open. Examples: examples/eof_ignored.c, eof_unread.c, leak_on_error.c, thread_leak.c",
	.check = check,
END_RULE;
