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
#include "xml.h"

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

/* Length of the character at s, which is valid UTF-8. */
static size_t character_length(const char *s)
{
	size_t len = 1;

	while (((unsigned char)s[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static const char *put_characters(FILE *out, const char *s, size_t max)
{
	for (; *s && max; max--) {
		const char *escaped = xml_entity(*s);
		size_t len = character_length(s);

		if (escaped)
			fputs(escaped, out);
		else
			fwrite(s, 1, len, out);
		s += len;
	}
	return s;
}

void html_text_cut(FILE *out, const char *s, size_t max)
{
	char *clean = text_cleaned(s);
	const char *rest = put_characters(out, clean, max);
	size_t nr = 0;

	for (; *rest; nr++)
		rest += character_length(rest);
	if (nr)
		fprintf(out, "\xe2\x80\xa6 (%zu more characters)", nr);
	free(clean);
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
	char *clean = text_cleaned(value);

	fprintf(out, " %s=\"", name);
	put_characters(out, clean, HTML_NAME_MAX);
	fputc('"', out);
	free(clean);
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
