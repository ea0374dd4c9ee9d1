/* SPDX-License-Identifier: MIT */
/* Makes the finished report: judges, groups, symbolizes, counts. */
#ifndef SOCKLINT_REPORT_BUILD_H
#define SOCKLINT_REPORT_BUILD_H

#include "gate.h"
#include "report.h"

/* with_details: also what only some formats tell, see report.h; it costs time. */
void report_build(struct report *r, const struct history *h, const struct collection *c,
		  const struct gate *gate, bool with_details);

#endif
