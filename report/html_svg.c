/* SPDX-License-Identifier: MIT */
#include "html_svg.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_text.h"
#include "html_width.h"
#include "text.h"

/* Dark enough on white; the style has others for the dark. */
static const struct {
	const char *class, *color;
} paints[PAINT_COUNT] = {
	[PAINT_BAD] = {"bad", "#c4232b"},     [PAINT_ALIVE] = {"alive", "#1f7a44"},
	[PAINT_HALF] = {"half", "#7a43c9"},   [PAINT_WAITING] = {"waiting", "#9a6100"},
	[PAINT_OVER] = {"over", "#59636e"},   [PAINT_CALM] = {"calm", "#1763b6"},
	[PAINT_FAINT] = {"faint", "#76808b"},
};

enum paint svg_state_paint(const char *state)
{
	static const struct {
		const char *state;
		enum paint paint;
	} rows[] = {{"CLOSE_WAIT", PAINT_BAD},	  {"LAST_ACK", PAINT_BAD},
		    {"ESTABLISHED", PAINT_ALIVE}, {"FIN_WAIT1", PAINT_HALF},
		    {"FIN_WAIT2", PAINT_HALF},	  {"CLOSING", PAINT_HALF},
		    {"TIME_WAIT", PAINT_WAITING}, {"SYN_SENT", PAINT_WAITING},
		    {"SYN_RECV", PAINT_WAITING},  {"LISTEN", PAINT_CALM},
		    {"not TCP", PAINT_CALM}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].state, state))
			return rows[i].paint;
	return PAINT_OVER;
}

void svg_begin(FILE *out, const struct svg_words *words, int width, int height)
{
	fprintf(out,
		"<div class=scroll role=group tabindex=0 aria-labelledby=\"%s-t\">"
		"<svg class=chart role=img aria-labelledby=\"%s-t %s-d\" width=%d height=%d "
		"viewBox=\"0 0 %d %d\" font-family=\"system-ui, sans-serif\" font-size=13>\n",
		words->id, words->id, words->id, width, height, width, height);
	fprintf(out, "<title id=\"%s-t\">", words->id);
	html_text(out, words->title);
	fprintf(out, "</title><desc id=\"%s-d\">", words->id);
	html_text(out, words->desc);
	html_raw(out, "</desc>\n");
}

void svg_end(FILE *out)
{
	html_raw(out, "</svg></div>\n");
}

static void put_fill(FILE *out, enum paint paint)
{
	fprintf(out, " class=f-%s fill=\"%s\"", paints[paint].class, paints[paint].color);
}

static void put_stroke(FILE *out, enum paint paint)
{
	fprintf(out, " class=s-%s stroke=\"%s\" fill=\"none\"", paints[paint].class,
		paints[paint].color);
}

static void put_rect(FILE *out, double x, double y, double width, double height)
{
	fprintf(out, "<rect x=\"%.4g\" y=\"%.4g\" width=\"%.4g\" height=\"%.4g\"", x, y,
		width > 0.5 ? width : 0.5, height > 0.5 ? height : 0.5);
}

void svg_rect(FILE *out, enum paint paint, double x, double y, double width, double height)
{
	put_rect(out, x, y, width, height);
	put_fill(out, paint);
	html_raw(out, "/>");
}

void svg_tinted(FILE *out, enum paint paint, double x, double y, double width, double height)
{
	put_rect(out, x, y, width, height);
	put_fill(out, paint);
	fprintf(out, " fill-opacity=0.16 rx=3 />");
}

static void put_line(FILE *out, double x1, double y1, double x2, double y2)
{
	fprintf(out, "<path d=\"M%.5g %.5gL%.5g %.5g\"", x1, y1, x2, y2);
}

void svg_line(FILE *out, enum paint paint, double x1, double y1, double x2, double y2)
{
	put_line(out, x1, y1, x2, y2);
	put_stroke(out, paint);
	html_raw(out, "/>");
}

void svg_grid(FILE *out, double x1, double y1, double x2, double y2)
{
	put_line(out, x1, y1, x2, y2);
	put_stroke(out, PAINT_FAINT);
	html_raw(out, " stroke-opacity=\"0.3\"/>");
}

void svg_steps_begin(FILE *out, struct svg_steps *steps, enum paint paint)
{
	steps->started = 0;
	html_raw(out, "<path");
	put_stroke(out, paint);
	html_raw(out, " stroke-width=2 d=\"");
}

void svg_steps_to(FILE *out, struct svg_steps *steps, double x, double y)
{
	if (!steps->started)
		fprintf(out, "M%.5g %.5g", x, y);
	else if (y < steps->y - 0.01 || y > steps->y + 0.01)
		fprintf(out, "H%.5gV%.5g", x, y);
	else
		return;
	steps->started = 1;
	steps->x = x;
	steps->y = y;
}

void svg_steps_end(FILE *out, double x, int dashed)
{
	fprintf(out, "H%.5g\"%s/>\n", x, dashed ? " stroke-dasharray=\"7 5\"" : "");
}

void svg_dashed(FILE *out, enum paint paint, double x1, double y1, double x2, double y2)
{
	put_line(out, x1, y1, x2, y2);
	put_stroke(out, paint);
	html_raw(out, " stroke-width=2 stroke-dasharray=\"7 5\"/>");
}

void svg_arrow(FILE *out, enum paint paint, int dashed, double x1, double x2, double y)
{
	double back = x2 > x1 ? -9 : 9;

	put_line(out, x1, y, x2 + back, y);
	put_stroke(out, paint);
	fprintf(out, " stroke-width=2%s/>", dashed ? " stroke-dasharray=\"7 5\"" : " ");
	fprintf(out, "<path d=\"M%.5g %.5gl%.5g -5v10z\"", x2, y, back);
	if (dashed) {
		put_stroke(out, paint);
		html_raw(out, " stroke-width=\"1.5\"/>\n");
		return;
	}
	put_fill(out, paint);
	html_raw(out, "/>\n");
}

void svg_pin(FILE *out, enum paint paint, double x, double y)
{
	fprintf(out, "<path d=\"M%.5g %.5gl-5 -8h10z\"", x, y);
	put_fill(out, paint);
	html_raw(out, "/>");
}

void svg_lozenge(FILE *out, enum paint paint, double x, double y)
{
	fprintf(out, "<path d=\"M%.5g %.5gl7 7l-7 7l-7 -7z\"", x, y - 7);
	put_fill(out, paint);
	html_raw(out, " stroke=\"#fff\" stroke-width=2 />");
}

void svg_cross(FILE *out, enum paint paint, double x, double y)
{
	fprintf(out, "<path d=\"M%.5g %.5gl10 10m0 -10l-10 10\"", x - 5, y - 5);
	put_stroke(out, paint);
	html_raw(out, " stroke-width=\"2.5\"/>");
}

/* ---- text -------------------------------------------------------------------------------- */

static const struct html_font plain = {13, 0}, strong = {13, 1}, small = {12, 0};

/* Measured and cut is what will be read: a byte that is no UTF-8 is a character then. */
static void put_fitting(FILE *out, const struct html_font *font, const char *text, double width)
{
	char *clean = text_cleaned(text), *beginning;
	size_t head, tail;

	if (html_fit(font, clean, width, &head, &tail)) {
		html_text(out, clean);
	} else {
		beginning = xstrndup(clean, head);
		html_text(out, beginning);
		html_raw(out, "\xe2\x80\xa6");
		html_text(out, clean + strlen(clean) - tail);
		free(beginning);
	}
	free(clean);
}

static double width_of(const struct html_font *font, const char *text, double most)
{
	char *clean = text_cleaned(text ? text : "");
	double width = html_width(font, clean);

	free(clean);
	return width < most ? width : most;
}

void svg_dashed_box(FILE *out, enum paint paint, double x, double y, const char *text,
		    const char *more, double most)
{
	double first = width_of(&strong, text, most), second = width_of(&small, more, most);

	put_rect(out, x - 8, y - 16, (first > second ? first : second) + 16, more ? 39 : 22);
	put_stroke(out, paint);
	html_raw(out, " rx=4 stroke-width=2 stroke-dasharray=\"7 5\"/>");
}

static void begin_text(FILE *out, double x, double y, enum svg_anchor anchor)
{
	static const char *const anchors[] = {"start", "middle", "end"};

	fprintf(out, "<text x=\"%.5g\" y=\"%.5g\"", x, y);
	if (anchor != SVG_START)
		fprintf(out, " text-anchor=%s", anchors[anchor]);
}

void svg_text(FILE *out, double x, double y, enum svg_anchor anchor, double width, const char *text)
{
	begin_text(out, x, y, anchor);
	html_raw(out, " fill=currentColor>");
	put_fitting(out, &plain, text, width);
	html_raw(out, "</text>\n");
}

void svg_strong(FILE *out, enum paint paint, double x, double y, enum svg_anchor anchor,
		double width, const char *text)
{
	begin_text(out, x, y, anchor);
	put_fill(out, paint);
	html_raw(out, " font-weight=600>");
	put_fitting(out, &strong, text, width);
	html_raw(out, "</text>\n");
}

void svg_small(FILE *out, double x, double y, enum svg_anchor anchor, double width,
	       const char *text)
{
	begin_text(out, x, y, anchor);
	html_raw(out, " class=f-small fill=\"#59636e\" font-size=12>");
	put_fitting(out, &small, text, width);
	html_raw(out, "</text>\n");
}

void svg_group_begin(FILE *out, const char *hint)
{
	html_raw(out, "<g><title>");
	html_text(out, hint);
	html_raw(out, "</title>");
}

void svg_group_end(FILE *out)
{
	html_raw(out, "</g>\n");
}
