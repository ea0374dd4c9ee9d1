/* SPDX-License-Identifier: MIT */
/* Memory that never fails. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

void out_of_memory(void)
{
	complain("out of memory");
	exit(125);
}

static void *checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t nr, size_t size)
{
	return checked(calloc(nr ? nr : 1, size));
}

void *xreallocarray(void *old, size_t nr, size_t size)
{
	return checked(reallocarray(old, nr ? nr : 1, size));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
	return checked(strndup(s, len));
}

void sort_array(void *base, size_t nr, size_t size, int (*cmp)(const void *, const void *))
{
	if (nr > 1)
		qsort(base, nr, size, cmp);
}
