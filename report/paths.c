/* SPDX-License-Identifier: MIT */
#include "paths.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "text.h"

static bool is_last_part_up(const char *path, size_t len)
{
	return len >= 2 && !memcmp(path + len - 2, "..", 2) && (len == 2 || path[len - 3] == '/');
}

/* Drops the last part of what stands so far; what leads out of a relative path stays. */
static size_t go_up(char *path, size_t len, bool absolute)
{
	if (!len && absolute)
		return 0;
	if (!len || is_last_part_up(path, len)) {
		memcpy(path + len, len ? "/.." : "..", len ? 3 : 2);
		return len + (len ? 3 : 2);
	}
	while (len && path[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

/* Takes "//", "/./" and "/x/../" out, by their letters: the machine that compiled is not asked. */
static char *tidy(const char *file)
{
	bool absolute = *file == '/';
	char *to = xstrdup(file), *path = to + absolute;
	size_t len = 0;

	while (*file) {
		size_t part;

		file += strspn(file, "/");
		part = strcspn(file, "/");
		if (part == 2 && !memcmp(file, "..", 2)) {
			len = go_up(path, len, absolute);
		} else if (part && !(part == 1 && *file == '.')) {
			if (len)
				path[len++] = '/';
			memmove(path + len, file, part);
			len += part;
		}
		file += part;
	}
	path[len] = '\0';
	return to;
}

/* What follows the directory, without slash; NULL if the file does not lie below it. */
static const char *below(const char *dir, const char *file)
{
	size_t len = strlen(dir);

	if (!len) /* "." of a compiler that was told to forget where it was */
		return *file == '/' ? NULL : file;
	while (len && dir[len - 1] == '/')
		len--;
	if (strncmp(file, dir, len) || (file[len] != '/' && file[len]))
		return NULL;
	return file[len] ? file + len + 1 : file + len;
}

int paths_add_map(struct paths *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	char *from;

	if (!equals || equals == arg)
		return -1;
	from = xstrfmt("%.*s", (int)(equals - arg), arg);
	ALLOC_GROW(p->maps, p->nr + 1, p->alloc);
	p->maps[p->nr].from = tidy(from);
	p->maps[p->nr++].to = equals + 1;
	free(from);
	return 0;
}

static char *make_absolute(const char *dir)
{
	char *cwd = *dir == '/' ? NULL : getcwd(NULL, 0);
	char *joined = xstrfmt("%s/%s", cwd ? cwd : "", dir), *path = tidy(joined);

	free(cwd);
	free(joined);
	return path;
}

void paths_set_root(struct paths *p, const char *dir)
{
	free(p->root);
	free(p->real_root);
	p->root = make_absolute(dir);
	p->real_root = realpath(p->root, NULL);
}

void paths_release(struct paths *p)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		free(p->maps[i].from);
	free(p->maps);
	free(p->root);
	free(p->real_root);
	memset(p, 0, sizeof(*p));
}

static char *map(const struct paths *p, char *file)
{
	const char *rest;
	char *mapped;
	size_t i;

	for (i = 0; i < p->nr; i++) {
		rest = below(p->maps[i].from, file);
		if (!rest)
			continue;
		mapped = *p->maps[i].to ? xstrfmt("%s/%s", p->maps[i].to, rest) : xstrdup(rest);
		free(file);
		file = tidy(mapped);
		free(mapped);
		return file;
	}
	return file;
}

char *paths_translate(const struct paths *p, const char *file)
{
	char *mapped = map(p, tidy(file)), *relative;
	const char *rest = p->root ? below(p->root, mapped) : NULL;

	if (!rest && p->real_root)
		rest = below(p->real_root, mapped);
	if (!rest || !*rest)
		return mapped;
	relative = xstrdup(rest);
	free(mapped);
	return relative;
}

/* Relative as a compiler left it, who may have been anywhere: then it is to be seen. */
static bool is_astray(const struct paths *p, const char *before, const char *now)
{
	char *path;
	bool found;

	if (*before == '/' || *now == '/' || !p->root)
		return false;
	path = xstrfmt("%s/%s", p->root, now);
	found = !access(path, F_OK);
	free(path);
	return !found;
}

static void apply_to_stack(const struct paths *p, struct report_stack *st)
{
	size_t i;

	for (i = 0; i < st->nr; i++) {
		char *file = st->frames[i].file;

		if (!file)
			continue;
		st->frames[i].file = paths_translate(p, file);
		st->frames[i].astray = is_astray(p, file, st->frames[i].file);
		free(file);
	}
}

void paths_apply(const struct paths *p, struct report *r)
{
	size_t i, k;

	if (!p->nr && !p->root)
		return;
	for (i = 0; i < r->nr_findings; i++)
		for (k = 0; k < r->findings[i].nr_stacks; k++)
			apply_to_stack(p, &r->findings[i].stacks[k]);
	for (i = 0; i < r->nr_sites; i++) {
		apply_to_stack(p, &r->sites[i].stack);
		for (k = 0; k < r->sites[i].nr_closers; k++)
			apply_to_stack(p, &r->sites[i].closers[k].stack);
	}
}
