/* SPDX-License-Identifier: MIT */
/*
 * The recordings of one run (or several), from the files and directories that the user named.
 * Knows names of files; what is in them is the loader's.
 */
#ifndef SOCKLINT_COLLECTION_H
#define SOCKLINT_COLLECTION_H

#include <stdbool.h>

#include "loader.h"

struct collection {
	struct recording **items;
	size_t nr, alloc;
	struct rec_summary summary; /* counts added up over all directories */
	struct rec_child *children; /* programs that were started, each name once */
	size_t nr_children, alloc_children;
	bool has_summary;
	char **complaints; /* one line for each file that could not be read */
	size_t nr_complaints, alloc_complaints;
};

#define COLLECTION_INIT                                                                            \
	{                                                                                          \
		.items = NULL                                                                      \
	}

/* What cannot be read becomes a complaint; what can be read is kept all the same. */
void collection_add(struct collection *c, const char *path);
void collection_release(struct collection *c);

#endif
