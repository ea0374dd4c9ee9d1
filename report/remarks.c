/* SPDX-License-Identifier: MIT */
#include "remarks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void remarks_add(struct remarks *to, const struct remark *remark)
{
	ALLOC_GROW(to->all, to->nr + 1, to->alloc);
	to->all[to->nr++] = *remark;
}

static void add_line(struct remark *r, const char *label, uint32_t site, const char *fmt,
		     va_list ap)
{
	size_t i;

	for (i = 0; i < REMARK_LINES && r->lines[i].label; i++)
		;
	if (i == REMARK_LINES)
		return;
	if (vasprintf(&r->lines[i].text, fmt, ap) < 0)
		r->lines[i].text = xstrdup("");
	r->lines[i].label = label;
	r->lines[i].site = site;
}

void remark_line(struct remark *r, const char *label, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(r, label, 0, fmt, ap);
	va_end(ap);
}

void remark_line_at(struct remark *r, const char *label, uint32_t site, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(r, label, site, fmt, ap);
	va_end(ap);
}

struct remark remark_of_incident(enum rule_nr rule, const struct rule_case *which,
				 const struct process *p, const struct rec_incident *in)
{
	return (struct remark){.rule = rule_by_nr(rule),
			       .which = which,
			       .process = p,
			       .site = in->site,
			       .other_site = which->other ? in->first_site : 0,
			       .nr = 1 + (uint64_t)in->again,
			       .first_ns = in->ns,
			       .last_ns = in->last_ns > in->ns ? in->last_ns : in->ns};
}

void remark_incidents(const struct history *h, enum rec_incident_kind kind, remark_incident *remark,
		      struct remarks *to)
{
	size_t i, k;

	for (i = 0; i < h->nr_processes; i++) {
		const struct process *p = &h->processes[i];

		for (k = 0; k < p->rec->nr_incidents; k++)
			if (p->rec->incidents[k]->kind == kind)
				remark(p, p->rec->incidents[k], to);
	}
}

struct remark remark_of_ended(enum rule_nr rule, const struct rule_case *which,
			      const struct ended *e)
{
	return (struct remark){.rule = rule_by_nr(rule),
			       .which = which,
			       .process = e->process,
			       .site = e->birth_site,
			       .other_site = e->close_site,
			       .nr = e->nr};
}

void remark_release(struct remark *r)
{
	size_t i;

	for (i = 0; i < REMARK_LINES; i++)
		free(r->lines[i].text);
}

void remarks_release(struct remarks *r)
{
	size_t i;

	for (i = 0; i < r->nr; i++)
		remark_release(&r->all[i]);
	free(r->all);
	memset(r, 0, sizeof(*r));
}

/* ---- groups ------------------------------------------------------------------------------ */

static const struct frame *own_frame(struct symbolizer *sy, const struct remark *r, uint32_t site)
{
	return stack_own_frame(symbolizer_site(sy, r->process, site));
}

static bool is_same_group(struct symbolizer *sy, const struct remark *a, const struct remark *b)
{
	return a->rule == b->rule && a->which == b->which &&
	       !frame_cmp(own_frame(sy, a, a->site), own_frame(sy, b, b->site)) &&
	       !frame_cmp(own_frame(sy, a, a->other_site), own_frame(sy, b, b->other_site));
}

static void join(struct remark *to, struct remark *from)
{
	to->nr += from->nr;
	times_join(&to->dwells, &from->dwells);
	if (from->first_ns < to->first_ns)
		to->first_ns = from->first_ns;
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
	remark_release(from);
}

static int cmp_remarks(const void *a, const void *b)
{
	const struct remark *x = a, *y = b;

	if (x->rule->severity != y->rule->severity)
		return x->rule->severity > y->rule->severity ? -1 : 1;
	if (x->rule != y->rule)
		return x->rule->nr < y->rule->nr ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

void remarks_group(struct remarks *r, struct symbolizer *sy)
{
	size_t i, to, nr = 0;

	for (i = 0; i < r->nr; i++) {
		for (to = 0; to < nr && !is_same_group(sy, &r->all[to], &r->all[i]); to++)
			;
		if (to < nr)
			join(&r->all[to], &r->all[i]);
		else
			r->all[nr++] = r->all[i];
	}
	r->nr = nr;
	sort_array(r->all, r->nr, sizeof(*r->all), cmp_remarks);
}
