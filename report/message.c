/* SPDX-License-Identifier: MIT */
/* What socklint itself has to say. Does not allocate: it also reports that memory ran out. */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "text.h"

void complain(const char *fmt, ...)
{
	char raw[3072], line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_clean(raw, raw, sizeof(raw));
	n = snprintf(line, sizeof(line), "socklint: %s\n", raw);
	/* One write: lines of several processes do not mix. */
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
