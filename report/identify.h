/* SPDX-License-Identifier: MIT */
/* By which fingerprints a finding is known again, and the suppressions that would silence it. */
#ifndef SOCKLINT_IDENTIFY_H
#define SOCKLINT_IDENTIFY_H

#include "findings.h"
#include "remarks.h"
#include "report.h"

void identify_finding(struct report_finding *to, const struct finding_group *g,
		      struct symbolizer *sy, bool with_suppression);
void identify_remark(struct report_finding *to, const struct remark *r, struct symbolizer *sy,
		     bool with_suppression);

#endif
