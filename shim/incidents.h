/* SPDX-License-Identifier: MIT */
/* incidents.c: calls that went wrong. */
#ifndef SHIM_INCIDENTS_H
#define SHIM_INCIDENTS_H

#include <sys/types.h>

#include "at.h"
#include "house.h"
#include "recording.h"

struct rec_incident *incident_add(const struct rec_incident *in);
void incident_double_close(int fd, struct at at);
void incident_exhausted(int fd, enum rec_call call, int error, struct at at);
void incident_use(int fd, enum rec_call call, struct at at);

/* A call on a number in which no socket lives. Returns its result. */
static inline ssize_t use_returned(int fd, enum rec_call call, ssize_t r, struct at at)
{
	if (unlikely(r < 0))
		incident_use(fd, call, at);
	return r;
}

#endif
