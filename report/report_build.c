/* SPDX-License-Identifier: MIT */
/* Makes the finished report. */
#include "report_build.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "blindness.h"
#include "describe.h"
#include "evidence.h"

static char *function_of(const struct frame *f)
{
	return xstrdup(f && f->function ? f->function : "???");
}

static void add_findings(struct report *r, const struct findings *f, struct symbolizer *sy)
{
	size_t i;

	r->findings = xcalloc(f->nr_groups, sizeof(*r->findings));
	r->nr_findings = f->nr_groups;
	for (i = 0; i < f->nr_groups; i++) {
		const struct finding_group *g = &f->groups[i];
		const struct finding *oldest = g->members;
		struct report_finding *to = &r->findings[i];

		to->rule = oldest->judged.rule->id;
		to->severity = severity_name(oldest->judged.rule->severity);
		to->subkind = oldest->judged.verdict.which->name;
		to->meaning = oldest->judged.verdict.which->meaning;
		to->nr_sockets = g->nr;
		to->function = function_of(oldest->frame);
		to->where = describe_where(oldest->frame);
		evidence_fill(to, g, sy);
		r->nr_leaked += g->nr;
		if (oldest->judged.rule->nr == RULE_close_wait)
			r->nr_close_wait += g->nr;
		else
			r->nr_descriptors += g->nr;
	}
}

static bool is_same_row(const struct report_open *row, const struct finding *f)
{
	const char *function = f->frame && f->frame->function ? f->frame->function : "???";
	char *where = describe_where(f->frame);
	bool same = row->reason == open_reason_text(f->judged.verdict.reason) &&
		    !strcmp(row->function, function) &&
		    ((strcmp(function, "???") && !f->frame->jit) || !strcmp(row->where, where));

	free(where);
	return same;
}

static int cmp_open(const void *a, const void *b)
{
	const struct report_open *x = a, *y = b;

	if (x->nr_sockets != y->nr_sockets)
		return x->nr_sockets > y->nr_sockets ? -1 : 1;
	return strcmp(x->where, y->where);
}

/* Nobody could ask the kernel, or wait and see: these may be leaks, and may be none. */
static bool is_in_doubt(const struct finding *f)
{
	enum open_reason reason = f->judged.verdict.reason;

	if (f->judged.socket->birth->process->end != PROCESS_KILLED)
		return false;
	return reason == OPEN_UNKNOWN || (f->judged.rule && reason != OPEN_NONE);
}

static uint64_t count_in_doubt(const struct findings *f)
{
	uint64_t nr = 0;
	size_t i;

	for (i = 0; i < f->nr; i++)
		nr += is_in_doubt(&f->all[i]);
	return nr;
}

/* The findings that are no faults come sorted by place and reason. */
static void add_open(struct report *r, const struct findings *f)
{
	size_t i;

	r->nr_still_open = f->nr - f->nr_leaked;
	r->nr_in_doubt = count_in_doubt(f);
	r->open = xcalloc(r->nr_still_open, sizeof(*r->open));
	for (i = f->nr_leaked; i < f->nr; i++) {
		const struct finding *cur = &f->all[i];
		struct report_open *row;

		if (!r->nr_open || !is_same_row(&r->open[r->nr_open - 1], cur)) {
			row = &r->open[r->nr_open++];
			row->function = function_of(cur->frame);
			row->where = describe_where(cur->frame);
			row->reason = open_reason_text(cur->judged.verdict.reason);
		}
		r->open[r->nr_open - 1].nr_sockets++;
	}
	sort_array(r->open, r->nr_open, sizeof(*r->open), cmp_open);
}

void report_build(struct report *r, const struct history *h, const struct collection *c)
{
	struct symbolizer *sy = symbolizer_new();
	struct findings f;

	memset(r, 0, sizeof(*r));
	findings_make(&f, h, sy);
	add_findings(r, &f, sy);
	add_open(r, &f);
	blindness_fill(r, h, c, sy);
	r->nr_followed = h->followed;
	r->nr_processes = h->followed_processes;
	findings_release(&f);
	symbolizer_free(sy);
}
