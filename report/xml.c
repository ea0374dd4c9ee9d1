/* SPDX-License-Identifier: MIT */
#include "xml.h"

#include <stdlib.h>
#include <string.h>

const char *xml_entity(char c)
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
	case '\'':
		return "&#39;";
	default:
		return NULL;
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
			strbuf_addstr(sb, xml_entity(*rest++));
	}
	free(clean);
}
