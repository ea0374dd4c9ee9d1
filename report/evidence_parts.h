/* SPDX-License-Identifier: MIT */
/* The parts that the evidence of any finding is made of. */
#ifndef SOCKLINT_EVIDENCE_PARTS_H
#define SOCKLINT_EVIDENCE_PARTS_H

#include "report.h"
#include "siblings.h"
#include "symbolizer.h"
#include "text.h"

/* Takes over what sb holds; adds no line if that is nothing. */
void add_line(struct report_finding *to, const char *label, struct strbuf *sb);
void add_stack(struct report_finding *to, enum report_stack_kind kind, const char *label,
	       const struct stack *from);
void fill_times(struct report_times *to, const struct times *from);
/* A stack as the report has it. */
void fill_stack(struct report_stack *to, enum report_stack_kind kind, const char *label,
		const struct stack *from);
/* "read_line (example.h:83), called from serve (server.c:49)" */
void add_place_and_caller(struct strbuf *sb, const struct stack *st);

#endif
