/* SPDX-License-Identifier: MIT */
/* What TCP did with a connection, step by step, and what is missing: what html_teardown.c draws. */
#ifndef SOCKLINT_HTML_SEQUENCE_H
#define SOCKLINT_HTML_SEQUENCE_H

#include "html_svg.h"
#include "report.h"

enum step_kind {
	STEP_TO_US,   /* a segment of the peer's */
	STEP_TO_PEER, /* one of ours */
	STEP_NOTE,    /* something that our program did */
};

struct step {
	enum step_kind kind;
	bool missing; /* it did not happen, and should have */
	enum paint paint;
	uint64_t at; /* CLOCK_REALTIME in ns; 0: not known */
	char *text;
	char *more;	       /* or NULL */
	const char *us, *peer; /* the TCP states from here on; NULL: as before */
};

struct sequence {
	struct step *steps; /* none: there is nothing to draw */
	size_t nr, alloc;
	char *us, *us_address, *peer_address;
	uint64_t now_at; /* 0: drawn is what usually happens, not one connection */
};

void sequence_of(struct sequence *to, const struct report *r, const struct report_finding *f);
void sequence_release(struct sequence *s);

/* html_sequence_usual.c: for a finding that counts what is over. */
void sequence_usual(struct sequence *to, const struct report_finding *f);
/* Takes over text and more; returns the step for what else there is to say. */
struct step *sequence_add(struct sequence *to, enum step_kind kind, enum paint paint, char *text,
			  char *more);
/* "refuse (leak.c:34)"; NULL if there is none. The caller frees it. */
char *sequence_place(const struct report_frame *f);

#endif
