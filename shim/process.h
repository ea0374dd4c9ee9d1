/* SPDX-License-Identifier: MIT */
/* process.c: the hooks on fork, exec and ends. */
#ifndef SHIM_PROCESS_H
#define SHIM_PROCESS_H

#include "inherit.h"

void process_reborn(const struct snapshot *snapshot);

#endif
