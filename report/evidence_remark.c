/* SPDX-License-Identifier: MIT */
#include "evidence_remark.h"

#include <inttypes.h>
#include <stdlib.h>

#include "describe.h"
#include "evidence_parts.h"

static void say_when(struct report_finding *to, const struct remark *r)
{
	struct strbuf sb = STRBUF_INIT;

	if (!r->first_ns)
		return;
	add_age(&sb, r->first_ns, r->process);
	if (r->nr > 1) {
		strbuf_addstr(&sb, " (the first), ");
		add_age(&sb, r->last_ns, r->process);
		strbuf_addstr(&sb, " (the last)");
	}
	add_line(to, "when", &sb);
}

static void say_process(struct report_finding *to, const struct remark *r)
{
	struct strbuf sb = STRBUF_INIT;

	add_process(&sb, r->process);
	add_line(to, "process", &sb);
}

static void say_lines(struct report_finding *to, const struct remark *r, struct symbolizer *sy)
{
	size_t i;

	for (i = 0; i < REMARK_LINES && r->lines[i].label; i++) {
		struct strbuf sb = STRBUF_INIT;

		strbuf_addstr(&sb, r->lines[i].text);
		if (r->lines[i].site)
			add_place(&sb, stack_own_frame(
					       symbolizer_site(sy, r->process, r->lines[i].site)));
		add_line(to, r->lines[i].label, &sb);
	}
}

static void say_dwells(struct report_finding *to, const struct remark *r)
{
	struct strbuf sb = STRBUF_INIT;

	if (!r->dwells.nr)
		return;
	text_add_duration(&sb, r->dwells.max_ns);
	strbuf_addstr(&sb, " at most from the peer's FIN to the close; half of them up to ");
	text_add_duration(&sb, times_percentile(&r->dwells, 50));
	strbuf_addstr(&sb, ", 99 % up to ");
	text_add_duration(&sb, times_percentile(&r->dwells, 99));
	strbuf_addf(&sb, " (of %" PRIu64 ")", r->dwells.nr);
	add_line(to, "dwell", &sb);
}

static void say_other_place(struct report_finding *to, const struct remark *r,
			    struct symbolizer *sy)
{
	struct strbuf sb = STRBUF_INIT;

	if (!r->other_site)
		return;
	add_place_and_caller(&sb, symbolizer_site(sy, r->process, r->other_site));
	add_line(to, r->which->other, &sb);
}

static void add_other_stack(struct report_finding *to, const struct remark *r,
			    struct symbolizer *sy)
{
	char *label = xstrfmt("%s at", r->which->other);

	add_stack(to, STACK_OTHER, label, symbolizer_site(sy, r->process, r->other_site));
	free(label);
}

void evidence_remark(struct report_finding *to, const struct remark *r, struct symbolizer *sy)
{
	struct strbuf advice = STRBUF_INIT;

	to->first_at = process_real_ns(r->process, r->first_ns);
	to->last_at = process_real_ns(r->process, r->last_ns);
	fill_times(&to->dwells, &r->dwells);
	say_when(to, r);
	say_process(to, r);
	say_lines(to, r, sy);
	say_dwells(to, r);
	say_other_place(to, r, sy);
	strbuf_addstr(&advice, r->which->advice);
	to->advice = strbuf_detach(&advice);
	add_stack(to, r->rule->noun ? STACK_CALLED : STACK_OPENED,
		  r->rule->noun ? "called at" : "opened at",
		  symbolizer_site(sy, r->process, r->site));
	if (r->other_site)
		add_other_stack(to, r, sy);
}
