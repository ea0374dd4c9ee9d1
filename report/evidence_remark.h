/* SPDX-License-Identifier: MIT */
/* The evidence of one remark, in words and stacks. Decides nothing. */
#ifndef SOCKLINT_EVIDENCE_REMARK_H
#define SOCKLINT_EVIDENCE_REMARK_H

#include "remarks.h"
#include "report.h"

void evidence_remark(struct report_finding *to, const struct remark *r, struct symbolizer *sy);

#endif
