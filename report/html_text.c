/* SPDX-License-Identifier: MIT */
/* HTML, escaped. */
#include "html_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "text.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void html_raw(FILE *out, const char *markup)
{
	fputs(markup, out);
}

void html_rawf(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
}

/* ---- characters -------------------------------------------------------------------------- */

/* Of what is not printable: the bytes that stand for one thing. */
static size_t bad_length(const char *s)
{
	size_t len = 1;

	if (((unsigned char)*s & 0xc0) != 0xc0)
		return 1;
	while (((unsigned char)s[len] & 0xc0) == 0x80 && len < 4)
		len++;
	return len;
}

static bool is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0);
}

static const char *bad_text(const char *s)
{
	if (*s == '\t' || *s == '\n' || *s == '\r')
		return " ";
	return is_control(s) ? "" : REPLACEMENT;
}

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
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Writes one character; returns how many bytes of s it was. */
static size_t put_character(FILE *out, const char *s)
{
	size_t len = text_printable(s);
	const char *escaped;

	if (!len) {
		fputs(bad_text(s), out);
		return bad_length(s);
	}
	escaped = entity(*s);
	if (escaped)
		fputs(escaped, out);
	else if (len == 1)
		putc_unlocked(*s, out);
	else
		fwrite(s, 1, len, out);
	return len;
}

static size_t count_characters(const char *s)
{
	size_t nr = 0, len;

	for (; *s; s += len, nr++) {
		len = text_printable(s);
		if (!len)
			len = bad_length(s);
	}
	return nr;
}

static const char *put_characters(FILE *out, const char *s, size_t max)
{
	for (; *s && max; max--)
		s += put_character(out, s);
	return s;
}

void html_text_cut(FILE *out, const char *s, size_t max)
{
	s = put_characters(out, s, max);
	if (*s)
		fprintf(out, "\xe2\x80\xa6 (%zu more characters)", count_characters(s));
}

void html_text(FILE *out, const char *s)
{
	html_text_cut(out, s, HTML_TEXT_MAX);
}

void html_name(FILE *out, const char *s)
{
	html_text_cut(out, s, HTML_NAME_MAX);
}

static void put_formatted(FILE *out, const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	html_text(out, s);
	free(s);
}

void html_textf(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_formatted(out, fmt, ap);
	va_end(ap);
}

/* ---- elements ---------------------------------------------------------------------------- */

void html_attr(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	put_characters(out, value, HTML_NAME_MAX);
	fputc('"', out);
}

static void end_tag(FILE *out, const char *tag)
{
	fprintf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void html_element(FILE *out, const char *tag, const char *text)
{
	fprintf(out, "<%s>", tag);
	html_text(out, text);
	end_tag(out, tag);
}

void html_elementf(FILE *out, const char *tag, const char *fmt, ...)
{
	va_list ap;

	fprintf(out, "<%s>", tag);
	va_start(ap, fmt);
	put_formatted(out, fmt, ap);
	va_end(ap);
	end_tag(out, tag);
}

/* ---- numbers and times ------------------------------------------------------------------- */

void html_number(FILE *out, uint64_t nr)
{
	char digits[24];
	int i, len = snprintf(digits, sizeof(digits), "%" PRIu64, nr);

	for (i = 0; i < len; i++) {
		if (i && len > 4 && (len - i) % 3 == 0)
			fputc(',', out);
		fputc(digits[i], out);
	}
}

void html_count(FILE *out, uint64_t nr, const char *noun)
{
	struct strbuf sb = STRBUF_INIT;

	text_add_count(&sb, nr, noun);
	html_number(out, nr);
	html_text(out, strchr(sb.buf, ' '));
	strbuf_release(&sb);
}

char *html_duration_text(uint64_t ns)
{
	struct strbuf sb = STRBUF_INIT;

	text_add_duration(&sb, ns);
	return strbuf_detach(&sb);
}

void html_duration(FILE *out, uint64_t ns)
{
	char *text = html_duration_text(ns);

	html_text(out, text);
	free(text);
}

/* Both of the form of ISO 8601, with milliseconds. */
static char *time_text(uint64_t real_ns)
{
	struct strbuf sb = STRBUF_INIT;
	char *text;

	text_add_time(&sb, real_ns);
	text = strbuf_detach(&sb);
	if (strlen(text) > 4) /* microseconds are more than anybody reads */
		memcpy(text + strlen(text) - 4, "Z", 2);
	return text;
}

void html_time(FILE *out, uint64_t real_ns)
{
	char *text = time_text(real_ns), *t = strchr(text, 'T');

	fprintf(out, "<time datetime=\"%s\">", text);
	if (t)
		*t = ' ';
	fprintf(out, "%.*s UTC</time>", (int)strlen(text) - 1, text);
	free(text);
}

char *html_clock(uint64_t real_ns)
{
	char *text = time_text(real_ns), *t = strchr(text, 'T');
	char *clock = t ? xstrndup(t + 1, strlen(t) - 2) : xstrdup("");

	free(text);
	return clock;
}

/* ---- tables ------------------------------------------------------------------------------ */

void html_cell(FILE *out, const char *text)
{
	html_raw(out, "<td>");
	html_name(out, text);
	html_raw(out, "</td>");
}

void html_cell_number(FILE *out, uint64_t nr)
{
	html_raw(out, "<td class=num>");
	html_number(out, nr);
	html_raw(out, "</td>");
}

void html_cell_duration(FILE *out, uint64_t ns, bool known)
{
	if (!known) {
		html_raw(out, "<td class=num></td>");
		return;
	}
	fprintf(out, "<td class=num data-n=%" PRIu64 ">", ns);
	html_duration(out, ns);
	html_raw(out, "</td>");
}

void html_cell_time(FILE *out, uint64_t real_ns)
{
	char *clock;

	if (!real_ns) {
		html_raw(out, "<td class=num></td>");
		return;
	}
	clock = html_clock(real_ns);
	fprintf(out, "<td class=num data-n=%" PRIu64 ">%s</td>", real_ns, clock);
	free(clock);
}

void html_table_begin(FILE *out, const char *id, const char *caption, const char *columns)
{
	fprintf(out, "<div class=scroll role=group tabindex=0 aria-labelledby=\"%s-c\">", id);
	fprintf(out, "<table id=\"%s\"><caption id=\"%s-c\">%s</caption>\n<thead><tr>", id, id,
		caption);
	while (*columns) {
		size_t len = strcspn(columns, "|");
		bool number = *columns == '#';

		fprintf(out, "<th scope=col%s>%.*s</th>", number ? " class=num" : "",
			(int)len - number, columns + number);
		columns += len + (columns[len] == '|');
	}
	html_raw(out, "</tr></thead>\n<tbody>\n");
}

void html_table_end(FILE *out)
{
	html_raw(out, "</tbody></table></div>\n");
}
