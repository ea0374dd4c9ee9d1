/* SPDX-License-Identifier: MIT */
/* Memory that never fails: running out of it ends the command. Knows nothing else. */
#ifndef SOCKLINT_ALLOC_H
#define SOCKLINT_ALLOC_H

#include <stddef.h>

void *xcalloc(size_t nr, size_t size);
void *xreallocarray(void *old, size_t nr, size_t size);
/* Says so and ends the command: for libraries that report it otherwise. */
void out_of_memory(void) __attribute__((noreturn));
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);

/* Makes room for nr elements in the array x that has room for alloc. */
#define ALLOC_GROW(x, nr, alloc)                                                                   \
	do {                                                                                       \
		if ((nr) > (alloc)) {                                                              \
			(alloc) = (nr) > (alloc)*2 ? (nr) : (alloc)*2;                             \
			(x) = xreallocarray((x), (alloc), sizeof(*(x)));                           \
		}                                                                                  \
	} while (0)

/* qsort() for arrays that may be empty, whose base may then be NULL. */
void sort_array(void *base, size_t nr, size_t size, int (*cmp)(const void *, const void *));

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

#endif
