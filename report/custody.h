/* SPDX-License-Identifier: MIT */
/* Who may still have a socket in hand, or will: as the history of one process tells. */
#ifndef SOCKLINT_CUSTODY_H
#define SOCKLINT_CUSTODY_H

#include <stdbool.h>

#include "connection.h"

/* Somebody used it since its birth. */
bool life_was_touched(const struct life *l);
/* What the threads did with the sockets of its site. */
const struct family *life_siblings(const struct life *l);
/* A thread other than the one that gave birth takes sockets of its site in hand. */
bool life_is_served_by_others(const struct life *l);
/* Accepted by one thread, for another that has not come to it. */
bool life_may_be_queued(const struct life *l);
/* The thread that touched it last is known to have ended since. */
bool life_toucher_ended(const struct life *l);
bool life_is_youngest_of_toucher(const struct life *l);
/* The thread that touched it last may still be at work on it. */
bool life_may_be_in_custody(const struct life *l);
/* By a FILE, whose reads and writes are not seen. */
bool life_may_be_used_unseen(const struct life *l);
/* Read by one thread, for others that have not come to it. */
bool life_may_be_dispatched(const struct life *l);

#endif
