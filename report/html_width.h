/* SPDX-License-Identifier: MIT */
/*
 * How wide text is, where nobody can measure: in the widest of the common fonts, so that it fits in
 * the others, too.
 */
#ifndef SOCKLINT_HTML_WIDTH_H
#define SOCKLINT_HTML_WIDTH_H

#include <stddef.h>

struct html_font {
	double size; /* in pixels */
	int bold;
};

double html_width(const struct html_font *font, const char *text);
/*
 * What fits into so many pixels: all of the text, or its first *head bytes, an ellipsis and its
 * last *tail bytes. Returns whether all fits.
 */
int html_fit(const struct html_font *font, const char *text, double width, size_t *head,
	     size_t *tail);

#endif
