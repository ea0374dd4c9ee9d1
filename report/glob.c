/* SPDX-License-Identifier: MIT */
#include "glob.h"

#include <ctype.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the escape after a backslash stands for, or -1. Sets how long it is. */
static int escaped(const char *p, size_t *len)
{
	static const char letters[] = "nrt", bytes[] = "\n\r\t";
	const char *letter = *p ? strchr(letters, *p) : NULL;

	*len = 1;
	if (letter)
		return bytes[letter - letters];
	if (*p == 'x' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
		*len = 3;
		return hex_value(p[1]) * 16 + hex_value(p[2]);
	}
	return *p && !isalnum((unsigned char)*p) ? (unsigned char)*p : -1;
}

bool glob_is_valid(const char *pattern)
{
	size_t len;

	while ((pattern = strchr(pattern, '\\'))) {
		if (escaped(pattern + 1, &len) < 0)
			return false;
		pattern += 1 + len;
	}
	return true;
}

/* What stands for one byte: how long it is in the pattern if it takes this one, else 0. */
static size_t match_one(const char *p, char c)
{
	size_t len;

	if (*p == '?')
		return 1;
	if (*p != '\\')
		return *p == c;
	return escaped(p + 1, &len) == (unsigned char)c ? 1 + len : 0;
}

/* Only the last star need ever be taken back: what came before it matched as early as it could. */
bool glob_match(const char *pattern, const char *text)
{
	const char *after_star = NULL, *retry = NULL;
	size_t len;

	while (*text) {
		if (*pattern == '*') {
			after_star = ++pattern;
			retry = text;
		} else if (*pattern && (len = match_one(pattern, *text))) {
			pattern += len;
			text++;
		} else if (after_star) {
			pattern = after_star;
			text = ++retry;
		} else {
			return false;
		}
	}
	pattern += strspn(pattern, "*");
	return !*pattern;
}

/* A blank at either end would be taken for the line's. */
static bool is_edge_blank(const char *text, const char *p)
{
	return *p == ' ' && (p == text || !p[1]);
}

void glob_quote(struct strbuf *sb, const char *text)
{
	const char *p;

	for (p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		const char quoted[] = {'\\', *p, '\0'};

		if (c < 0x20 || c > 0x7e || is_edge_blank(text, p))
			strbuf_addf(sb, "\\x%02x", c);
		else
			strbuf_addstr(sb, quoted + !strchr("*?\\", c));
	}
}
