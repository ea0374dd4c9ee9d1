/* SPDX-License-Identifier: MIT */
/* end.c: the end of the process. */
#ifndef SHIM_END_H
#define SHIM_END_H

#include <stdint.h>

#include "recording.h"

void end_record(enum rec_end_kind kind, uint32_t value);
void end_take_back(void);

#endif
