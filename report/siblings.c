/* SPDX-License-Identifier: MIT */
/* Finds the outcomes of a site's kin. What was found is kept: many sockets share a site. */
#include "siblings.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "kinship.h"
#include "places.h"

struct row {
	struct path *path; /* of the birth */
	const struct process *process;
	const struct rec_outcome *outcome;
};

struct sibling_index {
	const struct history *h;
	struct path_index *paths;
	struct row *rows; /* by the innermost place of the birth */
	size_t nr_rows, alloc_rows;
};

/* What was found for a path, which all sockets born there share; NULL where nobody asked. */
struct found {
	struct siblings *of_clients;
	struct siblings *of_accepted;
};

/* ---- rows -------------------------------------------------------------------------------- */

static int cmp_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int diff = place_cmp(x->path->places[0], y->path->places[0]);

	if (!diff && x->process != y->process)
		diff = x->process < y->process ? -1 : 1;
	return diff ? diff : x->outcome < y->outcome ? -1 : x->outcome > y->outcome;
}

static void add_rows(struct sibling_index *x, const struct process *p)
{
	size_t i;

	for (i = 0; i < p->rec->nr_outcomes; i++) {
		const struct rec_outcome *o = p->rec->outcomes[i];
		struct path *path = path_of(x->paths, p, o->birth_site);

		if (!path)
			continue;
		ALLOC_GROW(x->rows, x->nr_rows + 1, x->alloc_rows);
		x->rows[x->nr_rows++] = (struct row){path, p, o};
	}
}

static void siblings_free(struct siblings *s)
{
	if (s)
		free(s->closers);
	free(s);
}

static void free_found(void *about)
{
	struct found *f = about;

	if (f) {
		siblings_free(f->of_clients);
		siblings_free(f->of_accepted);
	}
	free(f);
}

struct sibling_index *sibling_index_new(const struct history *h)
{
	struct sibling_index *x = xcalloc(1, sizeof(*x));
	size_t i;

	x->h = h;
	x->paths = path_index_new(h, free_found);
	for (i = 0; i < h->nr_processes; i++)
		add_rows(x, &h->processes[i]);
	sort_array(x->rows, x->nr_rows, sizeof(*x->rows), cmp_rows);
	return x;
}

void sibling_index_free(struct sibling_index *x)
{
	if (x) {
		path_index_free(x->paths);
		free(x->rows);
	}
	free(x);
}

/* ---- siblings ---------------------------------------------------------------------------- */

/* path NULL: closed where no stack was taken. */
static struct closer *find_closer(struct siblings *s, const struct path *path,
				  const struct process *p, uint32_t site)
{
	struct closer *c;
	size_t i;

	for (i = 0; i < s->nr_closers; i++)
		if (s->closers[i].path == path)
			return &s->closers[i];
	ALLOC_GROW(s->closers, s->nr_closers + 1, s->alloc_closers);
	c = &s->closers[s->nr_closers++];
	*c = (struct closer){path, p, site, 0};
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

static void add_outcome(struct sibling_index *x, struct siblings *s, const struct process *p,
			const struct rec_outcome *o)
{
	const struct path *path = path_of(x->paths, p, o->close_site);

	s->nr_closed += o->nr;
	find_closer(s, path, p, o->close_site)->nr += o->nr;
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

		if (place_cmp(x->rows[mid].path->places[0], place) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct siblings *find_siblings(struct sibling_index *x, const struct path *path,
				      bool accepted)
{
	struct siblings *s = xcalloc(1, sizeof(*s));
	struct place at = path->places[0], from = at;
	size_t i;

	from.offset -= from.offset < KIN_DISTANCE ? from.offset : KIN_DISTANCE;
	for (i = first_row(x, from); i < x->nr_rows; i++) {
		const struct row *row = &x->rows[i];
		struct place there = row->path->places[0];

		if (there.file != at.file || there.offset > at.offset + KIN_DISTANCE)
			break;
		if (paths_are_kin(path, row->path, accepted))
			add_outcome(x, s, row->process, row->outcome);
	}
	sort_array(s->closers, s->nr_closers, sizeof(*s->closers), cmp_closers);
	return s;
}

const struct siblings *siblings_of(const struct life *l)
{
	static const struct siblings none;
	struct sibling_index *x = l->process->siblings;
	bool accepted = l->r.flags & REC_LIFE_ACCEPTED;
	struct path *path = path_of(x->paths, l->process, l->r.site);
	struct siblings **found;
	struct found *f;

	if (!path)
		return &none;
	if (!path->about)
		path->about = xcalloc(1, sizeof(struct found));
	f = path->about;
	found = accepted ? &f->of_accepted : &f->of_clients;
	if (!*found)
		*found = find_siblings(x, path, accepted);
	return *found;
}

/* ---- all of a place ---------------------------------------------------------------------- */

static bool is_closed_there(struct sibling_index *x, const struct ended *e, const struct row *row)
{
	const struct path *a = path_of(x->paths, e->process, e->close_site);
	const struct path *b = path_of(x->paths, row->process, row->outcome->close_site);

	if (!a || !b)
		return a == b;
	return !place_cmp(a->places[0], b->places[0]);
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

		if (i && place_cmp(row[-1].path->places[0], row->path->places[0]))
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
