/* SPDX-License-Identifier: MIT */
/*
 * Where the sources lie that the compiler saw somewhere else: --path-map and --source-root. Changes
 * what a finished report says of its frames' files; who judges or suppresses sees the compiler's.
 */
#ifndef SOCKLINT_PATHS_H
#define SOCKLINT_PATHS_H

#include <stddef.h>

#include "report.h"

struct path_map {
	char *from;
	const char *to;
};

struct paths {
	struct path_map *maps; /* the first that fits counts */
	size_t nr, alloc;
	char *root, *real_root; /* absolute; NULL: none */
};

/* OLD=NEW. Returns -1 if it is not of that form, or OLD is empty. */
int paths_add_map(struct paths *p, const char *arg);
void paths_set_root(struct paths *p, const char *dir);
void paths_release(struct paths *p);

/* The file as the user knows it: below the root it is relative to it. The caller frees it. */
char *paths_translate(const struct paths *p, const char *file);
/* Translates each frame of the report. */
void paths_apply(const struct paths *p, struct report *r);

#endif
