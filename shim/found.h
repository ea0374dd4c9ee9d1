/* SPDX-License-Identifier: MIT */
/* found.c: sockets that no hook saw being opened. */
#ifndef SHIM_FOUND_H
#define SHIM_FOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "lives.h"

uint64_t found_cookie(int fd);
bool found_describe(int fd, struct birth *b);
void found_at_start(void);
uint32_t found_unseen(void);

#endif
