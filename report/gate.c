/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define NEVER (SEVERITY_ERROR + 1)

void gate_init(struct gate *g)
{
	memset(g, 0, sizeof(*g));
	g->least = SEVERITY_ERROR;
}

void gate_release(struct gate *g)
{
	suppressions_release(&g->suppressions);
	baseline_release(&g->baseline);
}

static bool add_fail_on(struct gate *g, const char *word)
{
	const struct rule *rule = rule_by_id(word);
	enum severity severity;

	if (rule) {
		g->rules[rule->nr] = true;
		return true;
	}
	if (severity_by_name(word, &severity))
		return false;
	if ((int)severity < g->least)
		g->least = severity;
	return true;
}

const char *gate_fail_on(struct gate *g, char *list)
{
	char *word;

	memset(g->rules, 0, sizeof(g->rules));
	g->least = NEVER;
	if (!strcmp(list, "none"))
		return NULL;
	while ((word = strsep(&list, ",")))
		if (!add_fail_on(g, word))
			return word;
	return NULL;
}

/* ---- known, or failing ------------------------------------------------------------------- */

static void compare(const struct gate *g, struct report_finding *f)
{
	size_t i, nr_known = 0;
	bool grown = false;

	for (i = 0; i < f->nr_ids; i++) {
		const struct baseline_entry *e = baseline_find(&g->baseline, f->ids[i].id);

		nr_known += !!e;
		f->nr_before += e ? e->nr : 0;
		grown |= e && f->ids[i].nr > e->nr;
	}
	if (nr_known < f->nr_ids || !f->nr_ids)
		f->standing = STANDING_NEW;
	else
		f->standing = grown && g->growth ? STANDING_GROWN : STANDING_KNOWN;
}

static bool is_grave(const struct gate *g, const struct report_finding *f)
{
	const struct rule *rule = rule_by_id(f->rule);

	return rule && (g->rules[rule->nr] || (int)rule->severity >= g->least);
}

static void judge_findings(const struct gate *g, struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_findings; i++) {
		struct report_finding *f = &r->findings[i];

		if (g->baseline_path)
			compare(g, f);
		r->nr_known += f->standing == STANDING_KNOWN;
		f->fails = f->standing != STANDING_KNOWN && is_grave(g, f);
		r->fails |= f->fails;
	}
}

/* A socket of unknown origin may be somebody else's. */
bool gate_fails_open(const struct gate *g, const struct judged *j)
{
	return g->strict && j->verdict.reason != OPEN_UNSEEN;
}

static void judge_open(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_open; i++)
		if (r->open[i].fails)
			r->nr_open_faults += r->open[i].nr_sockets;
	r->fails |= r->nr_open_faults > 0;
}

/* ---- what became of the suppressions ----------------------------------------------------- */

static char *copy(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

static void name_suppressions(const struct gate *g, struct report *r)
{
	const struct suppressions *s = &g->suppressions;
	size_t i;

	r->nr_suppressions = s->nr;
	r->suppressions = xcalloc(s->nr, sizeof(*r->suppressions));
	for (i = 0; i < s->nr; i++) {
		const struct suppression *from = &s->all[i];
		struct report_suppression *to = &r->suppressions[i];

		to->name = xstrdup(from->name);
		to->where = xstrdup(from->where);
		to->reason = copy(from->reason);
		to->expires = copy(from->expires);
		to->nr_findings = from->nr_findings;
		to->nr_suppressed = from->nr_suppressed;
		to->state = from->expired	  ? SUPPRESSION_EXPIRED
			    : from->nr_suppressed ? SUPPRESSION_USED
						  : SUPPRESSION_UNUSED;
		/* Without --strict nothing is asked about open sockets. */
		if (!g->strict && !strcmp(from->rule, STILL_OPEN) &&
		    to->state == SUPPRESSION_UNUSED)
			to->state = SUPPRESSION_NOT_ASKED;
		r->nr_suppressed += from->nr_suppressed;
	}
}

void gate_judge(const struct gate *g, struct report *r)
{
	judge_findings(g, r);
	judge_open(r);
	name_suppressions(g, r);
}
