/* SPDX-License-Identifier: MIT */
/* What socklint could not see, and so cannot vouch for. */
#ifndef SOCKLINT_BLINDNESS_H
#define SOCKLINT_BLINDNESS_H

#include "history.h"
#include "report.h"
#include "symbolizer.h"

void blindness_fill(struct report *r, const struct history *h, const struct collection *c,
		    const struct symbolizer *sy);

#endif
