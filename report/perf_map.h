/* SPDX-License-Identifier: MIT */
/*
 * The names that a runtime gave to the code it generated: /tmp/perf-PID.map, as Node, Java, Python
 * and .NET write it for perf. A file that need not be the process's own is not believed.
 */
#ifndef SOCKLINT_PERF_MAP_H
#define SOCKLINT_PERF_MAP_H

#include <sys/types.h>

#include "history.h"

/* What a file must be to be believed. */
struct perf_map_terms {
	uid_t owner; /* this user's, or root's */
	uint64_t from_real_ns;
	uint64_t to_real_ns; /* last written between these two */
};

struct perf_map;

/* NULL where there is none. For one that is not believed *why says why; the caller frees it. */
struct perf_map *perf_map_of(const struct process *p, char **why);
struct perf_map *perf_map_open(const char *path, const struct perf_map_terms *terms, char **why);
void perf_map_free(struct perf_map *m);

/* What was written last about an address, whose end is *len; NULL: nothing. */
const char *perf_map_find(const struct perf_map *m, uint64_t pc, size_t *len);

#endif
