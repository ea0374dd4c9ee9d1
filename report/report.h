/* SPDX-License-Identifier: MIT */
/*
 * The finished report: what every renderer is handed. Strings and numbers only; all is judged,
 * grouped, counted and symbolized. Strings are not yet safe to print: renderers sanitise.
 */
#ifndef SOCKLINT_REPORT_H
#define SOCKLINT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report_line {
	char *label; /* "since", "peer", "proof", ...; "" continues the one before */
	char *text;
};

struct report_frame {
	char *function; /* or "???" */
	char *where;	/* "file.c:41" or "(module+0x12)" */
	bool inlined;
	bool runtime;
};

struct report_stack {
	char *label; /* "opened", "EOF read" */
	struct report_frame *frames;
	size_t nr, alloc;
	char *note; /* why it is short, or NULL */
};

struct report_finding {
	const char *rule;     /* id */
	const char *severity; /* "error", ... */
	const char *subkind;  /* or NULL */
	uint64_t nr;
	const char *noun, *verb; /* what was counted, and what was done in the function */
	char *function;
	char *where; /* as report_frame.where */
	const char *meaning;
	char *advice;
	struct report_line *lines;
	size_t nr_lines, alloc_lines;
	struct report_stack *stacks;
	size_t nr_stacks, alloc_stacks;
};

struct report_open {
	char *function;
	char *where;
	const char *reason;
	uint64_t nr_sockets;
};

struct report {
	struct report_finding *findings;
	size_t nr_findings, alloc_findings;
	struct report_open *open; /* most sockets first */
	size_t nr_open;
	char **warnings; /* what socklint could not see */
	size_t nr_warnings, alloc_warnings;
	char **notes; /* why there is little to see: folded recordings, no sockets */
	size_t nr_notes, alloc_notes;
	uint64_t nr_leaked, nr_leak_places; /* of findings that are errors ... */
	uint64_t nr_close_wait, nr_descriptors;
	uint64_t nr_warnings_given; /* findings that are less */
	uint64_t nr_still_open;
	uint64_t nr_in_doubt; /* of those still open: killed too soon to be judged */
	uint64_t nr_followed, nr_processes;
};

void report_release(struct report *r);

#endif
