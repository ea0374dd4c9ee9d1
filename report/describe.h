/* SPDX-License-Identifier: MIT */
/* Words for single things that a report cites: places, addresses, ages. */
#ifndef SOCKLINT_DESCRIBE_H
#define SOCKLINT_DESCRIBE_H

#include "symbolizer.h"
#include "text.h"

/* "leak.c:41", or "server+0x12ab"; the caller frees it. */
char *describe_where(const struct frame *f);
/* "serve (leak.c:41)", or "server+0x12ab". */
void add_place(struct strbuf *sb, const struct frame *f);
/* "127.0.0.1:80", "[::1]:80", "unknown" */
void add_address(struct strbuf *sb, const struct rec_addr *a);
/* "12.3 s ago", "12.3 s before the program ended" */
void add_age(struct strbuf *sb, uint64_t ns, const struct process *p);
/* "server[1234]" */
void add_process(struct strbuf *sb, const struct process *p);

#endif
