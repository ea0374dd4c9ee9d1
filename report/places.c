/* SPDX-License-Identifier: MIT */
/* A site's path is made when it is first asked for. */
#include "places.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "kinship.h"

struct path_index {
	const struct history *h;
	void (*free_about)(void *about);
	const struct rec_module **files; /* one of each; number 1 is files[0] */
	size_t nr_files, alloc_files;
	void *paths;	      /* tsearch() tree of struct path */
	struct path ***known; /* by process, then by site */
	struct path **all;
	size_t nr, alloc;
};

struct path_index *path_index_new(const struct history *h, void (*free_about)(void *about))
{
	struct path_index *x = xcalloc(1, sizeof(*x));

	x->h = h;
	x->free_about = free_about;
	x->known = xcalloc(h->nr_processes, sizeof(*x->known));
	return x;
}

static void keep_node(void *node)
{
	(void)node; /* it is in `all` as well */
}

void path_index_free(struct path_index *x)
{
	size_t i;

	if (!x)
		return;
	tdestroy(x->paths, keep_node);
	for (i = 0; i < x->nr; i++) {
		x->free_about(x->all[i]->about);
		free(x->all[i]->places);
		free(x->all[i]);
	}
	for (i = 0; i < x->h->nr_processes; i++)
		free(x->known[i]);
	free(x->all);
	free(x->known);
	free(x->files);
	free(x);
}

/* ---- places ------------------------------------------------------------------------------ */

static bool is_same_file(const struct rec_module *a, const struct rec_module *b)
{
	if (a->build_id_len != b->build_id_len)
		return false;
	if (a->build_id_len)
		return !memcmp(a->build_id, b->build_id, a->build_id_len);
	return !strcmp(a->path, b->path);
}

static size_t file_number(struct path_index *x, const struct rec_module *m)
{
	size_t i;

	for (i = 0; i < x->nr_files; i++)
		if (x->files[i] == m || is_same_file(x->files[i], m))
			return i + 1;
	ALLOC_GROW(x->files, x->nr_files + 1, x->alloc_files);
	x->files[x->nr_files++] = m;
	return x->nr_files;
}

static struct place place_of(struct path_index *x, const struct process *p,
			     const struct rec_site *s, size_t frame)
{
	uint64_t offset;
	const struct rec_module *m = process_module(p, s->pc[frame], &offset);

	return (struct place){m ? file_number(x, m) : 0, offset};
}

int place_cmp(struct place a, struct place b)
{
	if (a.file != b.file)
		return a.file < b.file ? -1 : 1;
	return a.offset < b.offset ? -1 : a.offset > b.offset;
}

/* ---- paths ------------------------------------------------------------------------------- */

static int cmp_paths(const void *a, const void *b)
{
	const struct path *p = a, *q = b;
	size_t i;
	int diff;

	if (p->process != q->process)
		return p->process < q->process ? -1 : 1;
	if (p->nr != q->nr)
		return p->nr < q->nr ? -1 : 1;
	for (i = 0, diff = 0; i < p->nr && !diff; i++)
		diff = place_cmp(p->places[i], q->places[i]);
	return diff;
}

static struct path *path_new(struct path_index *x, const struct process *p,
			     const struct rec_site *s)
{
	struct path *path = xcalloc(1, sizeof(*path));
	size_t i;

	path->born_by = s->born_by;
	path->nr = s->nr;
	path->places = xcalloc(s->nr, sizeof(*path->places));
	for (i = 0; i < s->nr; i++) {
		path->places[i] = place_of(x, p, s, i);
		if (!path->places[i].file)
			path->process = p;
	}
	return path;
}

static struct path *path_find(struct path_index *x, const struct process *p,
			      const struct rec_site *s)
{
	struct path *path = path_new(x, p, s), **found = tsearch(path, &x->paths, cmp_paths);

	if (!found)
		out_of_memory();
	if (*found != path) {
		free(path->places);
		free(path);
		return *found;
	}
	ALLOC_GROW(x->all, x->nr + 1, x->alloc);
	return x->all[x->nr++] = path;
}

struct path *path_of(struct path_index *x, const struct process *p, uint32_t site)
{
	const struct rec_site *s = recording_site(p->rec, site);
	struct path ***known = &x->known[p - x->h->processes];

	if (!s || !s->nr)
		return NULL;
	if (!*known)
		*known = xcalloc(p->rec->nr_sites + 1, sizeof(**known));
	if (!(*known)[site])
		(*known)[site] = path_find(x, p, s);
	return (*known)[site];
}

static bool are_copies(const struct path *a, const struct path *b)
{
	struct place x = a->places[0], y = b->places[0];
	uint64_t distance = x.offset > y.offset ? x.offset - y.offset : y.offset - x.offset;
	size_t i;

	if (a->nr != b->nr || a->nr < 2 || a->born_by != b->born_by || a->process != b->process ||
	    x.file != y.file || distance > KIN_DISTANCE)
		return false;
	for (i = 1; i < a->nr; i++)
		if (place_cmp(a->places[i], b->places[i]))
			return false;
	return true;
}

bool paths_are_kin(const struct path *a, const struct path *b, bool accepted)
{
	struct place x = a->places[0];

	if (a == b)
		return true;
	if (accepted && !place_cmp(x, b->places[0]) && (x.file || a->process == b->process))
		return true;
	return are_copies(a, b);
}
