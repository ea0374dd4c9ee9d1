/* SPDX-License-Identifier: MIT */
/* What a finished report owns. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

static void release_stack(struct report_stack *st)
{
	size_t i;

	for (i = 0; i < st->nr; i++) {
		free(st->frames[i].function);
		free(st->frames[i].where);
	}
	free(st->frames);
	free(st->label);
	free(st->note);
}

static void release_finding(struct report_finding *f)
{
	size_t i;

	for (i = 0; i < f->nr_lines; i++) {
		free(f->lines[i].label);
		free(f->lines[i].text);
	}
	for (i = 0; i < f->nr_stacks; i++)
		release_stack(&f->stacks[i]);
	free(f->lines);
	free(f->stacks);
	free(f->function);
	free(f->where);
	free(f->advice);
	free(f->ids);
	free(f->suppression);
}

static void release_strings(char **strings, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		free(strings[i]);
	free(strings);
}

static void release_suppression(struct report_suppression *s)
{
	free(s->name);
	free(s->where);
	free(s->reason);
	free(s->expires);
}

void report_release(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		release_finding(&r->findings[i]);
	for (i = 0; i < r->nr_open; i++) {
		free(r->open[i].function);
		free(r->open[i].where);
		free(r->open[i].remark);
	}
	for (i = 0; i < r->nr_suppressions; i++)
		release_suppression(&r->suppressions[i]);
	free(r->suppressions);
	free(r->findings);
	free(r->open);
	release_strings(r->warnings, r->nr_warnings);
	release_strings(r->notes, r->nr_notes);
	memset(r, 0, sizeof(*r));
}
