/* SPDX-License-Identifier: MIT */
/* outcomes.c: how the sockets of each place ended. */
#ifndef SHIM_OUTCOMES_H
#define SHIM_OUTCOMES_H

#include "recording.h"
#include "slots.h"

void outcome_add(struct life_ref ref);
void outcome_listener_closes(const struct rec_life *life);
void outcome_listener_opens(const struct rec_life *life);
void outcome_signalled(void);
void outcome_goes_on(const struct rec_life *life);

#endif
