/* SPDX-License-Identifier: MIT */
/* Makes the finished report: judges, groups, symbolizes, counts. */
#ifndef SOCKLINT_REPORT_BUILD_H
#define SOCKLINT_REPORT_BUILD_H

#include "findings.h"
#include "report.h"

void report_build(struct report *r, const struct history *h, const struct collection *c);

#endif
