/* SPDX-License-Identifier: MIT */
/* The table of formats. */
#include "format.h"

#include <string.h>

#include "text.h"

#define FORMAT(name) extern const struct format format_##name;
#include "formats.def"
#undef FORMAT

static const struct format *const formats[FORMAT_COUNT] = {
#define FORMAT(name) [FORMAT_##name] = &format_##name,
#include "formats.def"
#undef FORMAT
};

const struct format *format_by_nr(enum format_nr nr)
{
	return formats[nr];
}

const struct format *format_by_name(const char *name, size_t len)
{
	int i;

	for (i = 0; i < FORMAT_COUNT; i++)
		if (strlen(formats[i]->name) == len && !memcmp(formats[i]->name, name, len))
			return formats[i];
	return NULL;
}

char *format_names(void)
{
	struct strbuf sb = STRBUF_INIT;
	int i;

	for (i = 0; i < FORMAT_COUNT; i++)
		strbuf_addf(&sb, "%s%s", i ? ", " : "", formats[i]->name);
	return strbuf_detach(&sb);
}
