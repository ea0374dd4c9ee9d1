/* SPDX-License-Identifier: MIT */
/* Which suppression is about a stack, and the one to paste. */
#include "suppressions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "glob.h"

#define BLOCK_FRAMES 24 /* as valgrind */

/* ---- matching ---------------------------------------------------------------------------- */

static bool match_name(const char *glob, const char *name)
{
	return name && glob_match(glob, name);
}

/* Of a module only its name is known: what a pattern says of its directory is taken as right. */
static bool match_module(const char *glob, const char *module)
{
	return match_name(text_basename(glob), module);
}

static bool match_file(const char *glob, const char *file)
{
	return file && match_name(glob, strchr(glob, '/') ? file : text_basename(file));
}

static bool match_frame(const struct frame_pattern *p, const struct frame *f)
{
	const char *function = f->function ? f->function : "???";

	switch (p->kind) {
	case PATTERN_FUNCTION:
		return glob_match(p->glob, function);
	case PATTERN_MODULE:
		return match_module(p->glob, f->module);
	case PATTERN_FILE:
		return match_file(p->glob, f->file);
	case PATTERN_ANYTHING:
		return glob_match(p->glob, function) || match_name(p->glob, f->module) ||
		       match_file(p->glob, f->file);
	default:
		return false;
	}
}

/* As glob_match(), with frames for letters; all patterns must be used up, not all frames. */
static bool match_stack(const struct suppression *s, const struct stack *st)
{
	size_t p = 0, f = 0, after = 0, retry = 0;
	bool may_skip = false;

	while (p < s->nr) {
		if (s->frames[p].kind == PATTERN_ANY_FRAMES) {
			after = ++p;
			retry = f;
			may_skip = true;
		} else if (f < st->nr && match_frame(&s->frames[p], &st->frames[f])) {
			p++;
			f++;
		} else if (may_skip && retry < st->nr) {
			p = after;
			f = ++retry;
		} else {
			return false;
		}
	}
	return true;
}

struct suppression *suppressions_find(const struct suppressions *s, const char *rule,
				      const struct stack *st)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (!s->all[i].expired && glob_match(s->all[i].rule, rule) &&
		    match_stack(&s->all[i], st))
			return &s->all[i];
	return NULL;
}

/* ---- the block to paste ------------------------------------------------------------------ */

/* How many frames count: those beyond the program's outermost function say nothing. */
static size_t telling_frames(const struct stack *st)
{
	size_t nr = st->nr;

	while (nr && st->frames[nr - 1].runtime)
		nr--;
	if (!nr)
		nr = st->nr;
	return nr < BLOCK_FRAMES ? nr : BLOCK_FRAMES;
}

/* Frames of the C library differ from machine to machine. */
static bool write_frame(struct strbuf *sb, const struct frame *f)
{
	const char *name = f->function ? f->function : f->module;

	if (!name || f->runtime)
		return false;
	strbuf_addstr(sb, f->function ? "   fun:" : "   obj:");
	glob_quote(sb, name);
	strbuf_addstr(sb, "\n");
	return true;
}

void suppression_write(struct strbuf *sb, const char *rule, const char *id, const struct stack *st)
{
	size_t i, nr = telling_frames(st);
	bool skipped = false;

	strbuf_addf(sb, "{\n   %s-%s\n   socklint:%s\n   reason: \n", rule, id, rule);
	for (i = 0; i < nr; i++) {
		bool skips = !write_frame(sb, &st->frames[i]);

		if (skips && !skipped)
			strbuf_addstr(sb, "   ...\n");
		skipped = skips;
	}
	if (!nr)
		strbuf_addstr(sb, "   ...\n");
	strbuf_addstr(sb, "}\n");
}

/* ---- the list ---------------------------------------------------------------------------- */

static void release_one(struct suppression *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		free(s->frames[i].glob);
	free(s->frames);
	free(s->name);
	free(s->where);
	free(s->rule);
	free(s->reason);
	free(s->expires);
}

void suppressions_release(struct suppressions *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		release_one(&s->all[i]);
	free(s->all);
	memset(s, 0, sizeof(*s));
}

int suppressions_today(char today[sizeof("YYYY-MM-DD")])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = time(NULL);
	struct tm tm;
	char *end;

	if (epoch && *epoch) {
		errno = 0;
		now = (time_t)strtoll(epoch, &end, 10);
		if (errno || *end)
			return -1;
	}
	if (!gmtime_r(&now, &tm) || strftime(today, sizeof("YYYY-MM-DD"), "%Y-%m-%d", &tm) != 10)
		return -1;
	return 0;
}
