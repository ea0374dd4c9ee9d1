/* SPDX-License-Identifier: MIT */
#ifndef TESTS_API_GUEST_H
#define TESTS_API_GUEST_H

struct socklint_checkpoint;

/* As socklint_leaks_since(), called in another translation unit. */
int nr_stuck_elsewhere(const struct socklint_checkpoint *since);
int called_before_all_else(void);

#endif
