/* SPDX-License-Identifier: MIT */
/* caught.c: sigaction() and signal(), for signals that the program may mean to end by. */
#ifndef SHIM_CAUGHT_H
#define SHIM_CAUGHT_H

#include <signal.h>

int caught_set(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t caught_signal(sighandler_t (*set)(int, sighandler_t), int sig, sighandler_t h);

#endif
