/* SPDX-License-Identifier: MIT */
/* What SARIF says of messages and places. */
#ifndef SOCKLINT_SARIF_PARTS_H
#define SOCKLINT_SARIF_PARTS_H

#include "json.h"
#include "report.h"

/* Text from outside: cleaned, on one line, and without what a viewer would take for a link. */
json_t *sarif_message(const char *text);
/* Our own text, as it stands. */
json_t *sarif_own_message(const char *text);
/* The frame has a source; message may be NULL. */
json_t *sarif_location(const struct report_frame *at, const char *message);

#endif
