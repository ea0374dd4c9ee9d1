/* SPDX-License-Identifier: MIT */
/* Names of files that say which run they are of: %p, %h, %e and %%. */
#ifndef SOCKLINT_OUTPUT_NAME_H
#define SOCKLINT_OUTPUT_NAME_H

#include <stdint.h>

#include "collection.h"

struct run_facts {
	uint64_t pid;	     /* %p; 0: not known yet, and left as it stands */
	const char *host;    /* %h */
	const char *program; /* %e: without its directory */
};

#define OUTPUT_NAME_WORDS "%p (process), %h (host), %e (program) and %%" /* not a format */

/* NULL, or the first % in it that means nothing. */
const char *output_name_mistake(const char *name);
/* The name in full, of one without mistake; the caller frees it. */
char *output_name_make(const char *name, const struct run_facts *facts);
/* Of the program that the run began with, or the first process of those that are here. */
struct run_facts run_facts_of(const struct collection *c);

#endif
