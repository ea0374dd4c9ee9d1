/* SPDX-License-Identifier: MIT */
/* "socklint selftest": whether a leak would be found in this very environment. */
#ifndef SOCKLINT_SELFTEST_H
#define SOCKLINT_SELFTEST_H

#include <stdbool.h>

int command_selftest(int argc, char **argv);

/*
 * The guest's part: serves two connections over loopback, and forgets to close the first of them if
 * it is to leak. Returns an exit status.
 */
int selftest_serve(bool leaks);
/* Where it opens them: exported, so that even a stripped command finds the name. */
int selftest_take(int listener);

#endif
