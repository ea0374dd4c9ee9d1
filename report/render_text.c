/* SPDX-License-Identifier: MIT */
/* The report for people at a terminal. The first line of each finding has a shape others parse. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "text.h"

#define OPEN_ROWS 10
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
};

/* All that comes from outside goes through here; only our own colours do not. */
static void print(const struct page *p, const char *color, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void print(const struct page *p, const char *color, const char *fmt, ...)
{
	va_list ap;
	char *line;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_clean(line, line, (size_t)n + 1);
	fprintf(p->out, "%s%s%s", p->color && color ? color : "", line,
		p->color && color ? PLAIN : "");
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
	for (i = 0; i < f->nr_stacks; i++)
		print_stack(p, &f->stacks[i]);
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
	print(p, BOLD, "still open, no fault:");
	end_line(p);
	for (i = 0; i < r->nr_open && i < OPEN_ROWS; i++) {
		const struct report_open *o = &r->open[i];

		print(p, NULL, "%7" PRIu64 "  %s (%s): %s%s%s", o->nr_sockets, o->function,
		      o->where, o->reason, o->remark ? ": " : "", o->remark ? o->remark : "");
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

static const char *last_line_color(const struct report *r)
{
	if (r->nr_leaked)
		return RED;
	return r->nr_in_doubt || r->nr_warnings_given ? YELLOW : GREEN;
}

static void print_last_line(const struct page *p, const struct report *r)
{
	const char *color = last_line_color(r);

	if (r->nr_leaked) {
		print(p, RED, "socklint: %" PRIu64 " socket%s leaked at %" PRIu64 " place%s",
		      r->nr_leaked, text_plural(r->nr_leaked), r->nr_leak_places,
		      text_plural(r->nr_leak_places));
		print(p, RED, " (%" PRIu64 " in CLOSE_WAIT, %" PRIu64 " descriptor%s)",
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
		print(p, color, ", %" PRIu64 " still open", r->nr_still_open);
	if (r->nr_in_doubt)
		print(p, color, ", %" PRIu64 " of them in doubt: their process was killed",
		      r->nr_in_doubt);
	end_line(p);
}

static void render(FILE *out, const struct report *r, bool color)
{
	struct page p = {out, color};
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		print_finding(&p, &r->findings[i]);
	print_open(&p, r);
	print_strings(&p, YELLOW, "blind", r->warnings, r->nr_warnings);
	print_strings(&p, DIM, "note", r->notes, r->nr_notes);
	print_last_line(&p, r);
}

DEFINE_FORMAT(text, render);
