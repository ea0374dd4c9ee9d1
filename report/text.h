/* SPDX-License-Identifier: MIT */
/* Growing strings, the sanitiser, and how numbers read. Knows nothing of sockets. */
#ifndef SOCKLINT_TEXT_H
#define SOCKLINT_TEXT_H

#include <stdbool.h>
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
 * The sanitiser. Adds s as valid UTF-8 on one line: a byte that is no part of it becomes U+FFFD;
 * tabs and ends of lines become spaces, other control characters are dropped, and so is what
 * would reorder or hide the text around it.
 */
void strbuf_add_clean(struct strbuf *sb, const char *s);
/* The same as a string of its own; the caller frees it. */
char *text_cleaned(const char *s);
/*
 * The sanitiser for terminals, which may know no UTF-8, and for who must not allocate: copies s to
 * to (which may be s itself); each byte of what the other replaces or drops becomes '?'. Never
 * writes more than size bytes, the NUL included.
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
/* Whether something stands before that end. */
bool text_has_ending(const char *s, const char *ending);

#endif
