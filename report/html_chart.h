/* SPDX-License-Identifier: MIT */
/* What the pictures of the whole share: their frame in the page, scales and ticks. */
#ifndef SOCKLINT_HTML_CHART_H
#define SOCKLINT_HTML_CHART_H

#include <stdint.h>
#include <stdio.h>

#include "html_svg.h"

#define CHART_WIDTH 960

/* A part of the page with a heading, which links may name by its id. */
void chart_begin(FILE *out, const char *id, const char *title);
void chart_end(FILE *out);
/* Below the picture: what it leaves out, and the same as a table, folded. */
void chart_caption(FILE *out, const char *text);
void chart_table_begin(FILE *out, const char *id, const char *caption, const char *columns);
void chart_table_end(FILE *out);

/* A stretch of time on so many pixels. */
struct time_axis {
	uint64_t from, to;
	double left, right;
};

double time_x(const struct time_axis *axis, uint64_t at);
/* Lines from top to bottom, and how long each is after the beginning. */
void time_ticks(FILE *out, const struct time_axis *axis, double top, double bottom);
/* A round step of which about so many make the span. */
uint64_t round_step(uint64_t span, unsigned int nr);
uint64_t round_duration(uint64_t span_ns, unsigned int nr);
/* "20 s", "1 min": without zeros at the end. The caller frees it. */
char *short_duration(uint64_t ns);

#endif
