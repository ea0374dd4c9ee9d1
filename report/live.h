/* SPDX-License-Identifier: MIT */
/*
 * Looks at processes that still run: which are alive, what the kernel knows of their sockets now,
 * which of their threads are no more. The one part of the report that asks this machine.
 */
#ifndef SOCKLINT_LIVE_H
#define SOCKLINT_LIVE_H

#include "history.h"

/* Corrects the history of processes that did not record their end; others stay as they are. */
void live_complete(struct history *h);

/* Whether the recording was made here, by the name of the host. */
bool is_this_machine(const struct rec_header *h);

/*
 * A signal to a whole group ends the first process before its workers are through. Waits, at most
 * half a second, until each process with a recording in `dir` has written its end or is gone.
 */
void live_settle(const char *dir);

#endif
