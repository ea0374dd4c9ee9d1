/* SPDX-License-Identifier: MIT */
/* Numbers for strings, from 0, in the order in which they first came. Knows nothing else. */
#ifndef SOCKLINT_NAMES_H
#define SOCKLINT_NAMES_H

#include <stddef.h>

struct names {
	void *tree;
	char **all; /* by number */
	size_t nr, alloc;
};

#define NAMES_INIT                                                                                 \
	{                                                                                          \
		NULL, NULL, 0, 0                                                                   \
	}

/* The string's number; a new one is the last. */
size_t names_number(struct names *n, const char *name);
void names_release(struct names *n);

#endif
