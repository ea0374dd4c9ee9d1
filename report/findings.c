/* SPDX-License-Identifier: MIT */
/* Groups what the rules said. */
#include "findings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "connection.h"

static int cmp_names(const char *a, const char *b)
{
	if (!a || !b)
		return !!a - !!b;
	return strcmp(a, b);
}

/* ---- order ------------------------------------------------------------------------------- */

static bool is_fault(const struct finding *f)
{
	return f->judged.rule && f->judged.verdict.reason == OPEN_NONE;
}

static const char *subkind(const struct finding *f)
{
	return f->judged.verdict.which ? f->judged.verdict.which->name : NULL;
}

static int cmp_group(const struct finding *a, const struct finding *b)
{
	if (a->judged.rule != b->judged.rule)
		return a->judged.rule->nr < b->judged.rule->nr ? -1 : 1;
	if (cmp_names(subkind(a), subkind(b)))
		return cmp_names(subkind(a), subkind(b));
	return frame_cmp(a->frame, b->frame);
}

static int cmp_born(const struct finding *a, const struct finding *b)
{
	uint64_t x = socket_opened(a->judged.socket)->r.born_ns;
	uint64_t y = socket_opened(b->judged.socket)->r.born_ns;

	return x < y ? -1 : x > y;
}

/* Faults first, group by group, oldest first; then the rest by place and reason. */
static int cmp_findings(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int diff = is_fault(y) - is_fault(x);

	if (!diff && is_fault(x))
		diff = cmp_group(x, y);
	else if (!diff)
		diff = frame_cmp(x->frame, y->frame);
	if (!diff && !is_fault(x))
		diff = (int)x->judged.verdict.reason - (int)y->judged.verdict.reason;
	if (!diff)
		diff = cmp_names(x->judged.kept_for, y->judged.kept_for);
	if (!diff && x->judged.verdict.reason == OPEN_UNSEEN)
		diff = (int)socket_tcp_state(x->judged.socket) -
		       (int)socket_tcp_state(y->judged.socket);
	return diff ? diff : cmp_born(x, y);
}

/* ---- the last of a series ---------------------------------------------------------------- */

static bool lacks_only_proof(const struct finding *f)
{
	enum open_reason r = f->judged.verdict.reason;

	return f->judged.rule &&
	       (r == OPEN_NO_PROOF || r == OPEN_CUSTODY || r == OPEN_PARKED || r == OPEN_ONE_SHOT);
}

static bool is_same_place(const struct finding *a, const struct finding *b)
{
	return a->judged.rule && a->judged.rule == b->judged.rule && a->frame &&
	       !frame_cmp(a->frame, b->frame);
}

static void join_one(struct finding *f, const struct finding *proven)
{
	if (!lacks_only_proof(f))
		return;
	/* Its thread is busy with it, for all that can be seen of a FILE. */
	if (f->judged.verdict.reason == OPEN_CUSTODY && (f->judged.socket->flags & REC_LIFE_STDIO))
		return;
	if (!f->judged.verdict.which->informed && cmp_names(subkind(f), subkind(proven)))
		return;
	f->judged.verdict.reason = OPEN_NONE;
	f->judged.verdict.proof.kind = PROOF_SERIES;
}

/*
 * What its worker may be busy with, were it not that it was told of the end and that others of the
 * place leak likewise: it is the last that an idle worker had in hand, however old.
 */
static void join_idle_workers(struct findings *f)
{
	struct finding *end = f->all + f->nr, *first, *cur, *next;

	for (first = f->all; first < end; first = next) {
		const struct finding *proven = NULL;

		for (next = first; next < end && (next == first || is_same_place(next, first));
		     next++)
			if (is_fault(next) && next->judged.verdict.which->informed)
				proven = next;
		for (cur = first; proven && cur < next; cur++)
			if (cur->judged.verdict.reason == OPEN_CUSTODY &&
			    cur->judged.verdict.which->informed)
				join_one(cur, proven);
	}
}

/*
 * Nothing could overtake the youngest of a place: the series that they end is their proof. Those
 * older than a proven one had their chance, and keep their reason.
 */
static void join_series(struct findings *f)
{
	struct finding *end = f->all + f->nr, *proven, *cur;

	for (proven = f->all; proven < end; proven++) {
		if (!is_fault(proven))
			continue;
		for (cur = proven + 1; cur < end && is_same_place(cur, proven); cur++)
			if (is_fault(cur))
				break;
		if (cur < end && is_same_place(cur, proven))
			continue; /* a younger one has proof */
		for (end = cur, cur = proven + 1; cur < end; cur++)
			join_one(cur, proven);
		proven = end - 1;
		end = f->all + f->nr;
	}
}

/* For join_series(): rule by rule and place by place, oldest first. */
static int cmp_series(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	const struct rule *rx = x->judged.rule, *ry = y->judged.rule;
	int diff;

	if (rx != ry)
		return !rx ? 1 : !ry ? -1 : (rx->nr < ry->nr ? -1 : 1);
	diff = frame_cmp(x->frame, y->frame);
	return diff ? diff : cmp_born(x, y);
}

/* ---- groups ------------------------------------------------------------------------------ */

static int cmp_groups(const void *a, const void *b)
{
	const struct finding_group *x = a, *y = b;
	const struct rule *rx = x->members->judged.rule, *ry = y->members->judged.rule;

	if (rx->severity != ry->severity)
		return rx->severity > ry->severity ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	return x->members < y->members ? -1 : 1;
}

void findings_sort_groups(struct findings *f)
{
	sort_array(f->groups, f->nr_groups, sizeof(*f->groups), cmp_groups);
}

static void make_groups(struct findings *f)
{
	size_t i;

	f->groups = xcalloc(f->nr, sizeof(*f->groups));
	for (i = 0; i < f->nr && is_fault(&f->all[i]); i++) {
		if (!i || cmp_group(&f->all[i - 1], &f->all[i]))
			f->groups[f->nr_groups++].members = &f->all[i];
		f->groups[f->nr_groups - 1].nr++;
	}
	f->nr_faults = i;
	findings_sort_groups(f);
}

void findings_make(struct findings *f, const struct history *h, struct symbolizer *sy)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	f->nr = h->nr_sockets;
	f->all = xcalloc(f->nr, sizeof(*f->all));
	for (i = 0; i < f->nr; i++) {
		const struct life *birth = socket_opened(&h->sockets[i]);

		judge(&h->sockets[i], &f->all[i].judged);
		f->all[i].frame =
			stack_own_frame(symbolizer_site(sy, birth->process, birth->r.site));
	}
	sort_array(f->all, f->nr, sizeof(*f->all), cmp_series);
	join_series(f);
	join_idle_workers(f);
	sort_array(f->all, f->nr, sizeof(*f->all), cmp_findings);
	make_groups(f);
}

void findings_release(struct findings *f)
{
	free(f->all);
	free(f->groups);
	memset(f, 0, sizeof(*f));
}
