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
		free(st->frames[i].file);
		free(st->frames[i].module);
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

static void release_site(struct report_site *s)
{
	size_t i;

	release_stack(&s->stack);
	for (i = 0; i < s->nr_closers; i++)
		release_stack(&s->closers[i].stack);
	free(s->closers);
}

static void release_process(struct report_process *p)
{
	free(p->name);
	free(p->exe);
	free(p->cmdline);
	free(p->host);
}

static void release_details(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_sites; i++)
		release_site(&r->sites[i]);
	for (i = 0; i < r->nr_processes_told; i++)
		release_process(&r->processes[i]);
	for (i = 0; i < r->nr_sockets; i++) {
		free(r->sockets[i].peer);
		free(r->sockets[i].local);
	}
	free(r->sites);
	free(r->processes);
	free(r->sockets);
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
	release_details(r);
	free(r->suppressions);
	free(r->findings);
	free(r->open);
	release_strings(r->warnings, r->nr_warnings);
	release_strings(r->notes, r->nr_notes);
	memset(r, 0, sizeof(*r));
}

const struct report_stack *report_stack_of(const struct report_finding *f,
					   enum report_stack_kind kind)
{
	size_t i;

	for (i = 0; i < f->nr_stacks; i++)
		if (f->stacks[i].kind == kind)
			return &f->stacks[i];
	return NULL;
}

const struct report_frame *report_own_frame(const struct report_stack *st)
{
	return st && st->own != REPORT_NONE ? &st->frames[st->own] : NULL;
}

const struct report_frame *report_missing_close(const struct report_finding *f)
{
	static const enum report_stack_kind kinds[] = {STACK_SIBLINGS_CLOSED, STACK_EOF,
						       STACK_LAST_USE, STACK_OPENED};
	const struct report_frame *frame = NULL;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !frame; i++)
		frame = report_own_frame(report_stack_of(f, kinds[i]));
	return frame;
}
