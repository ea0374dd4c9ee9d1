/* SPDX-License-Identifier: MIT */
/* Words about siblings: where the other sockets of a place were closed, and how soon. */
#include "evidence_siblings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "describe.h"

#define PLACES 3

/* The closers of one function. */
struct place {
	const struct stack *stack; /* of the most frequent ... */
	const struct frame *frame; /* ... its own frame; NULL if not known */
	uint64_t nr;
};

struct places {
	struct place *all;
	size_t nr, alloc;
};

static bool is_same_function(const struct frame *a, const struct frame *b)
{
	if (!a || !b || !a->function || !b->function)
		return a == b;
	return !strcmp(a->function, b->function) &&
	       !strcmp(a->module ? a->module : "", b->module ? b->module : "");
}

static void add_closer(struct places *p, const struct stack *st, uint64_t nr)
{
	const struct frame *frame = stack_own_frame(st);
	size_t i;

	for (i = 0; i < p->nr; i++) {
		if (is_same_function(p->all[i].frame, frame)) {
			p->all[i].nr += nr;
			return;
		}
	}
	ALLOC_GROW(p->all, p->nr + 1, p->alloc);
	p->all[p->nr++] = (struct place){st, frame, nr};
}

static int cmp_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->nr > y->nr ? -1 : x->nr < y->nr;
}

static struct places find_places(const struct siblings *s, struct symbolizer *sy)
{
	struct places p = {NULL, 0, 0};
	size_t i;

	for (i = 0; i < s->nr_closers; i++) {
		const struct closer *c = &s->closers[i];

		add_closer(&p, symbolizer_site(sy, c->process, c->site), c->nr);
	}
	sort_array(p.all, p.nr, sizeof(*p.all), cmp_places);
	return p;
}

static void add_places(struct strbuf *sb, const struct places *p)
{
	size_t i;

	for (i = 0; i < p->nr && i < PLACES; i++) {
		strbuf_addstr(sb, i ? ", " : "");
		if (p->nr > 1)
			strbuf_addf(sb, "%" PRIu64 " ", p->all[i].nr);
		strbuf_addstr(sb, "in ");
		add_place(sb, p->all[i].frame);
	}
	if (p->nr > PLACES)
		strbuf_addf(sb, " and at %zu more places", p->nr - PLACES);
}

static void add_dwells(struct strbuf *sb, const struct times *d)
{
	if (!d->nr)
		return;
	strbuf_addstr(sb, "; half of them within ");
	text_add_duration(sb, times_percentile(d, 50));
	strbuf_addstr(sb, " of the peer's FIN, all within ");
	text_add_duration(sb, d->max_ns);
}

void add_siblings(struct strbuf *sb, const struct siblings *s, struct symbolizer *sy)
{
	struct places p = find_places(s, sy);

	if (p.nr) {
		text_add_count(sb, s->nr_closed, "other");
		strbuf_addf(sb, " opened here %s closed ", s->nr_closed == 1 ? "was" : "were");
		add_places(sb, &p);
		add_dwells(sb, &s->dwells);
	}
	free(p.all);
}

const struct stack *siblings_stack(const struct siblings *s, struct symbolizer *sy)
{
	struct places p = find_places(s, sy);
	const struct stack *st = p.nr && p.all[0].frame ? p.all[0].stack : NULL;

	free(p.all);
	return st;
}
