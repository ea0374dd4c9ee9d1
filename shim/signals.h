/* SPDX-License-Identifier: MIT */
/* signals.c: the ends by a deadly signal. */
#ifndef SHIM_SIGNALS_H
#define SHIM_SIGNALS_H

void signals_arm_all(void);
void signals_disarm_all(void);

#endif
