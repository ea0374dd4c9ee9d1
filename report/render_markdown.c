/* SPDX-License-Identifier: MIT */
/*
 * The report for a job's summary or a comment, in GitHub's Markdown. What comes from outside has
 * all its marks written as entities: those are text wherever they stand, also in a table.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "text.h"

#define ROWS	       100
#define BYTES	       (900u << 10) /* GitHub takes a summary of 1 MiB */
#define NAME_MAX_BYTES 300

/* An underscore inside of a word is only that; what a link could begin with is no text. */
static bool is_plain(const char *s, const char *c)
{
	if (*c == '_')
		return c > s && isalnum((unsigned char)c[-1]) && isalnum((unsigned char)c[1]);
	if (*c == '.')
		return c < s + 3 || strncasecmp(c - 3, "www", 3) != 0;
	return !ispunct((unsigned char)*c) || strchr("()/+,-=?", *c);
}

/* Cut at the beginning of a character. */
static size_t bearable(const char *s)
{
	size_t len = strlen(s);

	if (len <= NAME_MAX_BYTES)
		return len;
	for (len = NAME_MAX_BYTES; ((unsigned char)s[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

static void add_text(struct strbuf *sb, const char *s)
{
	char *clean = text_cleaned(s);
	const char *c;

	for (c = clean; *c; c++)
		strbuf_addf(sb, is_plain(clean, c) ? "%c" : "&#%d;", *c);
	free(clean);
}

static void add_name(struct strbuf *sb, const char *s)
{
	char *clean = text_cleaned(s);
	size_t len = bearable(clean);
	bool cut = clean[len];

	clean[len] = '\0';
	strbuf_addstr(sb, "<code>");
	add_text(sb, clean);
	strbuf_addf(sb, "%s</code>", cut ? "..." : "");
	free(clean);
}

/* ---- the headline and the table ----------------------------------------------------------- */

static void add_headline(struct strbuf *sb, const struct report *r)
{
	strbuf_addstr(sb, "## socklint: ");
	if (r->nr_leaked) {
		text_add_count(sb, r->nr_leaked, "socket");
		strbuf_addstr(sb, " leaked at ");
		text_add_count(sb, r->nr_leak_places, "place");
	} else {
		strbuf_addf(sb, "%s: ", r->nr_in_doubt ? "no leak proven" : "no leaks");
		text_add_count(sb, r->nr_followed, "socket");
		strbuf_addstr(sb, " followed");
	}
	if (r->nr_warnings_given) {
		strbuf_addstr(sb, ", ");
		text_add_count(sb, r->nr_warnings_given, "warning");
	}
	if (r->nr_suppressed)
		strbuf_addf(sb, ", %" PRIu64 " suppressed", r->nr_suppressed);
	strbuf_addstr(sb, "\n\n");
}

static void add_row(struct strbuf *sb, const struct report_finding *f)
{
	strbuf_addf(sb, "| %s | %s%s%s%s | ", f->severity, f->rule, f->subkind ? " (" : "",
		    f->subkind ? f->subkind : "", f->subkind ? ")" : "");
	text_add_count(sb, f->nr, f->noun);
	strbuf_addstr(sb, " | ");
	add_name(sb, f->function);
	strbuf_addstr(sb, " | ");
	add_name(sb, f->where);
	strbuf_addf(sb, " | %s |\n",
		    f->standing == STANDING_KNOWN   ? "known"
		    : f->standing == STANDING_GROWN ? "grown"
		    : f->fails			    ? "fails"
						    : "");
}

static void add_table(struct strbuf *sb, const struct report *r)
{
	size_t i;

	if (!r->nr_findings)
		return;
	strbuf_addstr(sb, "| | rule | | function | where | |\n|---|---|--:|---|---|---|\n");
	for (i = 0; i < r->nr_findings && i < ROWS; i++)
		add_row(sb, &r->findings[i]);
	strbuf_addstr(sb, "\n");
	if (r->nr_findings > ROWS)
		strbuf_addf(sb, "%zu more findings are not shown here.\n\n", r->nr_findings - ROWS);
}

/* ---- details ------------------------------------------------------------------------------ */

static void add_frames(struct strbuf *sb, const struct report_stack *st)
{
	size_t i;

	for (i = 0; i < st->nr; i++) {
		const struct report_frame *f = &st->frames[i];

		strbuf_addf(sb, "#%-2zu ", i);
		strbuf_add_clean(sb, f->function);
		strbuf_addstr(sb, " (");
		strbuf_add_clean(sb, f->where);
		strbuf_addf(sb, ")%s\n", f->inlined ? " [inlined]" : f->jit ? " [JIT]" : "");
	}
}

static size_t longest_run(const char *s, char c)
{
	size_t run = 0, longest = 0;

	for (; *s; s++) {
		run = *s == c ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void add_fence(struct strbuf *sb, size_t len)
{
	while (len--)
		strbuf_addstr(sb, "~");
	strbuf_addstr(sb, "\n");
}

/* In a fence that is longer than any in it nothing has a meaning. */
static void add_stack(struct strbuf *sb, const struct report_stack *st)
{
	struct strbuf frames = STRBUF_INIT;
	size_t fence;

	add_frames(&frames, st);
	if (!frames.len)
		return;
	fence = longest_run(frames.buf, '~') + 3;
	add_text(sb, st->label);
	strbuf_addstr(sb, "\n\n");
	add_fence(sb, fence);
	strbuf_addstr(sb, frames.buf);
	add_fence(sb, fence);
	strbuf_addstr(sb, "\n");
	strbuf_release(&frames);
}

static void add_item(struct strbuf *sb, const char *label, const char *text)
{
	strbuf_addstr(sb, *label ? "- " : "  ");
	if (*label)
		strbuf_addf(sb, "**%s**: ", label);
	add_text(sb, text);
	strbuf_addstr(sb, "\n");
}

static void add_detail(struct strbuf *sb, const struct report_finding *f)
{
	char *headline = report_headline(f);
	size_t i;

	strbuf_addf(sb, "<details><summary>%s: %s: ", f->severity, f->rule);
	add_name(sb, headline);
	strbuf_addstr(sb, "</summary>\n\n");
	add_text(sb, f->meaning);
	strbuf_addstr(sb, "\n\n");
	for (i = 0; i < f->nr_lines; i++)
		add_item(sb, f->lines[i].label, f->lines[i].text);
	add_item(sb, "to do", f->advice);
	strbuf_addstr(sb, "\n");
	for (i = 0; i < f->nr_stacks; i++)
		if (f->stacks[i].kind < STACK_LAST_USE)
			add_stack(sb, &f->stacks[i]);
	strbuf_addstr(sb, "</details>\n\n");
	free(headline);
}

/* Returns whether it fits. */
static bool add_if_it_fits(struct strbuf *sb, const struct report_finding *f)
{
	struct strbuf detail = STRBUF_INIT;
	bool fits;

	add_detail(&detail, f);
	fits = sb->len + detail.len <= BYTES;
	if (fits)
		strbuf_addstr(sb, detail.buf);
	strbuf_release(&detail);
	return fits;
}

static void add_details(struct strbuf *sb, const struct report *r)
{
	size_t i, left_out = 0;

	for (i = 0; i < r->nr_findings; i++)
		if (r->findings[i].standing != STANDING_KNOWN)
			left_out += !add_if_it_fits(sb, &r->findings[i]);
	if (left_out)
		strbuf_addf(sb, "The details of %zu more did not fit.\n\n", left_out);
}

static void add_warnings(struct strbuf *sb, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_warnings && i < ROWS; i++) {
		strbuf_addstr(sb, "- blind: ");
		add_text(sb, r->warnings[i]);
		strbuf_addstr(sb, "\n");
	}
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	struct strbuf sb = STRBUF_INIT;

	(void)how;
	add_headline(&sb, r);
	add_table(&sb, r);
	add_details(&sb, r);
	add_warnings(&sb, r);
	fputs(sb.buf, out);
	strbuf_release(&sb);
}

DEFINE_FORMAT(markdown, render, false);
