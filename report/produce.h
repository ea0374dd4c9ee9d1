/* SPDX-License-Identifier: MIT */
/* From paths to a written report: all floors called in their order. */
#ifndef SOCKLINT_PRODUCE_H
#define SOCKLINT_PRODUCE_H

#include "collection.h"
#include "options.h"

struct produced {
	bool failed;	/* there are findings that fail */
	bool unread;	/* some input could not be read */
	bool unwritten; /* some output could not be written */
	size_t nr_findings;
	size_t nr_running; /* processes that still run */
};

/* Complains on stderr about what cannot be read; writes the report unless only_findings. */
void produce_report(struct produced *p, const struct collection *c, const struct options *o,
		    bool only_findings);
/* The report alone, unwritten. Returns -1, having complained, if any input cannot be read. */
int produce_findings(struct report *r, const struct collection *c, const struct options *o);

#endif
