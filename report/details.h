/* SPDX-License-Identifier: MIT */
/* The report's details: every open socket, every place that opens sockets, every process. */
#ifndef SOCKLINT_DETAILS_H
#define SOCKLINT_DETAILS_H

#include "findings.h"
#include "report.h"

/* The report's first findings are those of f's groups, one each, in their order. */
void details_fill(struct report *r, const struct history *h, const struct findings *f,
		  struct symbolizer *sy);

/* details_sites.c: which place of report.sites a recorded site belongs to. */
struct site_index;

struct site_index *site_index_new(struct report *r, const struct history *h, struct symbolizer *sy);
size_t site_index_of(const struct site_index *x, const struct process *p, uint32_t site);
/* Best first; to be called last: renumbers what sockets and findings say. */
void sites_sort(struct report *r);
void site_index_free(struct site_index *x);

#endif
