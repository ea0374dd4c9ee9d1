/* SPDX-License-Identifier: MIT */
/*
 * Which births are siblings. A socket's site is its whole stack of raw addresses, and that is too
 * fine: compilers copy a call (a loop's first turn, an unrolled one) and one place of the source
 * becomes several addresses. So sites are kin when their stacks differ in the innermost address
 * alone and by little: the same call in the same function, entered from the same place.
 *
 * An accepted socket has more kin: all that the same call of accept() gave birth to, whoever
 * called its caller. A client's has not: one connect wrapper may serve many pools.
 */
#ifndef SOCKLINT_KINSHIP_H
#define SOCKLINT_KINSHIP_H

#include <stdbool.h>

#include "loader.h"

struct kinship;

/* Progress entries of a site and its kin, one per thread and site. */
struct family {
	const struct rec_progress **entries;
	size_t nr;
	bool known;
};

struct kinship *kinship_new(const struct recording *r);
void kinship_free(struct kinship *k);
/* Two copies of one call lie in one function: not further apart than this. */
#define KIN_DISTANCE 4096

bool kinship_are_kin(const struct kinship *k, uint32_t x, uint32_t y, bool accepted);
const struct family *kinship_of(struct kinship *k, uint32_t site, bool accepted);

#endif
