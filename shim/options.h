/* SPDX-License-Identifier: MIT */
/* options.c: SOCKLINT_OPTIONS. */
#ifndef SHIM_OPTIONS_H
#define SHIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum option_report { REPORT_NONE, REPORT_EXIT };

struct options {
	char dir[512]; /* absolute, or "" for the default one */
	enum option_report report;
	bool on_signal;
	uint32_t depth;		/* frames per stack, 1 .. REC_SITE_FRAMES */
	uint32_t max_files;	/* recordings in one directory */
	uint64_t max_size;	/* bytes of one recording */
	uint64_t long_dwell_ns; /* a close so long after the FIN keeps the recording */
	uint64_t patience_ns;	/* for the report at the end */
};

extern struct options options;

void options_read(const char *s);

#endif
