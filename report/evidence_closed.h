/* SPDX-License-Identifier: MIT */
/* Words about the close of a socket that others still hold. */
#ifndef SOCKLINT_EVIDENCE_CLOSED_H
#define SOCKLINT_EVIDENCE_CLOSED_H

#include "history.h"
#include "symbolizer.h"
#include "text.h"

/* "by server[12] in hang_up (server.c:9), 3 s before ..."; nothing if its opener holds it. */
void add_closing(struct strbuf *sb, const struct socket *s, struct symbolizer *sy);
/*
 * "helper[13], forked 3 s before the program ended; it never used this socket": of a child or an
 * exec's program that came by it without asking; nothing of other holders.
 */
void add_idle_holder(struct strbuf *sb, const struct socket *s);

#endif
