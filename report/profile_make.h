/* SPDX-License-Identifier: MIT */
/* A report as pprof's profile.proto has it, in bytes not yet compressed. */
#ifndef SOCKLINT_PROFILE_MAKE_H
#define SOCKLINT_PROFILE_MAKE_H

#include "report.h"

/* What the stores take: Grafana Pyroscope refuses more. */
#define PROFILE_SAMPLES_MAX 16000
#define PROFILE_BYTES_MAX   (4u << 20)

/*
 * The caller frees it. time_ns: of CLOCK_REALTIME, 0 leaves it out. What does not fit is left out,
 * least faults first, and a comment says how many sockets that were.
 */
uint8_t *profile_make(const struct report *r, uint64_t time_ns, size_t *size);

#endif
