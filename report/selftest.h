/* SPDX-License-Identifier: MIT */
/* "socklint selftest": what the command starts itself as. */
#ifndef SOCKLINT_SELFTEST_H
#define SOCKLINT_SELFTEST_H

#include <stdbool.h>

/*
 * The guest's part: serves two connections over loopback, and forgets to close the first of them if
 * it is to leak. Returns an exit status.
 */
int selftest_serve(bool leaks);
/* Where it opens them: exported, so that even a stripped command finds the name. */
int selftest_take(int listener);

#endif
