/* SPDX-License-Identifier: MIT */
#include "baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static int cmp_ids(const void *a, const void *b)
{
	const struct baseline_entry *x = a, *y = b;

	return strcmp(x->id, y->id);
}

const struct baseline_entry *baseline_find(const struct baseline *b, const char *id)
{
	struct baseline_entry key;

	if (!b->nr)
		return NULL;
	snprintf(key.id, sizeof(key.id), "%s", id);
	return bsearch(&key, b->all, b->nr, sizeof(*b->all), cmp_ids);
}

static void add_ids(struct baseline *b, const struct report_finding *f)
{
	size_t i;

	for (i = 0; i < f->nr_ids; i++) {
		struct baseline_entry *e;

		ALLOC_GROW(b->all, b->nr + 1, b->alloc);
		e = &b->all[b->nr++];
		memcpy(e->id, f->ids[i].id, sizeof(e->id));
		e->rule = xstrdup(f->rule);
		e->kind = f->subkind ? xstrdup(f->subkind) : NULL;
		e->function = xstrdup(f->function);
		e->nr = f->ids[i].nr;
	}
}

static void release_entry(struct baseline_entry *e)
{
	free(e->rule);
	free(e->kind);
	free(e->function);
}

/* Two findings may differ in what has no part in the fingerprint. */
static void join_same(struct baseline *b)
{
	size_t i, nr = 0;

	for (i = 0; i < b->nr; i++) {
		if (nr && !strcmp(b->all[nr - 1].id, b->all[i].id)) {
			b->all[nr - 1].nr += b->all[i].nr;
			release_entry(&b->all[i]);
		} else {
			b->all[nr++] = b->all[i];
		}
	}
	b->nr = nr;
}

void baseline_of(struct baseline *b, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		add_ids(b, &r->findings[i]);
	sort_array(b->all, b->nr, sizeof(*b->all), cmp_ids);
	join_same(b);
}

void baseline_release(struct baseline *b)
{
	size_t i;

	for (i = 0; i < b->nr; i++)
		release_entry(&b->all[i]);
	free(b->all);
	memset(b, 0, sizeof(*b));
}
