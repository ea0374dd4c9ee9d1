/* SPDX-License-Identifier: MIT */
/* What runtimes call the code that they generate. Knows their dialects, and nothing else. */
#ifndef SOCKLINT_JIT_NAME_H
#define SOCKLINT_JIT_NAME_H

#include <stdbool.h>
#include <stddef.h>

struct jit_name {
	char *function; /* never NULL */
	char *file;	/* or NULL */
	int line;	/* where the function begins; 0 if not said */
	bool own;	/* the program's, not the runtime's or its library's */
};

void jit_name_parse(struct jit_name *n, const char *text, size_t len);
void jit_name_release(struct jit_name *n);

#endif
