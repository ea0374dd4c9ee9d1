/* SPDX-License-Identifier: MIT */
/* Words about siblings: where the other sockets of a place were closed, and how soon. */
#ifndef SOCKLINT_EVIDENCE_SIBLINGS_H
#define SOCKLINT_EVIDENCE_SIBLINGS_H

#include "siblings.h"
#include "symbolizer.h"
#include "text.h"

/* "1993 others opened here were closed in conn_free (server.c:120); ..."; nothing if none was. */
void add_siblings(struct strbuf *sb, const struct siblings *s, struct symbolizer *sy);
/* Where most of them were closed; NULL if nothing tells. */
const struct stack *siblings_stack(const struct siblings *s, struct symbolizer *sy);

#endif
