/* SPDX-License-Identifier: MIT */
/*
 * The open sockets of a report as profilers want them: counted by what they have in common, never
 * one by one. Peers and the ports of clients have no part in it: there is no end of them.
 */
#ifndef SOCKLINT_SAMPLES_H
#define SOCKLINT_SAMPLES_H

#include "report.h"

struct sample {
	size_t site; /* of report.sites */
	const char *state;
	const char *rule; /* NULL: no fault */
	char *port;	  /* that they were accepted at, or NULL */
	uint64_t nr_sockets;
	uint64_t nr_close_wait; /* that the rule close-wait accuses */
	uint64_t dwell_ns;	/* of those, in all */
};

struct samples {
	struct sample *all; /* of faults first */
	size_t nr, alloc;
};

/* The report has details. */
void samples_make(struct samples *s, const struct report *r);
void samples_release(struct samples *s);
/* A frame's function; where there is no name, its place. */
const char *sample_frame_name(const struct report_frame *f);

#endif
