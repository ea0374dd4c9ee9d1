/* SPDX-License-Identifier: MIT */
/* Takes out of what the rules said what the user does not want to be told. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "gate.h"

/* Sockets of one place mostly have one stack: it is asked about once. */
struct sieve {
	const struct gate *gate;
	struct symbolizer *sy;
	const char *rule;
	const struct stack *last;
	struct suppression *found; /* for the last */
	struct suppression **met;  /* those that a finding has been counted for */
	size_t nr_met, alloc_met;
};

static void sieve_release(struct sieve *s)
{
	free(s->met);
}

/* A new finding begins. */
static void sieve_begin(struct sieve *s, const char *rule)
{
	s->rule = rule;
	s->last = NULL;
	s->nr_met = 0;
}

static void count(struct sieve *s, struct suppression *found, uint64_t nr)
{
	size_t i;

	found->nr_suppressed += nr;
	if (!strcmp(s->rule, STILL_OPEN))
		return;
	for (i = 0; i < s->nr_met; i++)
		if (s->met[i] == found)
			return;
	ALLOC_GROW(s->met, s->nr_met + 1, s->alloc_met);
	s->met[s->nr_met++] = found;
	found->nr_findings++;
}

static bool is_suppressed(struct sieve *s, const struct process *p, uint32_t site, uint64_t nr)
{
	const struct stack *st = symbolizer_site(s->sy, p, site);

	if (st != s->last)
		s->found = suppressions_find(&s->gate->suppressions, s->rule, st);
	s->last = st;
	if (s->found)
		count(s, s->found, nr);
	return s->found != NULL;
}

static bool is_socket_suppressed(struct sieve *s, const struct finding *f)
{
	const struct life *l = socket_opened(f->judged.socket);

	return is_suppressed(s, l->process, l->r.site, 1);
}

/* Moves what is kept to the front, in its order; returns how many those are. The rest is lost. */
static size_t keep(struct sieve *s, struct finding *all, size_t nr)
{
	size_t i, to = 0;

	for (i = 0; i < nr; i++)
		if (!is_socket_suppressed(s, &all[i]))
			all[to++] = all[i];
	return to;
}

static void sift_groups(struct sieve *s, struct findings *f)
{
	size_t i, to = 0;

	for (i = 0; i < f->nr_groups; i++) {
		struct finding_group *g = &f->groups[i];

		sieve_begin(s, g->members->judged.rule->id);
		g->nr = keep(s, g->members, g->nr);
		if (g->nr)
			f->groups[to++] = *g;
	}
	f->nr_groups = to;
	findings_sort_groups(f);
}

static void sift_open(struct sieve *s, struct findings *f)
{
	size_t i, to = f->nr_faults;

	sieve_begin(s, STILL_OPEN);
	for (i = to; i < f->nr; i++)
		if (!gate_fails_open(s->gate, &f->all[i].judged) ||
		    !is_socket_suppressed(s, &f->all[i]))
			f->all[to++] = f->all[i];
	f->nr = to;
}

void gate_suppress_findings(const struct gate *g, struct findings *f, struct symbolizer *sy)
{
	struct sieve s = {.gate = g, .sy = sy};

	if (!g->suppressions.nr)
		return;
	sift_groups(&s, f);
	if (g->strict)
		sift_open(&s, f);
	sieve_release(&s);
}

/* After they were grouped: each is a finding. */
void gate_suppress_remarks(const struct gate *g, struct remarks *r, struct symbolizer *sy)
{
	struct sieve s = {.gate = g, .sy = sy};
	size_t i, to = 0;

	if (!g->suppressions.nr)
		return;
	for (i = 0; i < r->nr; i++) {
		sieve_begin(&s, r->all[i].rule->id);
		if (is_suppressed(&s, r->all[i].process, r->all[i].site, r->all[i].nr))
			remark_release(&r->all[i]);
		else
			r->all[to++] = r->all[i];
	}
	r->nr = to;
	sieve_release(&s);
}
