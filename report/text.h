/* SPDX-License-Identifier: MIT */
/* Growing strings, the sanitiser, and how numbers read. Knows nothing of sockets. */
#ifndef SOCKLINT_TEXT_H
#define SOCKLINT_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct strbuf {
	char *buf; /* never NULL after the first add; always NUL-terminated */
	size_t len, alloc;
};

#define STRBUF_INIT                                                                                \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

void strbuf_release(struct strbuf *sb);
/* The string, "" if nothing was added; the caller frees it. */
char *strbuf_detach(struct strbuf *sb);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *xstrfmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Copies s to to (which may be s itself), valid UTF-8 without control characters: every byte
 * that is neither becomes '?'. Never writes more than size bytes, the NUL included.
 */
void text_clean(char *to, const char *s, size_t size);
/*
 * Length of the harmless printable character at s, in bytes; 0 if there is none: a control
 * character, one that reorders or hides the text around it, or no UTF-8.
 */
size_t text_printable(const char *s);

/* "2026-11-22T22:41:03.123456Z", of CLOCK_REALTIME in ns */
void text_add_time(struct strbuf *sb, uint64_t real_ns);
/* "40 us", "850 ms", "12.3 s", "4 min 10 s", "3 h 2 min", "5 d 1 h" */
void text_add_duration(struct strbuf *sb, uint64_t ns);
/* "1 socket", "3 sockets", "2 processes" */
void text_add_count(struct strbuf *sb, uint64_t nr, const char *noun);
/* "s" or nothing */
const char *text_plural(uint64_t nr);
/* What follows the last slash. */
const char *text_basename(const char *path);

#endif
