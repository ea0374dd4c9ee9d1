/* SPDX-License-Identifier: MIT */
/* close() of a number whose socket had been closed before. */
#include "remarks.h"
#include "rules.h"

static const struct rule_case closed_twice = {
	.meaning = "close() was called on a descriptor whose socket had already been closed, and "
		   "failed with EBADF. Had another thread been given the number in between, its "
		   "file or socket would have been closed instead.",
	.advice = "close() it once: set the variable to -1 where it is closed first",
	.other = "first close",
};

static void remark_one(const struct process *p, const struct rec_incident *in, struct remarks *to)
{
	struct remark r = remark_of_incident(RULE_double_close, &closed_twice, p, in);

	remark_line(&r, "descriptor", "%d, by thread %u", in->fd, in->tid);
	remarks_add(to, &r);
}

static void remark(const struct history *h, struct remarks *to)
{
	remark_incidents(h, REC_INCIDENT_DOUBLE_CLOSE, remark_one, to);
}

/* clang-format off */
DEFINE_RULE(double_close)
	.id = "double-close",
	.severity = SEVERITY_WARNING,
	.title = "A descriptor was closed twice",
	.noun = "call", .verb = "made",
	.help =
"A descriptor is a number, and the kernel hands out the lowest free one. Between the first\n"
"close() and the second, another thread may be given the same number by accept(), socket() or\n"
"open(): the second close() then silently closes what belongs to somebody else, whose next\n"
"read or write goes wrong, or reaches a stranger's connection. That this one failed with\n"
"EBADF was luck.\n"
"\n"
"To mend it, give each descriptor one owner, and forget the number where it is closed:\n"
"\n"
"  close(c->fd);\n"
"  c->fd = -1;\n"
"\n"
"Loops that close a whole range of numbers, as daemons do at their start, are not counted.\n"
"Example: examples/double_close.c",
	.remark = remark,
END_RULE;
