/* SPDX-License-Identifier: MIT */
/* close.c: deaths. */
#ifndef SHIM_CLOSE_H
#define SHIM_CLOSE_H

#include "at.h"

typedef int close_function(int fd);

void close_forget(int fd);
int close_recorded(int fd, struct at at, close_function *really);

#endif
