/* SPDX-License-Identifier: MIT */
/*
 * Looks at processes that still run: what the kernel knows of their sockets now, which of their
 * threads are no more. With alive.h the one part of the report that asks this machine.
 */
#ifndef SOCKLINT_LIVE_H
#define SOCKLINT_LIVE_H

#include "history.h"

/* Corrects the history of processes that did not record their end; others stay as they are. */
void live_complete(struct history *h);

#endif
