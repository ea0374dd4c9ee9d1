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

void remark_line(struct remark *r, const char *label, const char *fmt, ...)
{
	size_t i;
	va_list ap;

	for (i = 0; i < REMARK_LINES && r->lines[i].label; i++)
		;
	if (i == REMARK_LINES)
		return;
	va_start(ap, fmt);
	if (vasprintf(&r->lines[i].text, fmt, ap) < 0)
		r->lines[i].text = xstrdup("");
	va_end(ap);
	r->lines[i].label = label;
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
