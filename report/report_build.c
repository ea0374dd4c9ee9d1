/* SPDX-License-Identifier: MIT */
/* Makes the finished report. */
#include "report_build.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "blindness.h"
#include "connection.h"
#include "describe.h"
#include "details.h"
#include "evidence.h"
#include "evidence_remark.h"
#include "identify.h"

static char *function_of(const struct frame *f)
{
	return xstrdup(f && f->function ? f->function : "???");
}

static void count_finding(struct report *r, const struct rule *rule, uint64_t nr)
{
	if (rule->severity < SEVERITY_ERROR) {
		r->nr_warnings_given++;
		return;
	}
	r->nr_leaked += nr;
	r->nr_leak_places++;
	if (rule->nr == RULE_close_wait)
		r->nr_close_wait += nr;
	else
		r->nr_descriptors += nr;
}

static struct report_finding *add_finding(struct report *r, const struct rule *rule,
					  const struct rule_case *which, uint64_t nr,
					  const struct frame *frame)
{
	struct report_finding *to;

	ALLOC_GROW(r->findings, r->nr_findings + 1, r->alloc_findings);
	to = &r->findings[r->nr_findings++];
	memset(to, 0, sizeof(*to));
	to->rule = rule->id;
	to->title = rule->title;
	to->help = rule->help;
	to->site = REPORT_NONE;
	to->severity = severity_name(rule->severity);
	to->subkind = which->name;
	to->meaning = which->meaning;
	to->nr = nr;
	to->noun = rule->noun ? rule->noun : "socket";
	to->verb = rule->verb ? rule->verb : "opened";
	to->function = function_of(frame);
	to->where = describe_where(frame);
	return to;
}

static void add_findings(struct report *r, const struct findings *f, const struct gate *gate,
			 struct symbolizer *sy)
{
	size_t i;

	for (i = 0; i < f->nr_groups; i++) {
		const struct finding_group *g = &f->groups[i];
		const struct finding *oldest = g->members;

		struct report_finding *to = add_finding(
			r, oldest->judged.rule, oldest->judged.verdict.which, g->nr, oldest->frame);

		evidence_fill(to, g, sy);
		identify_finding(to, g, sy, gate->shows_suppressions || r->has_details);
		count_finding(r, oldest->judged.rule, g->nr);
	}
}

static void add_remarks(struct report *r, const struct history *h, const struct gate *gate,
			struct symbolizer *sy)
{
	struct remarks remarks = {NULL, 0, 0};
	size_t i;

	remark_all(h, &remarks);
	remarks_group(&remarks, sy);
	gate_suppress_remarks(gate, &remarks, sy);
	for (i = 0; i < remarks.nr; i++) {
		const struct remark *cur = &remarks.all[i];
		const struct stack *st = symbolizer_site(sy, cur->process, cur->site);
		struct report_finding *to =
			add_finding(r, cur->rule, cur->which, cur->nr, stack_own_frame(st));

		evidence_remark(to, cur, sy);
		identify_remark(to, cur, sy, gate->shows_suppressions || r->has_details);
		r->nr_warnings_given++;
	}
	remarks_release(&remarks);
}

/* Of an unseen socket the state is all that is known. */
static const char *reason_of(const struct finding *f)
{
	if (f->judged.verdict.reason == OPEN_UNSEEN)
		return socket_state_unseen(f->judged.socket);
	return open_reason_text(f->judged.verdict.reason);
}

static bool is_same_row(const struct report_open *row, const struct finding *f)
{
	const char *function = f->frame && f->frame->function ? f->frame->function : "???";
	char *where = describe_where(f->frame);
	const char *remark = f->judged.kept_for ? f->judged.kept_for : "";
	bool same = row->reason == reason_of(f) &&
		    !strcmp(row->remark ? row->remark : "", remark) &&
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
	return reason == OPEN_UNKNOWN ||
	       (f->judged.rule && f->judged.rule->severity == SEVERITY_ERROR &&
		reason != OPEN_NONE);
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
static void add_open(struct report *r, const struct findings *f, const struct gate *gate)
{
	size_t i;

	r->nr_still_open = f->nr - f->nr_faults;
	r->nr_in_doubt = count_in_doubt(f);
	r->open = xcalloc(r->nr_still_open, sizeof(*r->open));
	for (i = f->nr_faults; i < f->nr; i++) {
		const struct finding *cur = &f->all[i];
		struct report_open *row;

		if (!r->nr_open || !is_same_row(&r->open[r->nr_open - 1], cur)) {
			row = &r->open[r->nr_open++];
			row->function = function_of(cur->frame);
			row->where = describe_where(cur->frame);
			row->reason = reason_of(cur);
			row->fails = gate_fails_open(gate, &cur->judged);
			if (cur->judged.kept_for)
				row->remark = xstrdup(cur->judged.kept_for);
		}
		r->open[r->nr_open - 1].nr_sockets++;
	}
	sort_array(r->open, r->nr_open, sizeof(*r->open), cmp_open);
}

static void name_rules(struct report *r)
{
	int i;

	r->rules = xcalloc(RULE_COUNT, sizeof(*r->rules));
	r->nr_rules = RULE_COUNT;
	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *rule = rule_by_nr((enum rule_nr)i);

		r->rules[i] = (struct report_rule){rule->id, rule->title, rule->help,
						   severity_name(rule->severity)};
	}
}

void report_build(struct report *r, const struct history *h, const struct collection *c,
		  const struct gate *gate, bool with_details)
{
	struct symbolizer *sy = symbolizer_new();
	struct findings f;

	memset(r, 0, sizeof(*r));
	r->has_details = with_details;
	r->shows_suppressions = gate->shows_suppressions;
	name_rules(r);
	findings_make(&f, h, sy);
	gate_suppress_findings(gate, &f, sy);
	add_findings(r, &f, gate, sy);
	if (with_details)
		details_fill(r, h, &f, sy);
	add_remarks(r, h, gate, sy);
	add_open(r, &f, gate);
	gate_judge(gate, r);
	blindness_fill(r, h, c, sy);
	r->nr_followed = h->followed;
	r->nr_processes = h->followed_processes;
	findings_release(&f);
	symbolizer_free(sy);
}
