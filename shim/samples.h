/* SPDX-License-Identifier: MIT */
/* samples.c: the time line. */
#ifndef SHIM_SAMPLES_H
#define SHIM_SAMPLES_H

#include <stdint.h>

void samples_take(uint64_t now);
void samples_end(uint64_t now);
void samples_reborn(void);

#endif
