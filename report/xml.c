/* SPDX-License-Identifier: MIT */
#include "xml.h"

#include <stdlib.h>
#include <string.h>

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return "&#39;";
	}
}

void strbuf_add_xml(struct strbuf *sb, const char *s)
{
	char *clean = text_cleaned(s), *rest = clean;

	while (*rest) {
		size_t plain = strcspn(rest, "&<>\"'");

		strbuf_addf(sb, "%.*s", (int)plain, rest);
		rest += plain;
		if (*rest)
			strbuf_addstr(sb, entity(*rest++));
	}
	free(clean);
}
