/* SPDX-License-Identifier: MIT */
/* A stack: closed it says where, open it lists the frames and shows the line of the program's. */
#include "html_parts.h"
#include "html_text.h"

#define FRAMES_MAX 60

void html_place(FILE *out, const struct report_frame *f)
{
	if (!f) {
		html_raw(out, "an unknown place");
		return;
	}
	html_raw(out, "<code>");
	html_name(out, f->function);
	html_raw(out, "</code> <span class=where>(");
	html_name(out, f->where);
	html_raw(out, ")</span>");
}

static void put_frame(FILE *out, const struct report_frame *f, bool own)
{
	html_rawf(out, "<li%s>", own ? " class=own" : f->runtime ? " class=runtime" : "");
	html_place(out, f);
	if (f->inlined)
		html_raw(out, " <small>inlined</small>");
	if (f->jit)
		html_raw(out, " <small>JIT</small>");
	html_raw(out, "</li>\n");
}

static void put_frames(FILE *out, const struct report_stack *st)
{
	size_t i;

	html_raw(out, "<ol class=frames start=0>\n");
	for (i = 0; i < st->nr && i < FRAMES_MAX; i++)
		put_frame(out, &st->frames[i], i == st->own);
	html_raw(out, "</ol>\n");
	if (st->nr > FRAMES_MAX)
		html_elementf(out, "p class=cut", "%zu more frames, not shown",
			      st->nr - FRAMES_MAX);
}

void html_stack(FILE *out, const struct report_stack *st, bool open, uint64_t ran_at)
{
	const struct report_frame *own = report_own_frame(st);

	html_rawf(out, "<details class=stack%s><summary>", open ? " open" : "");
	html_element(out, "b", st->label);
	html_raw(out, " ");
	html_place(out, own);
	html_raw(out, "</summary>\n");
	if (st->nr)
		put_frames(out, st);
	if (st->note)
		html_element(out, "p class=cut", st->note);
	if (own)
		html_source(out, own->file, own->line, ran_at);
	html_raw(out, "</details>\n");
}
