/* SPDX-License-Identifier: MIT */
/*
 * Collapsed stacks, "outer;inner NUMBER", as flame graphs are made of: what opened the open
 * sockets, and as the innermost frame their state.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "format.h"
#include "names.h"
#include "samples.h"
#include "text.h"

/* A semicolon ends a frame, and none is empty. */
static void add_frame(struct strbuf *sb, const char *name)
{
	char *clean = text_cleaned(name), *c;

	for (c = clean; (c = strchr(c, ';'));)
		*c = ':';
	strbuf_addf(sb, "%s;", clean[strspn(clean, " ")] ? clean : "???");
	free(clean);
}

static char *stack_of(const struct report *r, const struct sample *s)
{
	const struct report_stack *st = &r->sites[s->site].stack;
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	if (!st->nr)
		add_frame(&sb, "no stack");
	for (i = st->nr; i--;)
		add_frame(&sb, sample_frame_name(&st->frames[i]));
	strbuf_addf(&sb, "[%s]", s->state);
	return strbuf_detach(&sb);
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	struct names stacks = NAMES_INIT;
	struct samples samples;
	uint64_t *sums;
	size_t i;

	(void)how;
	samples_make(&samples, r);
	sums = xcalloc(samples.nr, sizeof(*sums));
	for (i = 0; i < samples.nr; i++) {
		char *stack = stack_of(r, &samples.all[i]);

		sums[names_number(&stacks, stack)] += samples.all[i].nr_sockets;
		free(stack);
	}
	for (i = 0; i < stacks.nr; i++)
		fprintf(out, "%s %" PRIu64 "\n", stacks.all[i] + strspn(stacks.all[i], " "),
			sums[i]);
	free(sums);
	names_release(&stacks);
	samples_release(&samples);
}

DEFINE_FORMAT(folded, render, true);
