/* SPDX-License-Identifier: MIT */
/* The report for people at a terminal. The first line of each finding has a shape others parse. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "text.h"

#define OPEN_ROWS 10
#define IDS	  4
#define WIDTH	  96
#define LABEL	  14 /* columns before the text of a line, two of them indentation */

#define RED    "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN  "\033[1;32m"
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define PLAIN  "\033[0m"

struct page {
	FILE *out;
	bool color;
	bool shows_suppressions;
};

/* All that comes from outside goes through here; only our own colours do not. */
static void print(const struct page *p, const char *color, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void print(const struct page *p, const char *color, const char *fmt, ...)
{
	va_list ap;
	char *line, *clean;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	clean = text_cleaned(line);
	fprintf(p->out, "%s%s%s", p->color && color ? color : "", clean,
		p->color && color ? PLAIN : "");
	free(clean);
	free(line);
}

static void end_line(const struct page *p)
{
	fputc('\n', p->out);
}

/* Columns that a string takes, near enough: one for each UTF-8 character. */
static size_t columns(const char *s, size_t bytes)
{
	size_t i, n = 0;

	for (i = 0; i < bytes; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Breaks text between words, each line after the first indented. */
static void print_wrapped(const struct page *p, const char *text, size_t indent)
{
	size_t at = indent;

	while (*text) {
		size_t len = strcspn(text, " "), wide = columns(text, len);

		if (at > indent && at + 1 + wide > WIDTH) {
			fprintf(p->out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', p->out);
			at++;
		}
		print(p, NULL, "%.*s", (int)len, text);
		at += wide;
		text += len + strspn(text + len, " ");
	}
	end_line(p);
}

static void print_labelled(const struct page *p, const char *label, const char *text)
{
	print(p, DIM, "  %-*s", LABEL - 2, label);
	print_wrapped(p, text, LABEL);
}

static const char *severity_color(const char *severity)
{
	return !strcmp(severity, "error") ? RED : !strcmp(severity, "warning") ? YELLOW : BOLD;
}

static void print_headline(const struct page *p, const struct report_finding *f)
{
	print(p, severity_color(f->severity), "%s:", f->severity);
	print(p, BOLD, " %s", f->rule);
	if (f->subkind)
		print(p, BOLD, " (%s)", f->subkind);
	print(p, BOLD, ": %" PRIu64 " %s%s %s in %s (%s)", f->nr, f->noun, text_plural(f->nr),
	      f->verb, f->function, f->where);
	end_line(p);
}

static void print_stack(const struct page *p, const struct report_stack *st)
{
	size_t i;

	end_line(p);
	print(p, DIM, "  %s", st->label);
	end_line(p);
	for (i = 0; i < st->nr; i++) {
		const struct report_frame *f = &st->frames[i];

		print(p, f->runtime ? DIM : NULL, "    #%-2zu %s (%s)%s", i, f->function, f->where,
		      f->inlined ? " [inlined]"
		      : f->jit	 ? " [JIT]"
				 : "");
		end_line(p);
	}
	if (st->note) {
		print(p, DIM, "    (%s)", st->note);
		end_line(p);
	}
}

/* The first digits of each: enough to find it in a baseline. */
static void print_ids(const struct page *p, const struct report_finding *f)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	for (i = 0; i < f->nr_ids && i < IDS; i++)
		strbuf_addf(&sb, "%s%.*s", i ? ", " : "", FINGERPRINT_SHORT, f->ids[i].id);
	if (f->nr_ids > IDS)
		strbuf_addf(&sb, " and %zu more", f->nr_ids - IDS);
	if (sb.len)
		print_labelled(p, "id", sb.buf);
	strbuf_release(&sb);
}

static void print_growth(const struct page *p, const struct report_finding *f)
{
	char *text;

	if (f->standing != STANDING_GROWN)
		return;
	text = xstrfmt("%" PRIu64 " in the baseline, %" PRIu64 " now", f->nr_before, f->nr);
	print_labelled(p, "growth", text);
	free(text);
}

/* Flush left, to be pasted as it is. */
static void print_suppression(const struct page *p, const char *text)
{
	end_line(p);
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		print(p, NULL, "%.*s", (int)len, text);
		end_line(p);
		text += len + (text[len] == '\n');
	}
}

static void print_finding(const struct page *p, const struct report_finding *f)
{
	size_t i;

	print_headline(p, f);
	fputs("  ", p->out);
	print_wrapped(p, f->meaning, 2);
	end_line(p);
	for (i = 0; i < f->nr_lines; i++)
		print_labelled(p, f->lines[i].label, f->lines[i].text);
	print_labelled(p, "to do", f->advice);
	print_growth(p, f);
	print_ids(p, f);
	for (i = 0; i < f->nr_stacks; i++)
		if (f->stacks[i].kind < STACK_LAST_USE)
			print_stack(p, &f->stacks[i]);
	if (f->suppression && p->shows_suppressions)
		print_suppression(p, f->suppression);
	end_line(p);
}

static void print_known(const struct page *p, const struct report *r)
{
	size_t i;

	if (!r->nr_known)
		return;
	print(p, BOLD, "known from the baseline:");
	end_line(p);
	for (i = 0; i < r->nr_findings; i++) {
		const struct report_finding *f = &r->findings[i];

		if (f->standing != STANDING_KNOWN)
			continue;
		print(p, NULL, "%7" PRIu64 "  %s (%s): %s%s%s%s", f->nr, f->function, f->where,
		      f->rule, f->subkind ? " (" : "", f->subkind ? f->subkind : "",
		      f->subkind ? ")" : "");
		end_line(p);
	}
	end_line(p);
}

static uint64_t sockets_after(const struct report *r, size_t i)
{
	uint64_t nr = 0;

	for (; i < r->nr_open; i++)
		nr += r->open[i].nr_sockets;
	return nr;
}

static void print_open(const struct page *p, const struct report *r)
{
	size_t i;

	if (!r->nr_open)
		return;
	print(p, BOLD,
	      r->nr_open_faults ? "still open, a fault by --strict:" : "still open, no fault:");
	end_line(p);
	for (i = 0; i < r->nr_open && i < OPEN_ROWS; i++) {
		const struct report_open *o = &r->open[i];

		print(p, NULL, "%7" PRIu64 "  %s (%s): %s%s%s%s", o->nr_sockets, o->function,
		      o->where, o->reason, o->remark ? ": " : "", o->remark ? o->remark : "",
		      r->nr_open_faults && !o->fails ? " (no fault)" : "");
		end_line(p);
	}
	if (r->nr_open > OPEN_ROWS) {
		print(p, DIM, "%7" PRIu64 "  at %zu more places, not shown",
		      sockets_after(r, OPEN_ROWS), r->nr_open - OPEN_ROWS);
		end_line(p);
	}
	end_line(p);
}

static void print_strings(const struct page *p, const char *color, const char *label,
			  char *const *strings, size_t nr)
{
	size_t i, indent = strlen(label) + 2;

	for (i = 0; i < nr; i++) {
		print(p, color, "%s: ", label);
		print_wrapped(p, strings[i], indent);
	}
	if (nr)
		end_line(p);
}

static void print_suppressed(const struct page *p, const struct report_suppression *s)
{
	char *text;

	if (s->nr_findings)
		text = xstrfmt("%" PRIu64 " finding%s suppressed (%s): %" PRIu64 " in all, by %s",
			       s->nr_findings, text_plural(s->nr_findings),
			       s->reason ? s->reason : "no reason given", s->nr_suppressed,
			       s->where);
	else
		text = xstrfmt("%" PRIu64 " still open suppressed (%s), by %s", s->nr_suppressed,
			       s->reason ? s->reason : "no reason given", s->where);
	print_wrapped(p, text, 0);
	free(text);
}

static void print_stale(const struct page *p, const struct report_suppression *s)
{
	char *text;

	if (s->state == SUPPRESSION_EXPIRED)
		text = xstrfmt("note: %s: suppression \"%s\" expired on %s and is without effect",
			       s->where, s->name, s->expires);
	else
		text = xstrfmt("note: %s: suppression \"%s\" is unused", s->where, s->name);
	print_wrapped(p, text, 0);
	free(text);
}

static void print_suppressions(const struct page *p, const struct report *r)
{
	size_t i, nr = 0;

	for (i = 0; i < r->nr_suppressions; i++) {
		const struct report_suppression *s = &r->suppressions[i];

		if (s->state == SUPPRESSION_NOT_ASKED)
			continue;
		if (s->state == SUPPRESSION_USED)
			print_suppressed(p, s);
		else
			print_stale(p, s);
		nr++;
	}
	if (nr)
		end_line(p);
}

static const char *last_line_color(const struct report *r)
{
	if (r->fails || (r->nr_leaked && !r->nr_known))
		return RED;
	return r->nr_in_doubt || r->nr_findings ? YELLOW : GREEN;
}

static void print_last_line(const struct page *p, const struct report *r)
{
	const char *color = last_line_color(r);

	if (r->nr_leaked) {
		print(p, color, "socklint: %" PRIu64 " socket%s leaked at %" PRIu64 " place%s",
		      r->nr_leaked, text_plural(r->nr_leaked), r->nr_leak_places,
		      text_plural(r->nr_leak_places));
		print(p, color, " (%" PRIu64 " in CLOSE_WAIT, %" PRIu64 " descriptor%s)",
		      r->nr_close_wait, r->nr_descriptors, text_plural(r->nr_descriptors));
	} else {
		print(p, color,
		      "socklint: %s: %" PRIu64 " socket%s followed in %" PRIu64 " process%s",
		      r->nr_in_doubt ? "no leak proven" : "no leaks", r->nr_followed,
		      text_plural(r->nr_followed), r->nr_processes,
		      r->nr_processes == 1 ? "" : "es");
	}
	if (r->nr_warnings_given)
		print(p, color, ", %" PRIu64 " warning%s", r->nr_warnings_given,
		      text_plural(r->nr_warnings_given));
	if (r->nr_still_open)
		print(p, color, ", %" PRIu64 " still open%s", r->nr_still_open,
		      r->nr_open_faults ? " (--strict: a fault)" : "");
	if (r->nr_known)
		print(p, color, ", %" PRIu64 " finding%s known", r->nr_known,
		      text_plural(r->nr_known));
	if (r->nr_suppressed)
		print(p, color, ", %" PRIu64 " suppressed", r->nr_suppressed);
	if (r->nr_in_doubt)
		print(p, color, ", %" PRIu64 " of them in doubt: their process was killed",
		      r->nr_in_doubt);
	end_line(p);
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	struct page p = {out, how->color, r->shows_suppressions};
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		if (r->findings[i].standing != STANDING_KNOWN)
			print_finding(&p, &r->findings[i]);
	print_known(&p, r);
	print_open(&p, r);
	print_suppressions(&p, r);
	print_strings(&p, YELLOW, "blind", r->warnings, r->nr_warnings);
	print_strings(&p, DIM, "note", r->notes, r->nr_notes);
	print_last_line(&p, r);
}

DEFINE_FORMAT(text, render, false);
