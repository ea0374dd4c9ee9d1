/* SPDX-License-Identifier: MIT */
/*
 * What a file of the program is called in its repository. All paths that a report links to are made
 * here; knows strings alone, and looks at no file.
 */
#ifndef SOCKLINT_SOURCE_PATH_H
#define SOCKLINT_SOURCE_PATH_H

#include "report.h"

struct source_map {
	const char *root; /* NULL: the current directory */
};

/*
 * The path below the root, with "." and ".." resolved; NULL if the file lies elsewhere. A path that
 * is relative (as -fdebug-prefix-map leaves it) counts from the root. The caller frees it.
 */
char *source_path(const struct source_map *m, const char *file);
/* Gives all frames of a report their paths. */
void source_paths_fill(struct report *r, const struct source_map *m);

#endif
