/* SPDX-License-Identifier: MIT */
/* Which of the recorded processes still run, as this machine's /proc says it. */
#ifndef SOCKLINT_ALIVE_H
#define SOCKLINT_ALIVE_H

#include "history.h"

/* Whether it was made here, by the name of the host. */
bool is_this_machine(const struct rec_header *h);

/* Not one that recorded its end, nor another that was given its number since. */
bool process_is_alive(const struct process *p);

/* How many threads a process has now; 0 if that is not to be had. */
uint64_t threads_of(uint32_t pid);

/*
 * A signal to a whole group ends the first process before its workers are through. Waits, at most
 * half a second, until each process with a recording in `dir` has written its end or is gone.
 */
void wait_for_ends(const char *dir);

#endif
