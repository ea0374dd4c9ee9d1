/* SPDX-License-Identifier: MIT */
/* The parser of suppression files: what it does not understand it refuses. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "glob.h"
#include "rules.h"
#include "suppressions.h"

struct parser {
	struct suppressions *to;
	const char *path, *today;
	struct strbuf *why;
	unsigned int line;
	unsigned int block; /* the line where the open block begins, or 0 */
	struct suppression *cur;
};

static int refuse(struct parser *p, const char *what, const char *text)
{
	strbuf_addf(p->why, "%s:%u: %s%s%s%s", p->path, p->line, what, text ? ": \"" : "",
		    text ? text : "", text ? "\"" : "");
	return -1;
}

static struct suppression *add_suppression(struct parser *p)
{
	struct suppressions *to = p->to;
	struct suppression *s;

	ALLOC_GROW(to->all, to->nr + 1, to->alloc);
	s = &to->all[to->nr++];
	memset(s, 0, sizeof(*s));
	s->where = xstrfmt("%s:%u", p->path, p->line);
	return s;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s + strspn(s, " \t\r\n\v\f");
}

/* Returns what stands after the prefix, trimmed, or NULL. */
static char *after(char *line, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(line, prefix, len) ? NULL : trim(line + len);
}

/* ---- the parts of an entry --------------------------------------------------------------- */

static int add_pattern(struct parser *p, enum frame_pattern_kind kind, const char *glob)
{
	struct suppression *s = p->cur;

	if (glob && !*glob)
		return refuse(p, "nothing to match", NULL);
	if (glob && !glob_is_valid(glob))
		return refuse(p, "a backslash before what it cannot stand before", glob);
	ALLOC_GROW(s->frames, s->nr + 1, s->alloc);
	s->frames[s->nr++] = (struct frame_pattern){kind, glob ? xstrdup(glob) : NULL};
	return 0;
}

static bool is_some_rule(const char *glob)
{
	int i;

	for (i = 0; i < RULE_COUNT; i++)
		if (glob_match(glob, rule_by_nr((enum rule_nr)i)->id))
			return true;
	return glob_match(glob, STILL_OPEN);
}

static int set_rule(struct parser *p, const char *glob)
{
	if (!glob_is_valid(glob) || !is_some_rule(glob))
		return refuse(p, "no such rule (see \"socklint explain\")", glob);
	p->cur->rule = xstrdup(glob);
	return 0;
}

static int set_reason(struct parser *p, const char *text)
{
	if (p->cur->reason)
		return refuse(p, "a second reason", text);
	p->cur->reason = xstrdup(text);
	return 0;
}

static bool is_date(const char *s)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day, leap, len = 0;
	size_t i;

	for (i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : !isdigit((unsigned char)s[i]))
			return false;
	if (sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &len) != 3 || len != 10 || s[10])
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && leap);
}

static int set_expires(struct parser *p, const char *date)
{
	if (p->cur->expires)
		return refuse(p, "a second date", date);
	if (!is_date(date))
		return refuse(p, "expires: is not followed by a date, YYYY-MM-DD", date);
	p->cur->expires = xstrdup(date);
	p->cur->expired = strcmp(date, p->today) < 0;
	return 0;
}

/* ---- blocks ------------------------------------------------------------------------------ */

static int parse_block_head(struct parser *p, char *line)
{
	char *rule;

	if (!p->cur->name) {
		p->cur->name = xstrdup(line);
		return 0;
	}
	rule = after(line, "socklint:");
	return set_rule(p, rule ? rule : line);
}

static int close_block(struct parser *p)
{
	if (!p->cur->rule)
		return refuse(p, "the block ends before it has named a rule", NULL);
	if (!p->cur->nr)
		return refuse(p, "the block has no frames: \"...\" stands for any", NULL);
	p->block = 0;
	return 0;
}

static int parse_in_block(struct parser *p, char *line)
{
	char *value;

	if (!strcmp(line, "}"))
		return close_block(p);
	if (!strcmp(line, "{"))
		return refuse(p, "a block within a block", NULL);
	if (!p->cur->rule)
		return parse_block_head(p, line);
	if (!strcmp(line, "..."))
		return add_pattern(p, PATTERN_ANY_FRAMES, NULL);
	if ((value = after(line, "fun:")))
		return add_pattern(p, PATTERN_FUNCTION, value);
	if ((value = after(line, "obj:")))
		return add_pattern(p, PATTERN_MODULE, value);
	if ((value = after(line, "src:")))
		return add_pattern(p, PATTERN_FILE, value);
	if ((value = after(line, "reason:")))
		return set_reason(p, value);
	if ((value = after(line, "expires:")))
		return set_expires(p, value);
	return refuse(p, "no part of a block", line);
}

/* ---- lines ------------------------------------------------------------------------------- */

/* Where a blank and the key begin the last part of the line, or NULL. */
static char *find_key(char *line, const char *key)
{
	char *found = line, *last = NULL;

	while ((found = strstr(found + 1, key)))
		if (isspace((unsigned char)found[-1]))
			last = found;
	return last;
}

/* Cuts "reason: ..." or "expires: ..." off the end of the line, whichever comes last. */
static int cut_last_part(struct parser *p, char *line, bool *found)
{
	char *reason = find_key(line, "reason:"), *expires = find_key(line, "expires:");
	char *part = !expires || (reason && reason > expires) ? reason : expires;

	*found = part != NULL;
	if (!part)
		return 0;
	part[-1] = '\0';
	return part == reason ? set_reason(p, after(part, "reason:"))
			      : set_expires(p, after(part, "expires:"));
}

/* RULE:GLOB [reason: TEXT] [expires: DATE] */
static int parse_line(struct parser *p, char *line)
{
	char *colon;
	bool found;

	p->cur = add_suppression(p);
	do {
		if (cut_last_part(p, line, &found))
			return -1;
	} while (found);
	line = trim(line);
	p->cur->name = xstrdup(line);
	colon = strchr(line, ':');
	if (!colon)
		return refuse(p, "neither a block nor RULE:PATTERN", line);
	*colon = '\0';
	if (set_rule(p, trim(line)) || add_pattern(p, PATTERN_ANY_FRAMES, NULL))
		return -1;
	return add_pattern(p, PATTERN_ANYTHING, trim(colon + 1));
}

/* ---- files ------------------------------------------------------------------------------- */

static int parse(struct parser *p, char *line, size_t len)
{
	if (strlen(line) != len)
		return refuse(p, "a NUL: this is no text", NULL);
	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	if (p->block)
		return parse_in_block(p, line);
	if (strcmp(line, "{"))
		return parse_line(p, line);
	p->cur = add_suppression(p);
	p->block = p->line;
	return 0;
}

static int parse_file(struct parser *p, FILE *in)
{
	char *line = NULL;
	size_t alloc = 0;
	ssize_t len;
	int error = 0;

	while (!error && (len = getline(&line, &alloc, in)) >= 0) {
		p->line++;
		error = parse(p, line, (size_t)len);
	}
	free(line);
	if (!error && ferror(in)) {
		strbuf_addf(p->why, "%s: %s", p->path, strerror(errno));
		return -1;
	}
	if (!error && p->block) {
		p->line = p->block;
		return refuse(p, "this block has no end", NULL);
	}
	return error;
}

int suppressions_read(struct suppressions *s, const char *path, const char *today,
		      struct strbuf *why)
{
	struct parser p = {s, path, today, why, 0, 0, NULL};
	FILE *in = fopen(path, "re");
	int error;

	if (!in) {
		strbuf_addf(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	error = parse_file(&p, in);
	fclose(in);
	return error;
}
