/* SPDX-License-Identifier: MIT */
/* What the parts of the evidence have in common: the group of findings that they speak of. */
#ifndef SOCKLINT_EVIDENCE_WITNESS_H
#define SOCKLINT_EVIDENCE_WITNESS_H

#include "evidence.h"
#include "symbolizer.h"

struct witness {
	struct report_finding *to;
	const struct finding_group *group;
	const struct finding *oldest;
	const struct socket *socket; /* the oldest */
	struct symbolizer *sy;
};

static inline const struct stack *site_stack(struct witness *w, const struct life *l, uint32_t site)
{
	return symbolizer_site(w->sy, l->process, site);
}

/* Who had the socket in hand last; of the others NULL where there was none. */
const struct life *last_user(const struct socket *s);
const struct life *receiver_of(const struct socket *s);
const struct life *who_shut_down(const struct socket *s);

/* What became of it, in lines. */
void evidence_story(struct witness *w);
/* evidence_loop.c: what the loop does that has not come to it. */
void evidence_loop(struct witness *w);

#endif
