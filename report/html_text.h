/* SPDX-License-Identifier: MIT */
/*
 * HTML, escaped. All that comes from outside goes through html_text() and its kin: it passes the
 * sanitiser, and what is too long is cut and says so. html_raw() and html_rawf() are for our own
 * words and numbers alone.
 */
#ifndef SOCKLINT_HTML_TEXT_H
#define SOCKLINT_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HTML_TEXT_MAX 2000 /* characters of a sentence */
#define HTML_NAME_MAX 160  /* of a name, which may stand in a row of names */

void html_raw(FILE *out, const char *markup);
void html_rawf(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void html_text(FILE *out, const char *s);
void html_textf(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void html_name(FILE *out, const char *s);
/* The first characters, and how many more there were. */
void html_text_cut(FILE *out, const char *s, size_t max);
/* ' name="value"', the value cut as a name is. */
void html_attr(FILE *out, const char *name, const char *value);
/* <tag>text</tag>; the tag may have attributes of our own: "td class=num". */
void html_element(FILE *out, const char *tag, const char *text);
void html_elementf(FILE *out, const char *tag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "1234", "12,345" */
void html_number(FILE *out, uint64_t nr);
/* "12,345 sockets" */
void html_count(FILE *out, uint64_t nr, const char *noun);
void html_duration(FILE *out, uint64_t ns);
/* <time>2026-11-22 22:41:03.123 UTC</time> */
void html_time(FILE *out, uint64_t real_ns);
/* "22:41:03.123" */
char *html_clock(uint64_t real_ns);
/* "12.3 s"; the caller frees it. */
char *html_duration_text(uint64_t ns);

/* Cells of tables: what scripts sort by stands in data-n. */
void html_cell(FILE *out, const char *text);
void html_cell_number(FILE *out, uint64_t nr);
void html_cell_duration(FILE *out, uint64_t ns, bool known);
void html_cell_time(FILE *out, uint64_t real_ns);
/* A table's head: columns separated by '|'; numbers are those that begin with '#'. */
void html_table_begin(FILE *out, const char *id, const char *caption, const char *columns);
void html_table_end(FILE *out);

#endif
