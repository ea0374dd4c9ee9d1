/* SPDX-License-Identifier: MIT */
/* The formats. A renderer sees only the finished report and decides nothing. */
#ifndef SOCKLINT_FORMAT_H
#define SOCKLINT_FORMAT_H

#include <stdio.h>

#include "report.h"

enum format_nr {
#define FORMAT(name) FORMAT_##name,
#include "formats.def"
#undef FORMAT
	FORMAT_COUNT
};

/* What a profile says of when it was taken: stores refuse what is too old. */
enum pprof_time { PPROF_TIME_RECORDED, PPROF_TIME_NOW, PPROF_TIME_NONE };

struct render_options {
	bool color;
	const char *path;	 /* of the output, or NULL: it is standard output */
	const char *source_root; /* below which relative files of frames lie, or NULL */
	bool html_external;	 /* style and script in files beside the page, if it has a path */
	enum pprof_time pprof_time;
};

struct format {
	enum format_nr nr;
	const char *name;
	bool wants_details; /* report.has_details */
	/* An error on out is seen by who called it. */
	void (*render)(FILE *out, const struct report *r, const struct render_options *how);
	/* Writes further files beside how->path; complains and returns -1 if it cannot. Or NULL. */
	int (*write_beside)(const struct render_options *how);
};

/* Only a format with a row in formats.def has a number to give itself. */
#define DEFINE_FORMAT(id, fn, details)                                                             \
	extern const struct format format_##id;                                                    \
	const struct format format_##id = {                                                        \
		.nr = FORMAT_##id, .name = #id, .wants_details = (details), .render = (fn)}

const struct format *format_by_nr(enum format_nr nr);
/* NULL if there is none of that name. */
const struct format *format_by_name(const char *name, size_t len);
/* "text, ..." for messages; the caller frees it. */
char *format_names(void);

#endif
