/* SPDX-License-Identifier: MIT */
#include "evidence_parts.h"

#include <stdlib.h>

#include "alloc.h"
#include "describe.h"

void add_line(struct report_finding *to, const char *label, struct strbuf *sb)
{
	struct report_line *line;

	if (!sb->len)
		return;
	ALLOC_GROW(to->lines, to->nr_lines + 1, to->alloc_lines);
	line = &to->lines[to->nr_lines++];
	line->label = xstrdup(label);
	line->text = strbuf_detach(sb);
}

void add_place_and_caller(struct strbuf *sb, const struct stack *st)
{
	const struct frame *own = stack_own_frame(st);

	add_place(sb, own);
	if (!own || own + 1 == st->frames + st->nr || own[1].runtime ||
	    (!own[1].module && !own[1].jit))
		return;
	strbuf_addstr(sb, ", called from ");
	add_place(sb, own + 1);
}

static void add_report_frame(struct report_stack *to, const struct frame *f)
{
	struct report_frame *frame;

	ALLOC_GROW(to->frames, to->nr + 1, to->alloc);
	frame = &to->frames[to->nr++];
	frame->function = xstrdup(f->function ? f->function : "???");
	frame->where = describe_where(f);
	frame->inlined = f->inlined;
	frame->jit = f->jit;
	frame->runtime = f->runtime;
}

void add_stack(struct report_finding *finding, const char *label, const struct stack *from)
{
	struct report_stack *to;
	size_t i;

	ALLOC_GROW(finding->stacks, finding->nr_stacks + 1, finding->alloc_stacks);
	to = &finding->stacks[finding->nr_stacks++];
	*to = (struct report_stack){xstrdup(label), NULL, 0, 0, NULL};
	for (i = 0; i < from->nr; i++)
		add_report_frame(to, &from->frames[i]);
	if (!from->nr)
		to->note = xstrdup("no stack was taken");
	else if (from->caller_only)
		to->note = xstrdup("the caller alone: it could not be unwound here");
	else if (from->truncated)
		to->note = xstrdup("deeper frames were not kept");
}
