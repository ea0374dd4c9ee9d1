/* SPDX-License-Identifier: MIT */
/* Forgotten in CLOSE_WAIT, and closed by the program's clean-up when it ended. */
#include "remarks.h"
#include "rules.h"
#include "siblings.h"

#define NORMAL_CLOSES 3 /* fewer tell nothing of what is normal */
#define NORMAL_FACTOR 2

static const struct rule_case swept_up = {
	.meaning =
		"The peer had closed (FIN) and the program had read that EOF, but it called "
		"close() only while it shut down itself, much later than it closes others that "
		"were opened in the same place: as long as it ran, the socket sat in CLOSE_WAIT.",
	.advice = "close() it when the read returns 0, as is done with the others",
	.other = "opened",
};

static const struct rule_case swept_up_unread = {
	.name = "eof-unread",
	.meaning =
		"The peer had closed (FIN), and the program neither read that EOF nor waited for "
		"it; it called close() only while it shut down itself: as long as it ran, the "
		"socket sat in CLOSE_WAIT.",
	.advice = "close() it when the program is done with it, or keep it in the event loop until "
		  "the read returns 0",
	.other = "opened",
};

static bool is_swept_up(const struct rec_outcome *o)
{
	const uint32_t all = REC_OUTCOME_PASSIVE | REC_OUTCOME_AT_END;

	return (o->flags & (all | REC_OUTCOME_RESET)) == all &&
	       (o->flags & (REC_OUTCOME_TOLD | REC_OUTCOME_LEFT));
}

static bool is_same_way(const struct rec_outcome *a, const struct rec_outcome *b)
{
	const uint32_t known = REC_OUTCOME_TOLD | REC_OUTCOME_LEFT;

	return a->birth_site == b->birth_site && a->close_site == b->close_site && is_swept_up(b) &&
	       (a->flags & known) == (b->flags & known);
}

/*
 * A handler that works on after the EOF, or a pool, has its like among those closed before. What
 * was left behind for certain needs no such comparison.
 */
static uint64_t longest_normal(const struct process *p, const struct rec_outcome *o)
{
	const struct life l = {.process = p,
			       .r = {.site = o->birth_site, .flags = REC_LIFE_ACCEPTED}};
	const struct times *normal = &siblings_of(&l)->dwells;
	uint64_t ns = normal->max_ns * NORMAL_FACTOR;

	if (normal->nr < NORMAL_CLOSES && !(o->flags & REC_OUTCOME_LEFT))
		return UINT64_MAX;
	return ns > NS_PER_S ? ns : NS_PER_S;
}

/* How many for certain: a bucket counts if all of it lies beyond. */
static uint64_t count_beyond(const struct rec_outcome *o, uint64_t ns)
{
	uint64_t nr = 0;
	size_t i;

	for (i = 1; i < REC_BUCKETS; i++)
		if ((uint64_t)REC_BUCKET_NS << (i - 1) >= ns)
			nr += o->dwell[i];
	return nr || o->dwell_max_ns <= ns ? nr : 1;
}

/* Adds up what the threads counted apart. */
static void add(struct remark *r, uint64_t *longest, const struct rec_outcome *o, uint64_t limit)
{
	r->nr += count_beyond(o, limit);
	if (o->dwell_max_ns > *longest)
		*longest = o->dwell_max_ns;
	if (!r->first_ns || o->last_ns < r->first_ns)
		r->first_ns = o->last_ns;
	if (o->last_ns > r->last_ns)
		r->last_ns = o->last_ns;
}

static void say_dwells(struct remark *r, uint64_t longest)
{
	const struct life l = {.process = r->process,
			       .r = {.site = r->other_site, .flags = REC_LIFE_ACCEPTED}};
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "up to ");
	text_add_duration(&sb, longest);
	strbuf_addstr(&sb, " in CLOSE_WAIT");
	if (!siblings_of(&l)->dwells.nr) {
		remark_line(r, "dwell", "%s", sb.buf);
		strbuf_release(&sb);
		return;
	}
	strbuf_addstr(&sb, "; ");
	text_add_count(&sb, siblings_of(&l)->dwells.nr, "other");
	strbuf_addstr(&sb, " opened there were closed at most ");
	text_add_duration(&sb, siblings_of(&l)->dwells.max_ns);
	strbuf_addstr(&sb, " after the FIN");
	remark_line(r, "dwell", "%s", sb.buf);
	strbuf_release(&sb);
}

static void remark_way(const struct process *p, size_t first, struct remarks *to)
{
	const struct rec_outcome *o = p->rec->outcomes[first];
	uint64_t limit = longest_normal(p, o), longest = 0;
	struct remark r = {.rule = rule_by_nr(RULE_closed_at_end),
			   .which = o->flags & REC_OUTCOME_TOLD ? &swept_up : &swept_up_unread,
			   .process = p,
			   .site = o->close_site,
			   .other_site = o->birth_site};
	size_t i;

	for (i = first; i < p->rec->nr_outcomes; i++)
		if (is_same_way(o, p->rec->outcomes[i]))
			add(&r, &longest, p->rec->outcomes[i], limit);
	if (!r.nr)
		return;
	say_dwells(&r, longest);
	remarks_add(to, &r);
}

static bool is_first_of_its_way(const struct process *p, size_t nr)
{
	size_t i;

	for (i = 0; i < nr && !is_same_way(p->rec->outcomes[nr], p->rec->outcomes[i]); i++)
		;
	return i == nr;
}

static void remark(const struct history *h, struct remarks *to)
{
	size_t i, k;

	for (i = 0; i < h->nr_processes; i++) {
		const struct process *p = &h->processes[i];

		for (k = 0; k < p->rec->nr_outcomes; k++)
			if (is_swept_up(p->rec->outcomes[k]) && is_first_of_its_way(p, k))
				remark_way(p, k, to);
	}
}

/* clang-format off */
DEFINE_RULE(closed_at_end)
	.id = "closed-at-end",
	.severity = SEVERITY_WARNING,
	.title = "A forgotten socket was closed only when the program ended",
	.noun = "socket", .verb = "closed",
	.help =
"The peer closed, the program read that EOF, and did not close: CLOSE_WAIT. Then the program\n"
"was stopped, and its clean-up (a destructor, a loop over all connections, a garbage collector)\n"
"closed what was left. A test that starts a server, uses it and stops it sees no leak; the\n"
"server that runs for months collects these sockets, and there is no clean-up until its end.\n"
"\n"
"The shut-down begins with exit() or main's return, with the close of the last listener, or\n"
"with a SIGTERM or SIGINT that the program catches.\n"
"Compared are sockets that were opened in the same place: one is reported only if it had been\n"
"in CLOSE_WAIT for a second or more, and for more than twice as long as any that was closed\n"
"before the shut-down. One whose EOF was not read is reported only if nobody waited on it and\n"
"its thread had served younger ones. Connections that are alive when a server stops are its to\n"
"close.\n"
"\n"
"To mend it, close() where the EOF is read, not in the clean-up:\n"
"\n"
"  if (read(c->fd, buf, sizeof(buf)) == 0)\n"
"          connection_free(c);       /* not only: c->state = DONE */\n"
"\n"
"Example: examples/closed_at_end.c",
	.remark = remark,
END_RULE;
