/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct named {
	char *name;
	size_t number;
};

static int cmp_entries(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return strcmp(x->name, y->name);
}

size_t names_number(struct names *n, const char *name)
{
	struct named *e = xcalloc(1, sizeof(*e)), **found;
	size_t number;

	e->name = xstrdup(name);
	e->number = n->nr;
	found = tsearch(e, &n->tree, cmp_entries);
	if (!found)
		out_of_memory();
	number = (*found)->number;
	if (*found != e) {
		free(e->name);
		free(e);
		return number;
	}
	ALLOC_GROW(n->all, n->nr + 1, n->alloc);
	n->all[n->nr++] = e->name;
	return number;
}

static void free_entry(void *node)
{
	struct named *e = node;

	free(e->name);
	free(e);
}

void names_release(struct names *n)
{
	tdestroy(n->tree, free_entry);
	free(n->all);
	memset(n, 0, sizeof(*n));
}
