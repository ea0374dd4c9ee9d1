/* SPDX-License-Identifier: MIT */
/*
 * The teardown of a connection as a picture: two lifelines, what went between them, and dashed what
 * is missing. Below it the same as a table.
 */
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "html_sequence.h"
#include "html_svg.h"
#include "html_text.h"
#include "text.h"

#define WIDTH	 820
#define HEAD	 64
#define LEFT	 262 /* our lifeline */
#define RIGHT	 668 /* the peer's */
#define BAR	 8   /* half of this on each side */
#define MIDDLE	 ((LEFT + RIGHT) / 2.0)
#define BETWEEN	 (RIGHT - LEFT - 44.0)
#define ROW	 38
#define ROW_MORE 56
#define FOOT	 20

struct drawing {
	FILE *out;
	const struct sequence *seq;
	int height;
};

static int row_height(const struct step *step)
{
	return step->more ? ROW_MORE : ROW;
}

/* Where the row's arrow is. */
static int line_of(const struct sequence *seq, size_t nr)
{
	int y = HEAD + 10;
	size_t i;

	for (i = 0; i < nr; i++)
		y += row_height(&seq->steps[i]);
	return y + 22;
}

static int height_of(const struct sequence *seq)
{
	int y = HEAD + 10 + FOOT;
	size_t i;

	for (i = 0; i < seq->nr; i++)
		y += row_height(&seq->steps[i]);
	return y;
}

/* ---- lifelines --------------------------------------------------------------------------- */

static void draw_actor(const struct drawing *d, int x, const char *name, const char *address)
{
	svg_tinted(d->out, PAINT_CALM, x - 105, 4, 210, 46);
	svg_strong(d->out, PAINT_CALM, x, 23, SVG_MIDDLE, 200, name);
	svg_small(d->out, x, 41, SVG_MIDDLE, 200, address);
	svg_line(d->out, PAINT_FAINT, x, 50, x, d->height - 4);
}

static void draw_state(const struct drawing *d, bool us, const char *state, int from, int to)
{
	enum paint paint = svg_state_paint(state);
	int x = us ? LEFT : RIGHT;

	svg_rect(d->out, paint, x - BAR / 2.0, from, BAR, to - from);
	svg_strong(d->out, paint, us ? x - 14 : x + 14, from + 14, us ? SVG_END : SVG_START, 132,
		   state);
}

static void draw_states(const struct drawing *d, bool us)
{
	const char *state = NULL;
	int from = 0;
	size_t i;

	for (i = 0; i < d->seq->nr; i++) {
		const char *next = us ? d->seq->steps[i].us : d->seq->steps[i].peer;

		if (!next)
			continue;
		if (state)
			draw_state(d, us, state, from, line_of(d->seq, i));
		state = next;
		from = line_of(d->seq, i);
	}
	if (state)
		draw_state(d, us, state, from, d->height - 4);
}

/* ---- steps ------------------------------------------------------------------------------- */

/* The first by the clock, the others also by how long after it. */
static void draw_time(const struct drawing *d, size_t nr, int y)
{
	uint64_t at = d->seq->steps[nr].at, first = 0;
	char *clock, *after;
	size_t i;

	if (!at)
		return;
	for (i = 0; i < nr && !first; i++)
		first = d->seq->steps[i].at;
	clock = html_clock(at);
	svg_text(d->out, 4, y + 4, SVG_START, 110, clock);
	free(clock);
	if (!first || at <= first)
		return;
	clock = html_duration_text(at - first);
	after = xstrfmt("+%s", clock);
	svg_small(d->out, 4, y + 19, SVG_START, 110, after);
	free(after);
	free(clock);
}

static void draw_words(const struct drawing *d, const struct step *step, int y)
{
	if (step->missing)
		svg_strong(d->out, step->paint, MIDDLE, y - 7, SVG_MIDDLE, BETWEEN, step->text);
	else
		svg_text(d->out, MIDDLE, y - 7, SVG_MIDDLE, BETWEEN, step->text);
	if (step->more)
		svg_small(d->out, MIDDLE, y + 16, SVG_MIDDLE, BETWEEN, step->more);
}

static void draw_arrow(const struct drawing *d, const struct step *step, int y)
{
	bool to_us = step->kind == STEP_TO_US;

	svg_arrow(d->out, step->paint, step->missing, to_us ? RIGHT - BAR : LEFT + BAR,
		  to_us ? LEFT + BAR : RIGHT - BAR, y);
	draw_words(d, step, y);
}

static void draw_note(const struct drawing *d, const struct step *step, int y)
{
	int x = step->missing ? LEFT + 26 : LEFT + 18;

	svg_lozenge(d->out, step->paint, LEFT, y - 8);
	if (step->missing)
		svg_dashed_box(d->out, step->paint, x, y - 4, step->text, step->more, BETWEEN);
	if (step->missing)
		svg_strong(d->out, step->paint, x, y - 4, SVG_START, BETWEEN, step->text);
	else
		svg_text(d->out, x, y - 4, SVG_START, BETWEEN, step->text);
	if (step->more)
		svg_small(d->out, x, y + 13, SVG_START, BETWEEN, step->more);
}

static void draw_steps(const struct drawing *d)
{
	size_t i;

	for (i = 0; i < d->seq->nr; i++) {
		const struct step *step = &d->seq->steps[i];
		int y = line_of(d->seq, i);

		draw_time(d, i, step->kind == STEP_NOTE ? y - 8 : y);
		if (step->kind == STEP_NOTE)
			draw_note(d, step, y);
		else
			draw_arrow(d, step, y);
	}
}

/* ---- the same in words ------------------------------------------------------------------- */

static const char *who(const struct step *step)
{
	if (step->kind == STEP_NOTE)
		return "this program";
	return step->kind == STEP_TO_US ? "peer to us" : "us to peer";
}

static void put_table(FILE *out, const struct sequence *seq, const char *id)
{
	char *table = xstrfmt("%s-steps", id);
	size_t i;

	html_raw(out, "<details><summary>The picture as a table</summary>\n");
	html_table_begin(out, table, "What happened, and what is missing",
			 "#Time (UTC)|Who|What|Our state|Peer&#39;s state");
	for (i = 0; i < seq->nr; i++) {
		const struct step *step = &seq->steps[i];

		html_raw(out, "<tr>");
		html_cell_time(out, step->at);
		html_cell(out, who(step));
		html_rawf(out, "<td>%s", step->missing ? "<strong>" : "");
		html_textf(out, "%s%s%s", step->text, step->more ? "; " : "",
			   step->more ? step->more : "");
		html_rawf(out, "%s</td>", step->missing ? "</strong>" : "");
		html_cell(out, step->us ? step->us : "");
		html_cell(out, step->peer ? step->peer : "");
		html_raw(out, "</tr>\n");
	}
	html_table_end(out);
	html_raw(out, "</details>\n");
	free(table);
}

static char *description(const struct sequence *seq)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	for (i = 0; i < seq->nr; i++)
		strbuf_addf(&sb, "%s%s: %s", i ? ". " : "", who(&seq->steps[i]),
			    seq->steps[i].text);
	return strbuf_detach(&sb);
}

static void draw(FILE *out, const struct sequence *seq, const char *id)
{
	char *desc = description(seq), *svg = xstrfmt("%s-picture", id);
	struct drawing d = {out, seq, height_of(seq)};
	const struct svg_words words = {svg, "How the connection ended, and what is missing", desc};

	svg_begin(out, &words, WIDTH, d.height);
	draw_actor(&d, LEFT, seq->us, seq->us_address);
	draw_actor(&d, RIGHT, "peer", seq->peer_address);
	draw_states(&d, true);
	draw_states(&d, false);
	draw_steps(&d);
	svg_end(out);
	free(desc);
	free(svg);
}

void html_teardown(FILE *out, const struct report *r, const struct report_finding *f,
		   const char *id)
{
	struct sequence seq;

	sequence_of(&seq, r, f);
	if (seq.nr) {
		html_raw(out, "<div class=teardown><figure>\n");
		draw(out, &seq, id);
		html_raw(out, "<figcaption>");
		html_text(out, !seq.now_at  ? "As it usually goes; dashed is what is missing."
			       : f->nr == 1 ? "Dashed is what is missing. Times are UTC."
					    : "The oldest of them. Dashed is what is missing. "
					      "Times are UTC.");
		html_raw(out, "</figcaption></figure>\n");
		put_table(out, &seq, id);
		html_raw(out, "</div>\n");
	}
	sequence_release(&seq);
}
