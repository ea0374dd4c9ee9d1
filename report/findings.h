/* SPDX-License-Identifier: MIT */
/*
 * Groups what the rules said by rule, subkind and the function that opened the sockets, and lets
 * the last of a series join its group. Needs the symbolizer, since one function may have several
 * addresses; knows nothing of how it will look.
 */
#ifndef SOCKLINT_FINDINGS_H
#define SOCKLINT_FINDINGS_H

#include "rules.h"
#include "symbolizer.h"

struct finding {
	struct judged judged;
	const struct frame *frame; /* that opened it; NULL if no stack was taken */
};

struct finding_group {
	struct finding *members; /* oldest first */
	size_t nr;
};

struct findings {
	struct finding *all; /* sorted; the groups point into it */
	size_t nr;
	size_t nr_faults;	      /* the first so many of all are faults */
	struct finding_group *groups; /* faults, worst and largest first */
	size_t nr_groups;
};

void findings_make(struct findings *f, const struct history *h, struct symbolizer *sy);
/* Again, after groups have shrunk: worst and largest first. */
void findings_sort_groups(struct findings *f);
void findings_release(struct findings *f);

#endif
