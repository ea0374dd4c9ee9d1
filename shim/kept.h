/* SPDX-License-Identifier: MIT */
/* kept.c: why sockets are meant to stay open. */
#ifndef SHIM_KEPT_H
#define SHIM_KEPT_H

#include <stdint.h>

void kept_add(uint64_t id, int fd, const char *reason);
void kept_inherit(void);

#endif
