/* SPDX-License-Identifier: MIT */
/*
 * The places that open sockets: recorded sites grouped by the function of the program, and what
 * became of the sockets that were opened there.
 */
#include "details.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "evidence_parts.h"

struct site_ref {
	size_t process;
	uint32_t site;
	const struct stack *stack;
};

struct site_index {
	const struct history *h;
	uint32_t **wanted; /* by process and site: 0, or one more than its place */
	struct site_ref *refs;
	size_t nr_refs, alloc_refs;
};

static void want(struct site_index *x, const struct process *p, uint32_t site,
		 struct symbolizer *sy)
{
	size_t process = (size_t)(p - x->h->processes);
	uint32_t *wanted = &x->wanted[process][site < p->rec->nr_sites ? site : 0];

	if (*wanted)
		return;
	*wanted = 1;
	ALLOC_GROW(x->refs, x->nr_refs + 1, x->alloc_refs);
	x->refs[x->nr_refs++] = (struct site_ref){process, site, symbolizer_site(sy, p, site)};
}

static int cmp_places(const struct site_ref *x, const struct site_ref *y)
{
	const struct frame *a = stack_own_frame(x->stack), *b = stack_own_frame(y->stack);

	if (!a || !b)
		return !!a - !!b;
	return frame_cmp(a, b);
}

static int cmp_refs(const void *a, const void *b)
{
	const struct site_ref *x = a, *y = b;
	int diff = cmp_places(x, y);

	if (diff)
		return diff;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

static void number_places(struct site_index *x, struct report *r)
{
	size_t i;

	sort_array(x->refs, x->nr_refs, sizeof(*x->refs), cmp_refs);
	r->sites = xcalloc(x->nr_refs, sizeof(*r->sites));
	for (i = 0; i < x->nr_refs; i++) {
		struct site_ref *ref = &x->refs[i];
		uint32_t nr_sites = (uint32_t)x->h->processes[ref->process].rec->nr_sites;

		if (!i || cmp_places(ref - 1, ref))
			fill_stack(&r->sites[r->nr_sites++].stack, STACK_OPENED, "opened at",
				   ref->stack);
		x->wanted[ref->process][ref->site < nr_sites ? ref->site : 0] =
			(uint32_t)r->nr_sites;
	}
}

size_t site_index_of(const struct site_index *x, const struct process *p, uint32_t site)
{
	return x->wanted[p - x->h->processes][site < p->rec->nr_sites ? site : 0] - 1;
}

/* ---- what became of them ----------------------------------------------------------------- */

struct closing_ref {
	size_t place;
	const struct stack *stack;
	uint64_t nr;
};

static int cmp_closings(const void *a, const void *b)
{
	const struct closing_ref *x = a, *y = b;
	const struct frame *f = stack_own_frame(x->stack), *g = stack_own_frame(y->stack);

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (!f || !g)
		return !!f - !!g;
	return frame_cmp(f, g);
}

static int cmp_closers(const void *a, const void *b)
{
	const struct report_closer *x = a, *y = b;

	return x->nr > y->nr ? -1 : x->nr < y->nr;
}

static void add_closers(struct report *r, struct closing_ref *all, size_t nr)
{
	size_t i;

	sort_array(all, nr, sizeof(*all), cmp_closings);
	for (i = 0; i < nr; i++) {
		struct report_site *site = &r->sites[all[i].place];

		if (!i || cmp_closings(&all[i - 1], &all[i])) {
			ALLOC_GROW(site->closers, site->nr_closers + 1, site->alloc_closers);
			memset(&site->closers[site->nr_closers], 0, sizeof(*site->closers));
			fill_stack(&site->closers[site->nr_closers++].stack, STACK_OTHER,
				   "closed at", all[i].stack);
		}
		site->closers[site->nr_closers - 1].nr += all[i].nr;
	}
	for (i = 0; i < r->nr_sites; i++)
		sort_array(r->sites[i].closers, r->sites[i].nr_closers,
			   sizeof(*r->sites[i].closers), cmp_closers);
}

struct tally {
	struct times dwells, lives;
};

static void count_outcome(struct report_site *site, struct tally *t, const struct rec_outcome *o)
{
	site->nr_closed += o->nr;
	site->nr_active += o->nr_active;
	if (o->flags & REC_OUTCOME_PASSIVE)
		site->nr_passive += o->nr;
	if (o->flags & REC_OUTCOME_AT_END) {
		site->nr_at_end += o->nr;
		return;
	}
	times_add(&t->dwells, o->dwell, o->dwell_max_ns);
	times_add(&t->lives, o->life, o->life_max_ns);
}

static size_t count_outcomes(const struct history *h)
{
	size_t i, nr = 0;

	for (i = 0; i < h->nr_processes; i++)
		nr += h->processes[i].rec->nr_outcomes;
	return nr;
}

static void add_outcomes(struct site_index *x, struct report *r, struct symbolizer *sy)
{
	struct closing_ref *closings = xcalloc(count_outcomes(x->h), sizeof(*closings));
	struct tally *tallies = xcalloc(r->nr_sites, sizeof(*tallies));
	size_t i, j, nr = 0;

	for (i = 0; i < x->h->nr_processes; i++) {
		const struct process *p = &x->h->processes[i];

		for (j = 0; j < p->rec->nr_outcomes; j++) {
			const struct rec_outcome *o = p->rec->outcomes[j];
			size_t place = site_index_of(x, p, o->birth_site);

			count_outcome(&r->sites[place], &tallies[place], o);
			closings[nr++] = (struct closing_ref){
				place, symbolizer_site(sy, p, o->close_site), o->nr};
		}
	}
	add_closers(r, closings, nr);
	for (i = 0; i < r->nr_sites; i++) {
		fill_times(&r->sites[i].dwells, &tallies[i].dwells);
		fill_times(&r->sites[i].lives, &tallies[i].lives);
	}
	free(tallies);
	free(closings);
}

struct site_index *site_index_new(struct report *r, const struct history *h, struct symbolizer *sy)
{
	struct site_index *x = xcalloc(1, sizeof(*x));
	size_t i, j;

	x->h = h;
	x->wanted = xcalloc(h->nr_processes, sizeof(*x->wanted));
	for (i = 0; i < h->nr_processes; i++)
		x->wanted[i] = xcalloc(h->processes[i].rec->nr_sites + 1, sizeof(*x->wanted[i]));
	for (i = 0; i < h->nr_sockets; i++) {
		const struct life *l = socket_opened(&h->sockets[i]);

		want(x, l->process, l->r.site, sy);
	}
	for (i = 0; i < h->nr_processes; i++)
		for (j = 0; j < h->processes[i].rec->nr_outcomes; j++)
			want(x, &h->processes[i], h->processes[i].rec->outcomes[j]->birth_site, sy);
	number_places(x, r);
	add_outcomes(x, r, sy);
	return x;
}

void site_index_free(struct site_index *x)
{
	size_t i;

	for (i = 0; i < x->h->nr_processes; i++)
		free(x->wanted[i]);
	free(x->wanted);
	free(x->refs);
	free(x);
}

/* ---- order ------------------------------------------------------------------------------- */

struct numbered_site {
	struct report_site site;
	size_t before;
};

static int cmp_numbers(uint64_t x, uint64_t y)
{
	return x > y ? -1 : x < y;
}

static int cmp_sites(const void *a, const void *b)
{
	const struct numbered_site *x = a, *y = b;
	int diff = cmp_numbers(x->site.nr_faults, y->site.nr_faults);

	if (!diff)
		diff = cmp_numbers(x->site.nr_open, y->site.nr_open);
	if (!diff)
		diff = cmp_numbers(x->site.nr_closed, y->site.nr_closed);
	return diff ? diff : x->before < y->before ? -1 : x->before > y->before;
}

void sites_sort(struct report *r)
{
	struct numbered_site *all = xcalloc(r->nr_sites, sizeof(*all));
	size_t *place = xcalloc(r->nr_sites, sizeof(*place));
	size_t i;

	for (i = 0; i < r->nr_sites; i++)
		all[i] = (struct numbered_site){r->sites[i], i};
	sort_array(all, r->nr_sites, sizeof(*all), cmp_sites);
	for (i = 0; i < r->nr_sites; i++) {
		r->sites[i] = all[i].site;
		place[all[i].before] = i;
	}
	for (i = 0; i < r->nr_sockets; i++)
		r->sockets[i].site = place[r->sockets[i].site];
	for (i = 0; i < r->nr_findings; i++)
		if (r->findings[i].site != REPORT_NONE)
			r->findings[i].site = place[r->findings[i].site];
	free(place);
	free(all);
}
