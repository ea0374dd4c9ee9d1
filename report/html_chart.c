/* SPDX-License-Identifier: MIT */
#include "html_chart.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_text.h"
#include "text.h"

/* ---- in the page ------------------------------------------------------------------------- */

void chart_begin(FILE *out, const char *id, const char *title)
{
	html_rawf(out, "<div class=picture id=%s><h3>%s</h3><figure>\n", id, title);
}

void chart_caption(FILE *out, const char *text)
{
	html_raw(out, "<figcaption>");
	html_text(out, text);
	html_raw(out, "</figcaption></figure>\n");
}

void chart_table_begin(FILE *out, const char *id, const char *caption, const char *columns)
{
	html_raw(out, "<details><summary>The picture as a table</summary>\n");
	html_table_begin(out, id, caption, columns);
}

void chart_table_end(FILE *out)
{
	html_table_end(out);
	html_raw(out, "</details>\n");
}

void chart_end(FILE *out)
{
	html_raw(out, "</div>\n");
}

/* ---- scales ------------------------------------------------------------------------------ */

uint64_t round_step(uint64_t span, unsigned int nr)
{
	uint64_t least = span / nr, step = 1;

	while (step < least) {
		if (step * 2 >= least)
			return step * 2;
		if (step * 5 >= least)
			return step * 5;
		step *= 10;
	}
	return step;
}

uint64_t round_duration(uint64_t span_ns, unsigned int nr)
{
	static const unsigned int seconds[] = {1,    2,	   5,	  10,	 15,	30,
					       60,   120,  300,	  600,	 900,	1800,
					       3600, 7200, 10800, 21600, 43200, 86400};
	uint64_t least = span_ns / nr;
	size_t i;

	if (least < 1000000000)
		return round_step(span_ns, nr);
	for (i = 0; i < ARRAY_SIZE(seconds); i++)
		if (seconds[i] * UINT64_C(1000000000) >= least)
			return seconds[i] * UINT64_C(1000000000);
	return round_step(span_ns / 86400000000000, nr) * UINT64_C(86400000000000);
}

static void drop(char *text, const char *ending)
{
	size_t len = strlen(text), cut = strlen(ending);

	if (len > cut && !strcmp(text + len - cut, ending))
		text[len - cut] = '\0';
}

char *short_duration(uint64_t ns)
{
	char *text, *dot;

	if (!ns)
		return xstrdup("0");
	text = html_duration_text(ns);
	dot = strstr(text, ".0 s");
	if (dot)
		memcpy(dot, " s", sizeof(" s"));
	drop(text, " min 0 s");
	drop(text, " h 0 min");
	drop(text, " d 0 h");
	if (strchr(text, ' '))
		return text;
	dot = xstrfmt("%s %s", text, ns < 3600000000000 ? "min" : ns < 86400000000000 ? "h" : "d");
	free(text);
	return dot;
}

double time_x(const struct time_axis *axis, uint64_t at)
{
	double span = axis->to > axis->from ? (double)(axis->to - axis->from) : 1;

	if (at <= axis->from)
		return axis->left;
	if (at >= axis->to)
		return axis->right;
	return axis->left + (double)(at - axis->from) / span * (axis->right - axis->left);
}

void time_ticks(FILE *out, const struct time_axis *axis, double top, double bottom)
{
	uint64_t span = axis->to > axis->from ? axis->to - axis->from : 1;
	uint64_t step = round_duration(span, 7), at;

	for (at = 0; at <= span; at += step) {
		double x = time_x(axis, axis->from + at);
		char *label = short_duration(at);

		svg_grid(out, x, top, x, bottom + 5);
		if (x < axis->right + 20)
			svg_small(out, x, bottom + 19, SVG_MIDDLE, 90, label);
		free(label);
	}
}
