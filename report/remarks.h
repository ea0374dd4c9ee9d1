/* SPDX-License-Identifier: MIT */
/*
 * What rules say of something else than a socket that is open: calls that went wrong, and how the
 * ended sockets of a place fared. Addresses stay raw until remarks are grouped.
 */
#ifndef SOCKLINT_REMARKS_H
#define SOCKLINT_REMARKS_H

#include "rules.h"
#include "symbolizer.h"
#include "text.h"

#define REMARK_LINES 4

struct remark {
	const struct rule *rule;
	const struct rule_case *which;
	const struct process *process;
	uint32_t site;	     /* the place that it is about */
	uint32_t other_site; /* a second one, or 0; rule_case.other says what */
	uint64_t nr;	     /* of rule.noun */
	uint64_t first_ns;
	uint64_t last_ns;
	struct {
		const char *label;
		char *text;
	} lines[REMARK_LINES]; /* no labels after the last; of the first of a group */
};

struct remarks {
	struct remark *all;
	size_t nr, alloc;
};

/* Takes over the texts of the lines. */
void remarks_add(struct remarks *to, const struct remark *remark);
void remark_line(struct remark *r, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void remark_release(struct remark *r);
void remarks_release(struct remarks *r);

/* Adds up those of one rule whose places are of the same functions; worst and largest first. */
void remarks_group(struct remarks *r, struct symbolizer *sy);

#endif
