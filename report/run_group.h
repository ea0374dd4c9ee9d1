/* SPDX-License-Identifier: MIT */
/*
 * A witness in our process group: a child that does nothing but wait for signals. What reaches it
 * was sent to the whole group, so the program has it already.
 */
#ifndef SOCKLINT_RUN_GROUP_H
#define SOCKLINT_RUN_GROUP_H

#include <stdbool.h>

/* With all signals blocked. Without a witness (no process to be had) nothing is ever seen. */
void witness_start(void);
void witness_stop(void);
/* Whether the witness was sent the signal that we have just got. May be called in its handler. */
bool witness_saw(int sig);

#endif
