/* SPDX-License-Identifier: MIT */
/*
 * Stacks in the terms of the files that their addresses lie in: so two processes of one program,
 * which have their files at other addresses and number their sites otherwise, can be compared.
 */
#ifndef SOCKLINT_PLACES_H
#define SOCKLINT_PLACES_H

#include "history.h"

/* file 0: generated code, and the address is the process's own. */
struct place {
	size_t file;
	uint64_t offset;
};

/* Equal stacks are one, in however many processes: to be compared by their addresses. */
struct path {
	const struct process
		*process; /* NULL: of any; with generated code it is that one's alone */
	uint16_t born_by; /* of the first that was met */
	size_t nr;
	struct place *places; /* innermost first */
	void *about;	      /* the user's; freed by its function */
};

struct path_index;

struct path_index *path_index_new(const struct history *h, void (*free_about)(void *about));
void path_index_free(struct path_index *x);
/* NULL where there is no stack. */
struct path *path_of(struct path_index *x, const struct process *p, uint32_t site);
int place_cmp(struct place a, struct place b);
/* Whether sockets that were born there are siblings: see kinship.h. */
bool paths_are_kin(const struct path *a, const struct path *b, bool accepted);

#endif
