/* SPDX-License-Identifier: MIT */
/*
 * Pictures: SVG whose colours are attributes, so that they survive where no style is allowed, and
 * classes, so that a style may change them (dark, print). Never an attribute "style".
 */
#ifndef SOCKLINT_HTML_SVG_H
#define SOCKLINT_HTML_SVG_H

#include <stdio.h>

enum paint {
	PAINT_BAD,     /* what is missing, CLOSE_WAIT */
	PAINT_ALIVE,   /* ESTABLISHED */
	PAINT_HALF,    /* closed by us: FIN_WAIT, CLOSING */
	PAINT_WAITING, /* TIME_WAIT, limits and budgets */
	PAINT_OVER,    /* CLOSE */
	PAINT_CALM,    /* LISTEN, and what is neither good nor bad */
	PAINT_FAINT,   /* axes, what the kernel does */
	PAINT_COUNT
};

enum paint svg_state_paint(const char *state);

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* The picture's words for who does not see it; id must be unique in the page. */
struct svg_words {
	const char *id, *title, *desc;
};

void svg_begin(FILE *out, const struct svg_words *words, int width, int height);
void svg_end(FILE *out);
void svg_rect(FILE *out, enum paint paint, double x, double y, double width, double height);
/* A light one, to write on. */
void svg_tinted(FILE *out, enum paint paint, double x, double y, double width, double height);
void svg_line(FILE *out, enum paint paint, double x1, double y1, double x2, double y2);
/* A faint one, behind what is drawn. */
void svg_grid(FILE *out, double x1, double y1, double x2, double y2);
void svg_dashed(FILE *out, enum paint paint, double x1, double y1, double x2, double y2);
/* A line of steps: to (x, y) along the last y, then up or down. */
struct svg_steps {
	double x, y;
	int started;
};

void svg_steps_begin(FILE *out, struct svg_steps *steps, enum paint paint);
void svg_steps_to(FILE *out, struct svg_steps *steps, double x, double y);
void svg_steps_end(FILE *out, double x, int dashed);
/* Around so many characters of text that begins at (x, y), or two lines of it. */
void svg_dashed_box(FILE *out, enum paint paint, double x, double y, const char *text,
		    const char *more, double most);
/* A horizontal arrow. */
void svg_arrow(FILE *out, enum paint paint, int dashed, double x1, double x2, double y);
/* Pointing down at (x, y), and a lozenge and a cross around it. */
void svg_pin(FILE *out, enum paint paint, double x, double y);
void svg_lozenge(FILE *out, enum paint paint, double x, double y);
void svg_cross(FILE *out, enum paint paint, double x, double y);
/* Text of at most so many pixels: the middle of what is longer is left out. */
void svg_text(FILE *out, double x, double y, enum svg_anchor anchor, double width,
	      const char *text);
void svg_strong(FILE *out, enum paint paint, double x, double y, enum svg_anchor anchor,
		double width, const char *text);
void svg_small(FILE *out, double x, double y, enum svg_anchor anchor, double width,
	       const char *text);
/* What is said of the shapes that f draws when they are pointed at. */
void svg_group_begin(FILE *out, const char *hint);
void svg_group_end(FILE *out);

#endif
