/* SPDX-License-Identifier: MIT */
/*
 * Node	    "JS:*serve /srv/server.js:12:3"; before 20 "LazyCompile:", "Function:"; the mark says
 *	    how well it is compiled
 * Python   "py::serve:/srv/server.py"
 * Java	    "void srv.Server.serve(java.net.Socket)"; agents write "Lsrv/Server;::serve"
 */
#include "jit_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "demangle.h"
#include "text.h"

/* ---- what belongs to a runtime ----------------------------------------------------------- */

enum part { FILE_STARTS, FILE_HAS, FUNCTION_STARTS };

static const struct library {
	enum part part;
	const char *text;
} libraries[] = {
	{FILE_STARTS, "node:"},	   {FILE_STARTS, "internal/"}, {FILE_STARTS, "<frozen "},
	{FILE_HAS, "/lib/python"}, {FUNCTION_STARTS, "java."}, {FUNCTION_STARTS, "javax."},
	{FUNCTION_STARTS, "jdk."}, {FUNCTION_STARTS, "sun."},  {FUNCTION_STARTS, "com.sun."},
};

/* Packages that the user installed lie among the runtime's own. */
static bool is_installed(const char *file)
{
	return strstr(file, "/site-packages/") || strstr(file, "/dist-packages/");
}

static bool is_library(const struct jit_name *n)
{
	const char *file = n->file ? n->file : "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(libraries); i++) {
		const char *text = libraries[i].text;

		switch (libraries[i].part) {
		case FILE_STARTS:
			if (!strncmp(file, text, strlen(text)))
				return true;
			break;
		case FILE_HAS:
			if (strstr(file, text) && !is_installed(file))
				return true;
			break;
		case FUNCTION_STARTS:
			if (!strncmp(n->function, text, strlen(text)))
				return true;
		}
	}
	return false;
}

/* ---- dialects: what follows the prefix, cut up; false: it is no such name ------------------ */

/* Takes ":NUMBER" off the end. */
static bool take_number(char *s, int *value)
{
	char *colon = strrchr(s, ':');

	if (!colon || !isdigit((unsigned char)colon[1]) ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	*value = atoi(colon + 1);
	*colon = '\0';
	return true;
}

/* Names and paths may both hold blanks: "get socket /srv/my server.js". */
static char *start_of_file(char *s)
{
	static const char *const starts[] = {" /", " node:", " file:"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		char *at = strstr(s, starts[i]);

		if (at)
			return at;
	}
	return strrchr(s, ' ');
}

static bool parse_v8(struct jit_name *n, char *s)
{
	int column;
	char *file;

	s += strspn(s, "*~^+'");
	file = start_of_file(s);
	if (!file)
		return false;
	*file++ = '\0';
	if (take_number(file, &column) && !take_number(file, &n->line))
		n->line = column;
	n->function = xstrdup(*s ? s : "(anonymous)");
	n->file = xstrdup(file);
	return true;
}

static bool parse_python(struct jit_name *n, char *s)
{
	char *file = strchr(s, ':');

	if (!file)
		return false;
	*file++ = '\0';
	n->function = xstrdup(s);
	n->file = xstrdup(file);
	return true;
}

/* "Lsrv/Server;::serve" */
static bool parse_java_agent(struct jit_name *n, char *s)
{
	char *end = strstr(s, ";::"), *c;

	if (!end)
		return false;
	for (c = s; c < end; c++)
		if (*c == '/')
			*c = '.';
	*end = '\0';
	n->function = xstrfmt("%s.%s", s, end + 3);
	return true;
}

/* "void srv.Server.serve(java.net.Socket)" */
static bool parse_java(struct jit_name *n, char *s)
{
	char *type_end = strchr(s, ' '), *arguments = strchr(s, '(');

	if (!type_end || !arguments || type_end > arguments || s[strlen(s) - 1] != ')')
		return false;
	*arguments = '\0';
	if (!strchr(type_end, '.') || strchr(type_end + 1, ' '))
		return false;
	n->function = xstrdup(type_end + 1);
	return true;
}

static const struct dialect {
	const char *prefix;
	bool (*parse)(struct jit_name *n, char *s);
} dialects[] = {
	{"JS:", parse_v8},	 {"LazyCompile:", parse_v8}, {"Function:", parse_v8},
	{"Script:", parse_v8},	 {"Eval:", parse_v8},	     {"py::", parse_python},
	{"L", parse_java_agent}, {"", parse_java},
};

static bool parse_as(const struct dialect *d, struct jit_name *n, const char *text)
{
	size_t len = strlen(d->prefix);
	bool parsed = false;
	char *copy;

	if (strncmp(text, d->prefix, len))
		return false;
	copy = xstrdup(text + len);
	parsed = d->parse(n, copy);
	free(copy);
	return parsed;
}

/* The rest of a report wants to be read, too. */
static void shorten(char **name)
{
	char *shorter = demangle(*name);

	if (!shorter)
		return;
	free(*name);
	*name = shorter;
}

void jit_name_parse(struct jit_name *n, const char *text, size_t len)
{
	char *copy = xstrndup(text, len);
	size_t i;

	memset(n, 0, sizeof(*n));
	for (i = 0; i < ARRAY_SIZE(dialects) && !n->own; i++)
		n->own = parse_as(&dialects[i], n, copy);
	if (n->own)
		n->own = !is_library(n);
	if (!n->function)
		n->function = xstrdup(*copy ? copy : "???");
	shorten(&n->function);
	free(copy);
}

void jit_name_release(struct jit_name *n)
{
	free(n->function);
	free(n->file);
}
