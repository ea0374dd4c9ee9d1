/* SPDX-License-Identifier: MIT */
#include "source_path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "text.h"

/* Without ".", ".." and double slashes, and without slashes at its ends; NULL if it climbs out. */
static char *normalized(const char *path)
{
	char *to = xstrdup(path);
	size_t len = 0;

	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && !memcmp(path, "..", 2)) {
			if (!len) {
				free(to);
				return NULL;
			}
			while (len && to[--len] != '/')
				;
		} else if (part && !(part == 1 && *path == '.')) {
			if (len)
				to[len++] = '/';
			memmove(to + len, path, part);
			len += part;
		}
		path += part + (path[part] == '/');
	}
	to[len] = '\0';
	return to;
}

static char *absolute_root(const struct source_map *m)
{
	char *here = m->root && *m->root == '/' ? NULL : getcwd(NULL, 0), *all, *root;

	all = xstrfmt("%s/%s", here ? here : "", m->root ? m->root : "");
	root = normalized(all);
	free(all);
	free(here);
	return root;
}

/* Both are normalized. */
static char *below(const char *root, const char *path)
{
	size_t len = strlen(root);

	if (!len)
		return xstrdup(path);
	if (strncmp(path, root, len) || path[len] != '/')
		return NULL;
	return xstrdup(path + len + 1);
}

static char *path_below(const char *root, const char *file)
{
	char *path = normalized(file), *found;

	if (!path || !*path || *file != '/')
		return path;
	found = below(root, path);
	free(path);
	return found;
}

char *source_path(const struct source_map *m, const char *file)
{
	char *root = absolute_root(m), *path = root ? path_below(root, file) : NULL;

	free(root);
	return path;
}

static void fill_stack(struct report_stack *st, const char *root)
{
	size_t i;

	for (i = 0; i < st->nr; i++)
		if (st->frames[i].file)
			st->frames[i].path = path_below(root, st->frames[i].file);
}

void source_paths_fill(struct report *r, const struct source_map *m)
{
	char *root = absolute_root(m);
	size_t i, j;

	if (!root)
		return;
	for (i = 0; i < r->nr_findings; i++)
		for (j = 0; j < r->findings[i].nr_stacks; j++)
			fill_stack(&r->findings[i].stacks[j], root);
	for (i = 0; i < r->nr_sites; i++) {
		fill_stack(&r->sites[i].stack, root);
		for (j = 0; j < r->sites[i].nr_closers; j++)
			fill_stack(&r->sites[i].closers[j].stack, root);
	}
	free(root);
}
