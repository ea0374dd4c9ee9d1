/* SPDX-License-Identifier: MIT */
/*
 * What the user may set of how strictly rules judge. A rule reads it from the process or the
 * history that it judges, and so stays a pure function of the history.
 */
#ifndef SOCKLINT_POLICY_H
#define SOCKLINT_POLICY_H

#include <stdint.h>

struct policy {
	uint64_t grace_ns;     /* what was used so shortly before the end is too young to judge */
	uint64_t max_dwell_ns; /* half of a connection may be over for so long: then it is slow */
};

#define POLICY_DEFAULT                                                                             \
	{                                                                                          \
		.grace_ns = UINT64_C(1000000000), .max_dwell_ns = UINT64_C(60000000000)            \
	}

extern const struct policy policy_default;

/* "2", "0.5": seconds as nanoseconds. Returns -1 for what is none, or is above a year. */
int policy_seconds(const char *text, uint64_t *ns);

#endif
