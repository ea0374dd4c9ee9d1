/* SPDX-License-Identifier: MIT */
/* Closed at last, but long after the peer had. */
#include <stdlib.h>

#include "policy.h"
#include "remarks.h"
#include "rules.h"

static const struct rule_case closed_late = {
	.meaning = "The peer had closed its side (FIN) longer before the program closed the socket "
		   "than --max-dwell allows (a minute, if not said otherwise): all that time it "
		   "sat in CLOSE_WAIT and held a descriptor.",
	.advice = "read, or wait for events, until the EOF is seen, and close() then",
	.other = "close",
};

/* What the program's own clean-up closes when it ends tells nothing of how it works. */
static bool is_wanted(const struct process *p, const struct rec_outcome *o)
{
	(void)p;
	return (o->flags & REC_OUTCOME_TCP) && (o->flags & REC_OUTCOME_PASSIVE) &&
	       !(o->flags & REC_OUTCOME_AT_END);
}

/* At least: a bucket that the limit lies in counts for one at most. */
static uint64_t nr_longer(const struct times *t, uint64_t ns)
{
	uint64_t nr = 0;
	size_t i;

	for (i = 1; i < REC_BUCKETS; i++)
		if ((uint64_t)REC_BUCKET_NS << (i - 1) >= ns)
			nr += t->buckets[i];
	return nr || t->max_ns <= ns ? nr : 1;
}

static void remark(const struct history *h, struct remarks *to)
{
	size_t i, nr;
	struct ended *all = ended_sockets(h, is_wanted, true, &nr);

	for (i = 0; i < nr; i++) {
		struct remark r = remark_of_ended(RULE_slow_close, &closed_late, &all[i]);

		r.nr = nr_longer(&all[i].dwells, h->policy->max_dwell_ns);
		r.dwells = all[i].dwells;
		if (r.nr)
			remarks_add(to, &r);
	}
	free(all);
}

/* clang-format off */
DEFINE_RULE(slow_close)
	.id = "slow-close",
	.severity = SEVERITY_WARNING,
	.title = "A socket was closed long after the peer had closed",
	.help =
"When the peer's FIN comes the kernel ACKs it, and the socket is in CLOSE_WAIT until the program\n"
"calls close(). What lies between is the dwell: normally some milliseconds. These sockets were\n"
"closed, so nothing leaks for ever; but each sat in CLOSE_WAIT for longer than --max-dwell\n"
"(60 s) and held its descriptor. With R such connections a second, R x dwell descriptors are\n"
"needed: a burst of clients that hang up early uses up RLIMIT_NOFILE, though \"every socket is\n"
"closed\".\n"
"\n"
"Typical: nobody reads from the connection while a job runs (the EOF is seen only at the next\n"
"read), a reaper that comes by once in a while, a pool whose idle connections the server has\n"
"long closed, an object that a garbage collector closes some day:\n"
"\n"
"    wait_for_job(c);                  /* minutes; the client is gone */\n"
"    close(c->fd);\n"
"\n"
"To mend it: keep EPOLLRDHUP (poll: POLLRDHUP) armed while a connection waits, and close when\n"
"it comes.\n"
"The numbers are of all sockets of this place that the peer closed first; percentiles are upper\n"
"bounds, good to a factor of two. Example: examples/slow_close.c",
	.remark = remark,
END_RULE;
