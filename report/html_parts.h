/* SPDX-License-Identifier: MIT */
/* The parts of the page, one file each. render_html.c says in which order they come. */
#ifndef SOCKLINT_HTML_PARTS_H
#define SOCKLINT_HTML_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "report.h"

/* html_head.c: the verdict, the program, what could not be seen. */
void html_head(FILE *out, const struct report *r);
void html_blind(FILE *out, const struct report *r);
/* The verdict in one sentence; the caller frees it. */
char *html_verdict(const struct report *r);

/* html_finding.c: all findings, and one of them under its id. */
void html_findings(FILE *out, const struct report *r);
/* The anchor of finding nr, "finding-HEX"; the caller frees it. */
char *html_finding_id(const struct report *r, size_t nr);

/* html_stack.c, html_source.c */
void html_stack(FILE *out, const struct report_stack *st, bool open, uint64_t ran_at);
/*
 * The lines around a line, where the file is there, regular, small and looks like a source; ran_at
 * is when the program ran: a file changed since is said to be so.
 */
void html_source(FILE *out, const char *file, int line, uint64_t ran_at);
/* Before the first and after the last; root is where relative files are looked for, or NULL. */
void html_source_begin(const char *root);
void html_source_end(void);

/* html_teardown.c: what TCP did and what is missing, as a picture and a table; or nothing. */
void html_teardown(FILE *out, const struct report *r, const struct report_finding *f,
		   const char *id);

/* The pictures of the whole, each with its table; nothing where there is nothing to see. */
void html_timeline(FILE *out, const struct report *r);
void html_histogram(FILE *out, const struct report *r);
void html_icicle(FILE *out, const struct report *r);
void html_gantt(FILE *out, const struct report *r);
void html_processes(FILE *out, const struct report *r);
void html_peers(FILE *out, const struct report *r);

/* html_open.c, html_sites.c: what is open and no fault; all lives by site. */
void html_still_open(FILE *out, const struct report *r);
void html_sites(FILE *out, const struct report *r);

/* "server[1234]"; the caller frees it. */
char *html_process_name(const struct report_process *p);
/* A place as "function (file.c:41)", in code. */
void html_place(FILE *out, const struct report_frame *f);

#endif
