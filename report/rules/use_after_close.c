/* SPDX-License-Identifier: MIT */
/* read(), write() and their like on a number whose socket had been closed before. */
#include "remarks.h"
#include "rules.h"

static const struct rule_case used_closed = {
	.meaning = "A call was made on a descriptor whose socket had already been closed, and "
		   "failed with EBADF. Had the number been given to somebody else in between, a "
		   "stranger's connection or file would have been read, written or shut down.",
	.advice = "let whoever closes it take it away from all who use it: out of the event loop, "
		  "the variables set to -1, other threads told and waited for",
	.other = "first close",
};

static void remark_one(const struct process *p, const struct rec_incident *in, struct remarks *to)
{
	struct remark r = remark_of_incident(RULE_use_after_close, &used_closed, p, in);

	remark_line(&r, "call", "%s() of descriptor %d, by thread %u", call_name(in->call), in->fd,
		    in->tid);
	remarks_add(to, &r);
}

static void remark(const struct history *h, struct remarks *to)
{
	remark_incidents(h, REC_INCIDENT_USE_AFTER_CLOSE, remark_one, to);
}

/* clang-format off */
DEFINE_RULE(use_after_close)
	.id = "use-after-close",
	.severity = SEVERITY_WARNING,
	.title = "A descriptor was used after its socket was closed",
	.noun = "call", .verb = "made",
	.help =
"A descriptor is a number, and the kernel hands out the lowest free one: what is closed here is\n"
"given to the next accept(), socket() or open(). A part of the program that still holds the old\n"
"number then reads the answer of another connection, or writes its data into it; on the wire\n"
"both are correct TCP, so nobody notices but the users who see each other's data. That these\n"
"calls failed with EBADF means only that the number was still free.\n"
"\n"
"Typical: one thread closes a connection that another one still serves; an error path closes\n"
"it, returns, and the caller goes on; a timer or callback outlives its connection:\n"
"\n"
"    if (!parse(c))\n"
"            close(c->fd);             /* closes ... */\n"
"    write(c->fd, answer, len);        /* ... and goes on: EBADF, or a stranger's socket */\n"
"\n"
"To mend it, set the variable to -1 where it is closed, and let one part of the program alone\n"
"own the descriptor and close it.\n"
"\n"
"Counted are read, write, send, receive, shutdown and connect calls on a number whose last owner\n"
"was a socket. A number that has already been given to somebody else cannot be told from a\n"
"right one: so where there is one such call there may be more that nobody saw fail.\n"
"Example: examples/use_after_close.c",
	.remark = remark,
END_RULE;
