/* SPDX-License-Identifier: MIT */
/*
 * What rules say of something else than a socket that is open: calls that went wrong, and how the
 * ended sockets of a place fared. Addresses stay raw until remarks are grouped.
 */
#ifndef SOCKLINT_REMARKS_H
#define SOCKLINT_REMARKS_H

#include "rules.h"
#include "siblings.h"
#include "symbolizer.h"
#include "text.h"

#define REMARK_LINES 12

struct remark {
	const struct rule *rule;
	const struct rule_case *which;
	const struct process *process;
	uint32_t site;	     /* the place that it is about */
	uint32_t other_site; /* a second one, or 0; rule_case.other says what */
	uint64_t nr;	     /* of rule.noun */
	uint64_t first_ns;
	uint64_t last_ns;    /* both 0: not to be told */
	struct times dwells; /* if there are any, they are told */
	struct {
		const char *label; /* "" continues the one before */
		char *text;
		uint32_t site; /* its place ends the text, or 0 */
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
/* The text is followed by the place of a site: "5 sockets opened in " */
void remark_line_at(struct remark *r, const char *label, uint32_t site, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* What every remark about an incident says; its own lines are still to be added. */
struct remark remark_of_incident(enum rule_nr rule, const struct rule_case *which,
				 const struct process *p, const struct rec_incident *in);
/* Adds what there is to be said of one. */
typedef void remark_incident(const struct process *p, const struct rec_incident *in,
			     struct remarks *to);
/* Calls `remark` for each incident of the kind in the whole run. */
void remark_incidents(const struct history *h, enum rec_incident_kind kind, remark_incident *remark,
		      struct remarks *to);
/* What every remark about sockets that ended says. */
struct remark remark_of_ended(enum rule_nr rule, const struct rule_case *which,
			      const struct ended *e);
void remark_release(struct remark *r);
void remarks_release(struct remarks *r);

/* Adds up those of one rule whose places are of the same functions; worst and largest first. */
void remarks_group(struct remarks *r, struct symbolizer *sy);

#endif
