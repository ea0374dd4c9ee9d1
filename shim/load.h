/* SPDX-License-Identifier: MIT */
/* load.c: what the guest does past every hook. */
#ifndef SHIM_LOAD_H
#define SHIM_LOAD_H

#include <stdint.h>

void blind_to(uint32_t flag);
void blind_tell_summary(void);

#endif
