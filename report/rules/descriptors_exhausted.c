/* SPDX-License-Identifier: MIT */
/* socket() or accept() failed by EMFILE or ENFILE; and who held the descriptors then. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "remarks.h"
#include "rules.h"

#define MAX_PLACES 8

static const struct rule_case of_process = {
	.meaning = "The process had as many descriptors open as it may have (EMFILE). A connection "
		   "that accept() cannot take stays in the listener's queue: its client waits, "
		   "and an event loop that is told of it again and again spins.",
	.advice = "close what is no longer needed, bound the number of connections, or raise "
		  "RLIMIT_NOFILE",
};

static const struct rule_case of_system = {
	.name = "system-wide",
	.meaning = "The system had as many files open as it may have (ENFILE). No process can open "
		   "or accept anything any more.",
	.advice = "find out which process holds them, or raise fs.file-max",
};

/* Sockets of one place. */
struct place {
	uint32_t site;
	uint64_t nr;
};

struct places {
	struct place all[MAX_PLACES];
	size_t nr;
	uint64_t nr_sockets; /* in all of them */
};

/* Stacks that differ above the function that opened are one place. */
static void add_holder(struct places *to, const struct process *p, const struct rec_incident *in)
{
	size_t i;

	for (i = 0; i < to->nr; i++)
		if (kinship_are_kin(p->kinship, to->all[i].site, in->site, true))
			break;
	if (i == MAX_PLACES)
		return;
	if (i == to->nr)
		to->all[to->nr++] = (struct place){in->site, 0};
	to->all[i].nr += in->nr_sockets;
	to->nr_sockets += in->nr_sockets;
}

static void find_places(struct places *to, const struct process *p, uint32_t site)
{
	size_t i;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < p->rec->nr_incidents; i++) {
		const struct rec_incident *in = p->rec->incidents[i];

		if (in->kind == REC_INCIDENT_HOLDER && in->first_site == site)
			add_holder(to, p, in);
	}
}

/* With EMFILE every number below the limit is taken: what is no socket is something else. */
static void say_rest(struct remark *r, const struct rec_incident *in, const struct places *places)
{
	if (in->nr_sockets > places->nr_sockets)
		remark_line(r, "", "%" PRIu64 " were other sockets",
			    in->nr_sockets - places->nr_sockets);
	if (in->error == EMFILE && in->fd_limit > in->nr_sockets)
		remark_line(r, "", "%" PRIu64 " were no sockets (files, pipes, ...), or unseen",
			    in->fd_limit - in->nr_sockets);
}

static void say_holders(struct remark *r, const struct rec_incident *in)
{
	struct places places;
	size_t i;

	find_places(&places, r->process, in->site);
	for (i = 0; i < places.nr; i++)
		remark_line_at(r, i ? "" : "held then", places.all[i].site,
			       places.all[i].nr == 1 ? "%" PRIu64 " was a socket opened in "
						     : "%" PRIu64 " were sockets opened in ",
			       places.all[i].nr);
	if (places.nr)
		say_rest(r, in, &places);
}

static void remark_one(const struct process *p, const struct rec_incident *in, struct remarks *to)
{
	const struct rule_case *which = in->error == ENFILE ? &of_system : &of_process;
	struct remark r = remark_of_incident(RULE_descriptors_exhausted, which, p, in);

	remark_line(&r, "call", "%s() failed with %s, in thread %u", call_name(in->call),
		    in->error == ENFILE ? "ENFILE" : "EMFILE", in->tid);
	if (in->error != ENFILE && in->fd_limit)
		remark_line(&r, "limit", "%" PRIu64 " descriptors (RLIMIT_NOFILE)", in->fd_limit);
	say_holders(&r, in);
	remarks_add(to, &r);
}

static void remark(const struct history *h, struct remarks *to)
{
	remark_incidents(h, REC_INCIDENT_EXHAUSTED, remark_one, to);
}

/* clang-format off */
DEFINE_RULE(descriptors_exhausted)
	.id = "descriptors-exhausted",
	.severity = SEVERITY_WARNING,
	.title = "There was no descriptor left for a new socket",
	.noun = "call", .verb = "failed",
	.help =
"Every socket needs a descriptor, and a process may have RLIMIT_NOFILE of them (ulimit -n; often\n"
"1024). When they are used up accept() fails with EMFILE, but the handshake is the kernel's: the\n"
"client is connected, waits for an answer, and times out. The listener stays readable, so an\n"
"event loop burns all its time in accept() calls that fail. This is how most socket leaks are\n"
"noticed at last.\n"
"\n"
"At the first failure of each place (once a second at most) socklint notes which code held the\n"
"descriptors at that moment. Where one place holds nearly all of them, and other findings name\n"
"it, that leak is the cause. To mend it, close what leaks. Where the sockets are all in use the\n"
"limit is too low for the load, or connections should be bounded:\n"
"\n"
"    if (nr_connections == max)\n"
"            stop_watching(listener);  /* until one is closed */\n"
"\n"
"Only sockets are followed: of files and pipes their number is known, no more. In very large\n"
"processes the first 65,536 descriptors are looked at. Example:\n"
"examples/descriptors_exhausted.c",
	.remark = remark,
END_RULE;
