/* SPDX-License-Identifier: MIT */
/* The way to a leak, as SARIF tells it. */
#ifndef SOCKLINT_SARIF_FLOW_H
#define SOCKLINT_SARIF_FLOW_H

#include "json.h"
#include "report.h"

/* Opened, EOF, the close that never came: by thread. NULL if no step has a source. */
json_t *sarif_code_flows(const struct report_finding *f);

#endif
