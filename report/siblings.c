/* SPDX-License-Identifier: MIT */
/* Finds the outcomes of a site's kin. What was found is kept: many sockets share a site. */
#include "siblings.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* An address in the terms of the file that it lies in; file 0: generated code. */
struct place {
	size_t file;
	uint64_t offset;
};

struct row {
	struct place place; /* of the birth's innermost frame */
	const struct process *process;
	const struct rec_outcome *outcome;
};

struct sibling_index {
	const struct history *h;
	const struct rec_module **files; /* one of each; number 1 is files[0] */
	size_t nr_files, alloc_files;
	struct row *rows; /* by place */
	size_t nr_rows, alloc_rows;
	struct siblings ***found; /* by process, then by site; NULL where nobody asked */
};

/* ---- places ------------------------------------------------------------------------------ */

static bool is_same_file(const struct rec_module *a, const struct rec_module *b)
{
	if (a->build_id_len != b->build_id_len)
		return false;
	if (a->build_id_len)
		return !memcmp(a->build_id, b->build_id, a->build_id_len);
	return !strcmp(a->path, b->path);
}

static size_t file_number(struct sibling_index *x, const struct rec_module *m)
{
	size_t i;

	for (i = 0; i < x->nr_files; i++)
		if (x->files[i] == m || is_same_file(x->files[i], m))
			return i + 1;
	ALLOC_GROW(x->files, x->nr_files + 1, x->alloc_files);
	x->files[x->nr_files++] = m;
	return x->nr_files;
}

static struct place place_of(struct sibling_index *x, const struct process *p,
			     const struct rec_site *s, size_t frame)
{
	const struct rec_module *m = process_module(p, s->epoch, s->pc[frame]);

	if (!m)
		return (struct place){0, s->pc[frame]};
	return (struct place){file_number(x, m), s->pc[frame] - m->bias};
}

static int cmp_places(struct place a, struct place b)
{
	if (a.file != b.file)
		return a.file < b.file ? -1 : 1;
	return a.offset < b.offset ? -1 : a.offset > b.offset;
}

/* ---- rows -------------------------------------------------------------------------------- */

static int cmp_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int diff = cmp_places(x->place, y->place);

	if (!diff && x->process != y->process)
		diff = x->process < y->process ? -1 : 1;
	return diff ? diff : x->outcome < y->outcome ? -1 : x->outcome > y->outcome;
}

static void add_rows(struct sibling_index *x, const struct process *p)
{
	size_t i;

	for (i = 0; i < p->rec->nr_outcomes; i++) {
		const struct rec_outcome *o = p->rec->outcomes[i];
		const struct rec_site *s = recording_site(p->rec, o->birth_site);

		if (!s || !s->nr)
			continue;
		ALLOC_GROW(x->rows, x->nr_rows + 1, x->alloc_rows);
		x->rows[x->nr_rows++] = (struct row){place_of(x, p, s, 0), p, o};
	}
}

struct sibling_index *sibling_index_new(const struct history *h)
{
	struct sibling_index *x = xcalloc(1, sizeof(*x));
	size_t i;

	x->h = h;
	x->found = xcalloc(h->nr_processes, sizeof(*x->found));
	for (i = 0; i < h->nr_processes; i++)
		add_rows(x, &h->processes[i]);
	sort_array(x->rows, x->nr_rows, sizeof(*x->rows), cmp_rows);
	return x;
}

static void release_found(struct sibling_index *x, size_t process)
{
	struct siblings **found = x->found[process];
	size_t i;

	for (i = 0; found && i < x->h->processes[process].rec->nr_sites + 1; i++) {
		if (found[i])
			free(found[i]->closers);
		free(found[i]);
	}
	free(found);
}

void sibling_index_free(struct sibling_index *x)
{
	size_t i;

	for (i = 0; x && i < x->h->nr_processes; i++)
		release_found(x, i);
	if (x) {
		free(x->found);
		free(x->files);
		free(x->rows);
	}
	free(x);
}

/* ---- siblings ---------------------------------------------------------------------------- */

static bool are_kin_abroad(struct sibling_index *x, const struct process *p,
			   const struct rec_site *a, const struct process *q,
			   const struct rec_site *b, bool accepted)
{
	size_t i, nr = accepted ? 1 : a->nr;

	if (!accepted && a->nr != b->nr)
		return false;
	for (i = 0; i < nr; i++) {
		struct place here = place_of(x, p, a, i), there = place_of(x, q, b, i);

		if (!here.file || cmp_places(here, there))
			return false;
	}
	return true;
}

static bool are_kin(struct sibling_index *x, const struct life *l, const struct row *row)
{
	const struct process *p = l->process, *q = row->process;
	bool accepted = l->r.flags & REC_LIFE_ACCEPTED;

	if (p == q)
		return kinship_are_kin(p->kinship, row->outcome->birth_site, l->r.site, accepted);
	return are_kin_abroad(x, p, recording_site(p->rec, l->r.site), q,
			      recording_site(q->rec, row->outcome->birth_site), accepted);
}

static struct closer *find_closer(struct siblings *s, const struct process *p, uint32_t site)
{
	struct closer *c;
	size_t i;

	for (i = 0; i < s->nr_closers; i++)
		if (s->closers[i].process == p && s->closers[i].site == site)
			return &s->closers[i];
	ALLOC_GROW(s->closers, s->nr_closers + 1, s->alloc_closers);
	c = &s->closers[s->nr_closers++];
	*c = (struct closer){p, site, 0};
	return c;
}

void times_add(struct times *t, const uint32_t buckets[REC_BUCKETS], uint64_t max_ns)
{
	size_t i;

	for (i = 0; i < REC_BUCKETS; i++) {
		t->nr += buckets[i];
		t->buckets[i] += buckets[i];
	}
	if (max_ns > t->max_ns)
		t->max_ns = max_ns;
}

static void add_outcome(struct siblings *s, const struct process *p, const struct rec_outcome *o)
{
	s->nr_closed += o->nr;
	find_closer(s, p, o->close_site)->nr += o->nr;
	if (o->flags & REC_OUTCOME_AT_END) {
		s->nr_at_end += o->nr;
		return;
	}
	times_add(&s->dwells, o->dwell, o->dwell_max_ns);
	times_add(&s->lives, o->life, o->life_max_ns);
}

static int cmp_closers(const void *a, const void *b)
{
	const struct closer *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

/* The first row that is not before the place. */
static size_t first_row(const struct sibling_index *x, struct place place)
{
	size_t lo = 0, hi = x->nr_rows;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp_places(x->rows[mid].place, place) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct siblings *find_siblings(struct sibling_index *x, const struct life *l)
{
	const struct rec_site *site = recording_site(l->process->rec, l->r.site);
	struct siblings *s = xcalloc(1, sizeof(*s));
	struct place at, from;
	size_t i;

	if (!site || !site->nr)
		return s;
	from = at = place_of(x, l->process, site, 0);
	from.offset -= from.offset < KIN_DISTANCE ? from.offset : KIN_DISTANCE;
	for (i = first_row(x, from); i < x->nr_rows && x->rows[i].place.file == at.file &&
				     x->rows[i].place.offset <= at.offset + KIN_DISTANCE;
	     i++)
		if (are_kin(x, l, &x->rows[i]))
			add_outcome(s, x->rows[i].process, x->rows[i].outcome);
	sort_array(s->closers, s->nr_closers, sizeof(*s->closers), cmp_closers);
	return s;
}

const struct siblings *siblings_of(const struct life *l)
{
	static const struct siblings none;
	struct sibling_index *x = l->process->siblings;
	size_t process = (size_t)(l->process - x->h->processes);
	size_t nr_sites = l->process->rec->nr_sites;
	struct siblings **found;

	if (!l->r.site || l->r.site >= nr_sites)
		return &none;
	if (!x->found[process])
		x->found[process] = xcalloc(nr_sites + 1, sizeof(*x->found[process]));
	found = &x->found[process][l->r.site];
	if (!*found)
		*found = find_siblings(x, l);
	return *found;
}

/* ---- all of a place ---------------------------------------------------------------------- */

static bool is_closed_there(struct sibling_index *x, const struct ended *e, const struct row *row)
{
	const struct rec_site *a = recording_site(e->process->rec, e->close_site);
	const struct rec_site *b = recording_site(row->process->rec, row->outcome->close_site);

	if (!a || !b || !a->nr || !b->nr)
		return a == b;
	return !cmp_places(place_of(x, e->process, a, 0), place_of(x, row->process, b, 0));
}

static void ended_add(struct ended *e, const struct rec_outcome *o)
{
	if (o->first_ns && (!e->first_ns || o->first_ns < e->first_ns))
		e->first_ns = o->first_ns;
	if (o->last_ns > e->last_ns)
		e->last_ns = o->last_ns;
	e->nr += o->nr;
	e->nr_active += o->nr_active;
	e->asked += o->asked;
	e->unread += o->unread;
	times_add(&e->dwells, o->dwell, o->dwell_max_ns);
}

/* all[first] and those behind it are of the same place of birth as the row. */
static size_t find_ended(struct sibling_index *x, const struct ended *all, size_t first, size_t nr,
			 const struct row *row, bool by_close)
{
	size_t i;

	for (i = first; by_close && i < nr; i++)
		if (is_closed_there(x, &all[i], row))
			return i;
	return by_close ? nr : first;
}

struct ended *ended_sockets(const struct history *h,
			    bool (*wanted)(const struct process *p, const struct rec_outcome *o),
			    bool by_close, size_t *nr)
{
	struct sibling_index *x = h->siblings;
	struct ended *all = xcalloc(x->nr_rows, sizeof(*all));
	size_t i, to, first = 0;

	*nr = 0;
	for (i = 0; i < x->nr_rows; i++) {
		const struct row *row = &x->rows[i];

		if (i && cmp_places(row[-1].place, row->place))
			first = *nr;
		if (!wanted(row->process, row->outcome))
			continue;
		to = find_ended(x, all, first, *nr, row, by_close);
		if (to == *nr)
			all[(*nr)++] = (struct ended){.process = row->process,
						      .birth_site = row->outcome->birth_site,
						      .close_site = row->outcome->close_site};
		ended_add(&all[to], row->outcome);
	}
	return all;
}

/* ---- times ------------------------------------------------------------------------------- */

void times_join(struct times *to, const struct times *from)
{
	size_t i;

	to->nr += from->nr;
	for (i = 0; i < REC_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
}

uint64_t times_percentile(const struct times *t, unsigned int percent)
{
	uint64_t below = 0, wanted = (t->nr * percent + 99) / 100, bound;
	size_t i;

	for (i = 0; i < REC_BUCKETS && t->nr; i++) {
		below += t->buckets[i];
		if (below < wanted)
			continue;
		bound = (uint64_t)REC_BUCKET_NS << i;
		return bound < t->max_ns ? bound : t->max_ns;
	}
	return 0;
}
