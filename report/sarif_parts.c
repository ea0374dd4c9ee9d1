/* SPDX-License-Identifier: MIT */
#include "sarif_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* "[text](target)" is a link, and "{0}" an argument: a backslash, or the other one, says not. */
static void add_literally(struct strbuf *sb, const char *s)
{
	for (; *s; s++) {
		if (s[0] == '{' && isdigit((unsigned char)s[1]))
			strbuf_addstr(sb, "{");
		else if (s[0] == '[' || s[0] == ']')
			strbuf_addstr(sb, strstr(s, "](") ? "\\" : "");
		strbuf_addf(sb, "%c", *s);
	}
}

json_t *sarif_message(const char *text)
{
	char *clean = text_cleaned(text);
	struct strbuf sb = STRBUF_INIT;
	json_t *o;

	add_literally(&sb, clean);
	o = sarif_own_message(sb.buf ? sb.buf : "");
	strbuf_release(&sb);
	free(clean);
	return o;
}

json_t *sarif_own_message(const char *text)
{
	json_t *o = json_object();

	json_put(o, "text", json_string(text));
	return o;
}

/* As RFC 3986 wants a relative reference: all but letters, digits and a few as %XX. */
static json_t *uri(const char *path)
{
	char *clean = text_cleaned(path);
	struct strbuf sb = STRBUF_INIT;
	json_t *value;
	char *c;

	for (c = clean; *c; c++)
		strbuf_addf(&sb,
			    isalnum((unsigned char)*c) || strchr("-._~/", *c) ? "%c" : "%%%02X",
			    (unsigned char)*c);
	value = json_string(sb.buf ? sb.buf : "");
	strbuf_release(&sb);
	free(clean);
	return value;
}

json_t *sarif_location(const struct report_frame *at, const char *message)
{
	json_t *o = json_object(), *physical = json_object(), *artifact = json_object();
	json_t *region = json_object();

	json_put(artifact, "uri", uri(report_source(at)));
	json_put_number(region, "startLine", (uint64_t)at->line);
	json_put_number(region, "endLine", (uint64_t)at->line);
	json_put(physical, "artifactLocation", artifact);
	json_put(physical, "region", region);
	json_put(o, "physicalLocation", physical);
	if (message)
		json_put(o, "message", sarif_message(message));
	return o;
}
