/* SPDX-License-Identifier: MIT */
/*
 * Which findings make the run fail: what the user does not want to be told, what he knows already,
 * and how grave the rest must be. Rules know nothing of it.
 */
#ifndef SOCKLINT_GATE_H
#define SOCKLINT_GATE_H

#include "baseline.h"
#include "findings.h"
#include "remarks.h"
#include "report.h"
#include "suppressions.h"

struct gate {
	bool rules[RULE_COUNT]; /* these fail, and ... */
	int least;		/* ... what is at least of this severity; above all: nothing */
	bool strict;		/* sockets that are still open fail, too */
	bool growth;		/* so does what is known, where there is more of it */
	bool shows_suppressions;
	struct suppressions suppressions;
	struct baseline baseline;
	const char *baseline_path; /* NULL: nothing is known */
};

void gate_init(struct gate *g);
void gate_release(struct gate *g);
/* "close-wait,warning", "none". Returns the word that is neither rule nor severity, or NULL. */
const char *gate_fail_on(struct gate *g, char *list);

/* Take out what is suppressed, and count it for its suppression. */
void gate_suppress_findings(const struct gate *g, struct findings *f, struct symbolizer *sy);
void gate_suppress_remarks(const struct gate *g, struct remarks *r, struct symbolizer *sy);
/* Whether a socket that is only still open fails. */
bool gate_fails_open(const struct gate *g, const struct judged *j);
/* Says of all else whether it is known and whether it fails; names the suppressions. */
void gate_judge(const struct gate *g, struct report *r);

#endif
