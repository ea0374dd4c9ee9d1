/* SPDX-License-Identifier: MIT */
/* Growing strings, the sanitiser, and how numbers read. */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"

void strbuf_release(struct strbuf *sb)
{
	free(sb->buf);
	memset(sb, 0, sizeof(*sb));
}

char *strbuf_detach(struct strbuf *sb)
{
	char *s = sb->buf ? sb->buf : xstrdup("");

	memset(sb, 0, sizeof(*sb));
	return s;
}

static void strbuf_add(struct strbuf *sb, const char *s, size_t len)
{
	ALLOC_GROW(sb->buf, sb->len + len + 1, sb->alloc);
	memcpy(sb->buf + sb->len, s, len);
	sb->len += len;
	sb->buf[sb->len] = '\0';
}

void strbuf_addstr(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

static void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return;
	ALLOC_GROW(sb->buf, sb->len + (size_t)n + 1, sb->alloc);
	vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, ap);
	sb->len += (size_t)n;
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

char *xstrfmt(const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	return strbuf_detach(&sb);
}

/* Length of the UTF-8 sequence that a lead byte announces, and its smallest code point. */
static size_t utf8_length(unsigned char lead, uint32_t *code, uint32_t *least)
{
	if (lead >= 0xc2 && lead <= 0xdf) {
		*code = lead & 0x1f;
		*least = 0x80;
		return 2;
	}
	if (lead >= 0xe0 && lead <= 0xef) {
		*code = lead & 0x0f;
		*least = 0x800;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		*code = lead & 0x07;
		*least = 0x10000;
		return 4;
	}
	return 0;
}

/* Bytes of the well-formed character at s, or 0. */
static size_t utf8_decode(const unsigned char *s, uint32_t *code)
{
	uint32_t least = 0;
	size_t len, i;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	len = utf8_length(s[0], code, &least);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (!len || *code < least || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

/*
 * What reorders or hides the text around it: controls, bidi marks and overrides, invisible and
 * annotating characters; and noncharacters, which XML forbids.
 */
static int is_treacherous(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1f},	{0x7f, 0x9f},	  {0x61c, 0x61c},    {0x180e, 0x180e},
		      {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},  {0xfdd0, 0xfdef},
		      {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return 1;
	return (code & 0xfffe) == 0xfffe;
}

size_t text_printable(const char *string)
{
	uint32_t code = 0;
	size_t len = utf8_decode((const unsigned char *)string, &code);

	return len && !is_treacherous(code) ? len : 0;
}

void strbuf_add_clean(struct strbuf *sb, const char *s)
{
	while (*s) {
		uint32_t code = 0;
		size_t len = utf8_decode((const unsigned char *)s, &code);

		if (!len)
			strbuf_addstr(sb, "\xef\xbf\xbd");
		else if (!is_treacherous(code))
			strbuf_add(sb, s, len);
		else if (code == '\t' || code == '\n' || code == '\r')
			strbuf_addstr(sb, " ");
		s += len ? len : 1;
	}
}

char *text_cleaned(const char *s)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_add_clean(&sb, s);
	return strbuf_detach(&sb);
}

void text_clean(char *to, const char *s, size_t size)
{
	char *end = to + size;

	while (*s) {
		size_t len = text_printable(s);
		size_t room = len ? len : 1;

		if ((size_t)(end - to) <= room)
			break;
		if (len)
			memmove(to, s, len);
		else
			*to = '?';
		to += room;
		s += room;
	}
	if (size)
		*to = '\0';
}

void text_add_time(struct strbuf *sb, uint64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;
	char text[sizeof("YYYYYY-MM-DDThh:mm:ss")];

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		text[0] = '\0';
	strbuf_addf(sb, "%s.%06uZ", text, (unsigned int)(real_ns % 1000000000 / 1000));
}

void text_add_duration(struct strbuf *sb, uint64_t ns)
{
	uint64_t ms = ns / 1000000, s = ms / 1000;

	if (!ms)
		strbuf_addf(sb, "%" PRIu64 " us", ns / 1000);
	else if (ms < 1000)
		strbuf_addf(sb, "%" PRIu64 " ms", ms);
	else if (s < 60)
		strbuf_addf(sb, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		strbuf_addf(sb, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		strbuf_addf(sb, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	else
		strbuf_addf(sb, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
}

const char *text_plural(uint64_t nr)
{
	return nr == 1 ? "" : "s";
}

void text_add_count(struct strbuf *sb, uint64_t nr, const char *noun)
{
	size_t len = strlen(noun);
	const char *ending = text_plural(nr);

	if (nr != 1 && len && noun[len - 1] == 's')
		ending = "es";
	strbuf_addf(sb, "%" PRIu64 " %s%s", nr, noun, ending);
}

const char *text_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool text_has_ending(const char *s, const char *ending)
{
	size_t len = strlen(s), tail = strlen(ending);

	return len > tail && !strcmp(s + len - tail, ending);
}
