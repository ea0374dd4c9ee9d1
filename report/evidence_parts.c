/* SPDX-License-Identifier: MIT */
#include "evidence_parts.h"

#include <stdlib.h>
#include <string.h>

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

static bool has_line(const struct frame *f)
{
	return f->file && f->line && !f->runtime;
}

static bool has_name(const struct frame *f)
{
	return f->function && !f->runtime;
}

static const struct frame *first_with(const struct stack *st, const struct frame *from,
				      bool (*has)(const struct frame *f))
{
	const struct frame *f;

	for (f = from; f != st->frames + st->nr; f++)
		if (has(f))
			return f;
	return NULL;
}

/* Of a library without its debug information the callers say nothing: who called into it does. */
static const struct frame *telling_caller(const struct stack *st, const struct frame *own)
{
	const struct frame *next = own + 1, *f;

	if (own->file || own->jit)
		return next;
	f = first_with(st, next, has_line);
	if (!f)
		f = first_with(st, next, has_name);
	return f ? f : next;
}

void add_place_and_caller(struct strbuf *sb, const struct stack *st)
{
	const struct frame *own = stack_own_frame(st), *caller;

	add_place(sb, own);
	if (!own || own + 1 == st->frames + st->nr)
		return;
	caller = telling_caller(st, own);
	if (caller->runtime || (!caller->module && !caller->jit))
		return;
	strbuf_addstr(sb, caller == own + 1 ? ", called from " : ", reached from ");
	add_place(sb, caller);
}

static char *build_id(const struct rec_module *m)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	if (!m || !m->build_id_len)
		return NULL;
	for (i = 0; i < m->build_id_len; i++)
		strbuf_addf(&sb, "%02x", m->build_id[i]);
	return strbuf_detach(&sb);
}

static void add_report_frame(struct report_stack *to, const struct frame *f)
{
	struct report_frame *frame;

	ALLOC_GROW(to->frames, to->nr + 1, to->alloc);
	frame = &to->frames[to->nr++];
	memset(frame, 0, sizeof(*frame));
	frame->function = xstrdup(f->function ? f->function : "???");
	frame->where = describe_where(f);
	frame->file = f->file ? xstrdup(f->file) : NULL;
	frame->line = f->line;
	frame->module = f->module ? xstrdup(f->module) : NULL;
	frame->build_id = build_id(f->elf);
	frame->offset = f->offset;
	frame->inlined = f->inlined;
	frame->jit = f->jit;
	frame->runtime = f->runtime;
}

void fill_stack(struct report_stack *to, enum report_stack_kind kind, const char *label,
		const struct stack *from)
{
	const struct frame *own = stack_own_frame(from);
	size_t i;

	*to = (struct report_stack){.kind = kind, .label = xstrdup(label), .own = REPORT_NONE};
	for (i = 0; i < from->nr; i++)
		add_report_frame(to, &from->frames[i]);
	if (own)
		to->own = (size_t)(own - from->frames);
	if (!from->nr)
		to->note = xstrdup("no stack was taken");
	else if (from->caller_only)
		to->note = xstrdup("the caller alone: it could not be unwound here");
	else if (from->truncated)
		to->note = xstrdup("deeper frames were not kept");
	else if (from->handler)
		to->note = xstrdup("called by a signal: what that interrupted was not kept");
}

void fill_times(struct report_times *to, const struct times *from)
{
	_Static_assert(REPORT_BUCKETS == REC_BUCKETS && REPORT_BUCKET_NS == REC_BUCKET_NS,
		       "the report has the recording's histograms");

	to->nr = from->nr;
	to->p50_ns = times_percentile(from, 50);
	to->p99_ns = times_percentile(from, 99);
	to->max_ns = from->max_ns;
	memcpy(to->buckets, from->buckets, sizeof(to->buckets));
}

void add_stack(struct report_finding *finding, enum report_stack_kind kind, const char *label,
	       const struct stack *from)
{
	ALLOC_GROW(finding->stacks, finding->nr_stacks + 1, finding->alloc_stacks);
	fill_stack(&finding->stacks[finding->nr_stacks++], kind, label, from);
}
