/* SPDX-License-Identifier: MIT */
/*
 * A finished report for the tests of the formats, with something in every field: a leak with all
 * its stacks and sockets, a remark about calls, a finding without a stack.
 */
#ifndef TESTS_FORGE_REPORT_H
#define TESTS_FORGE_REPORT_H

#include "report.h"

enum { FORGED_LEAK, FORGED_CALLS, FORGED_NO_STACK, FORGED_FINDINGS };

/* Names that try to break out of whatever they are printed into. */
extern const char forged_hostile[];

/* One leaked socket, of strings that nobody frees; what else it has is the caller's. */
struct report_finding forged_plain(void);

/* name: of functions, files, programs and all else that comes from outside. */
struct report *forged_report(const char *name);
void forged_free(struct report *r);
/* The caller frees it. */
char *forged_render(const char *format, const struct report *r);

#endif
