/* SPDX-License-Identifier: MIT */
/* The evidence of one group of findings, in words and stacks. Decides nothing. */
#ifndef SOCKLINT_EVIDENCE_H
#define SOCKLINT_EVIDENCE_H

#include "findings.h"
#include "report.h"

void evidence_fill(struct report_finding *to, const struct finding_group *g, struct symbolizer *sy);

#endif
