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

struct format {
	enum format_nr nr;
	const char *name;
	void (*render)(FILE *out, const struct report *r, bool color);
};

/* Only a format with a row in formats.def has a number to give itself. */
#define DEFINE_FORMAT(id, fn)                                                                      \
	extern const struct format format_##id;                                                    \
	const struct format format_##id = {.nr = FORMAT_##id, .name = #id, .render = fn}

/* NULL if there is none of that name. */
const struct format *format_by_name(const char *name, size_t len);
/* "text, ..." for messages; the caller frees it. */
char *format_names(void);

#endif
