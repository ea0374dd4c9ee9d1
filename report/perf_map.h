/* SPDX-License-Identifier: MIT */
/*
 * The names that a runtime gave to the code it generated: /tmp/perf-PID.map, as Node, Java, Python
 * and .NET write it for perf. A file that need not be this process's is not believed.
 */
#ifndef SOCKLINT_PERF_MAP_H
#define SOCKLINT_PERF_MAP_H

#include "history.h"

struct perf_map;

/* NULL where there is none. On one that is not believed *why says so; the caller frees it. */
struct perf_map *perf_map_of(const struct process *p, char **why);
/* As perf_map_of(), for a file of any name, written between two instants (0: any) by this user. */
struct perf_map *perf_map_open(const char *path, uid_t owner, uint64_t from_real_ns,
			       uint64_t to_real_ns, char **why);
void perf_map_free(struct perf_map *m);

/* What was written last of an address: the text after its size, not NUL-terminated; or NULL. */
const char *perf_map_find(const struct perf_map *m, uint64_t pc, size_t *len);

#endif
