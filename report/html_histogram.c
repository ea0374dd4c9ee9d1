/* SPDX-License-Identifier: MIT */
/*
 * How long sockets stayed between the peer's FIN and our close, place by place, on a scale on which
 * each bar is twice the one before: closed ones, and those that still wait.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_chart.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define PICTURES_MAX 6
#define HEIGHT	     200
#define TOP	     54
#define BOTTOM	     (HEIGHT - 34)
#define LEFT	     30
#define RIGHT	     (CHART_WIDTH - 30)

struct waits {
	const struct report_site *site;
	uint64_t open[REPORT_BUCKETS];
	uint64_t nr_open;
	int first, last; /* buckets that are shown */
};

static uint64_t end_of(int bucket)
{
	return (uint64_t)REPORT_BUCKET_NS << bucket;
}

static int bucket_of(uint64_t ns)
{
	int bucket = 0;

	while (bucket < REPORT_BUCKETS - 1 && ns >= end_of(bucket))
		bucket++;
	return bucket;
}

/* 0, 1, 2 ... on a scale of powers of two. */
static double log_of(uint64_t nr)
{
	double log = 0, value = (double)nr + 1;

	while (value >= 2) {
		value /= 2;
		log++;
	}
	return log + (value - 1);
}

/* ---- what there is ----------------------------------------------------------------------- */

static void add_open(struct waits *all, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_sockets; i++) {
		const struct report_socket *s = &r->sockets[i];

		if (!s->fin_at || s->now_at < s->fin_at || strcmp(s->state, "CLOSE_WAIT") != 0)
			continue;
		all[s->site].open[bucket_of(s->now_at - s->fin_at)]++;
		all[s->site].nr_open++;
	}
}

static void find_span(struct waits *w, uint64_t budget_ns)
{
	int i;

	w->first = REPORT_BUCKETS;
	w->last = -1;
	for (i = 0; i < REPORT_BUCKETS; i++) {
		if (!w->open[i] && !w->site->dwells.buckets[i])
			continue;
		if (w->first > i)
			w->first = i;
		w->last = i;
	}
	if (w->last >= 0 && w->last - w->first < 7)
		w->first = w->last >= 7 ? w->last - 7 : 0;
	if (w->last < 7)
		w->last = 7;
	if (budget_ns && bucket_of(budget_ns) > w->last)
		w->last = bucket_of(budget_ns);
}

/* ---- the picture ------------------------------------------------------------------------- */

static double x_of(const struct waits *w, double buckets)
{
	return LEFT + (buckets - w->first) / (w->last + 1 - w->first) * (RIGHT - LEFT);
}

/* A time between the ends of two buckets; the first reaches down to 0. */
static double x_of_ns(const struct waits *w, uint64_t ns)
{
	int bucket = bucket_of(ns);
	double begin = bucket ? (double)end_of(bucket - 1) : 0;

	return x_of(w, bucket + ((double)ns - begin) / ((double)end_of(bucket) - begin));
}

static void draw_bar(FILE *out, enum paint paint, double x, double width, uint64_t nr, double most)
{
	double height = log_of(nr) / most * (BOTTOM - TOP);
	char *label;

	if (!nr)
		return;
	svg_rect(out, paint, x, BOTTOM - height, width, height);
	label = xstrfmt("%" PRIu64, nr);
	svg_small(out, x + width / 2, BOTTOM - height - 4, SVG_MIDDLE, 60, label);
	free(label);
}

static void draw_bars(FILE *out, const struct waits *w)
{
	double most = 1, step = x_of(w, w->first + 1) - x_of(w, w->first);
	int i;

	for (i = w->first; i <= w->last; i++) {
		uint64_t closed = w->site->dwells.buckets[i];
		uint64_t more = closed > w->open[i] ? closed : w->open[i];

		most = log_of(more) > most ? log_of(more) : most;
	}
	for (i = w->first; i <= w->last; i++) {
		uint64_t closed = w->site->dwells.buckets[i];
		bool both = closed && w->open[i];
		double x = x_of(w, i) + 2, width = both ? step / 2 - 3 : step - 4;

		draw_bar(out, PAINT_CALM, x, width, closed, most);
		draw_bar(out, PAINT_BAD, both ? x + step / 2 : x, width, w->open[i], most);
	}
}

static void draw_ticks(FILE *out, const struct waits *w)
{
	static const uint64_t ticks[] = {100000,	 1000000,	 10000000,
					 100000000,	 1000000000,	 10000000000,
					 60000000000,	 600000000000,	 3600000000000,
					 36000000000000, 360000000000000};
	size_t i;

	svg_line(out, PAINT_FAINT, LEFT, BOTTOM, RIGHT, BOTTOM);
	for (i = 0; i < ARRAY_SIZE(ticks); i++) {
		double x = x_of_ns(w, ticks[i]);
		char *label;

		if (x < LEFT || x > RIGHT - 5 || ticks[i] > end_of(w->last))
			continue;
		label = short_duration(ticks[i]);
		svg_grid(out, x, BOTTOM, x, BOTTOM + 6);
		svg_small(out, x, BOTTOM + 20, SVG_MIDDLE, 70, label);
		free(label);
	}
}

static void draw_budget(FILE *out, const struct waits *w, uint64_t budget_ns)
{
	double x = x_of_ns(w, budget_ns);

	if (!budget_ns || x > RIGHT)
		return;
	svg_dashed(out, PAINT_WAITING, x, TOP - 28, x, BOTTOM);
	svg_strong(out, PAINT_WAITING, x > RIGHT - 100 ? x - 6 : x + 6, TOP - 24,
		   x > RIGHT - 100 ? SVG_END : SVG_START, 100, "--max-dwell");
}

static void draw(FILE *out, const struct waits *w, const struct report *r, const char *id)
{
	const struct report_frame *f = report_own_frame(&w->site->stack);
	char *title = xstrfmt("%s (%s)", f ? f->function : "???", f ? f->where : "no stack");
	char *desc = xstrfmt("%" PRIu64 " were closed after the FIN, %" PRIu64 " still wait",
			     w->site->dwells.nr, w->nr_open);
	const struct svg_words words = {id, title, desc};

	svg_begin(out, &words, CHART_WIDTH, HEIGHT);
	svg_strong(out, PAINT_OVER, LEFT, 14, SVG_START, 620, title);
	svg_rect(out, PAINT_CALM, RIGHT - 245, 5, 10, 10);
	svg_small(out, RIGHT - 230, 14, SVG_START, 90, "closed");
	svg_rect(out, PAINT_BAD, RIGHT - 165, 5, 10, 10);
	svg_small(out, RIGHT - 150, 14, SVG_START, 150, "still in CLOSE_WAIT");
	draw_ticks(out, w);
	draw_bars(out, w);
	draw_budget(out, w, r->max_dwell_ns);
	svg_end(out);
	free(title);
	free(desc);
}

/* ---- in words ---------------------------------------------------------------------------- */

static void put_table(FILE *out, const struct waits *const *shown, size_t nr)
{
	size_t i;
	int b;

	chart_table_begin(out, "dwell-table", "From the peer&#39;s FIN to our close",
			  "Place|#Less than|#Closed|#Still in CLOSE_WAIT");
	for (i = 0; i < nr; i++)
		for (b = shown[i]->first; b <= shown[i]->last; b++) {
			if (!shown[i]->site->dwells.buckets[b] && !shown[i]->open[b])
				continue;
			html_raw(out, "<tr><th scope=row>");
			html_place(out, report_own_frame(&shown[i]->site->stack));
			html_raw(out, "</th>");
			html_cell_duration(out, end_of(b), true);
			html_cell_number(out, shown[i]->site->dwells.buckets[b]);
			html_cell_number(out, shown[i]->open[b]);
			html_raw(out, "</tr>\n");
		}
	chart_table_end(out);
}

static void put_all(FILE *out, const struct report *r, const struct waits *const *shown, size_t nr,
		    size_t nr_all)
{
	char *text;
	size_t i;

	chart_begin(out, "dwell", "From the peer&#39;s FIN to our close");
	for (i = 0; i < nr; i++) {
		char *id = xstrfmt("dwell-%zu", i + 1);

		draw(out, shown[i], r, id);
		free(id);
	}
	text = xstrfmt("Each bar is for times twice as long as the one before, and twice as many "
		       "sockets are one step higher.%s",
		       nr < nr_all
			       ? " Only the first places are shown; the table of all places has "
				 "the others."
			       : "");
	chart_caption(out, text);
	put_table(out, shown, nr);
	chart_end(out);
	free(text);
}

void html_histogram(FILE *out, const struct report *r)
{
	struct waits *all = xcalloc(r->nr_sites, sizeof(*all));
	const struct waits *shown[PICTURES_MAX];
	size_t i, nr = 0, nr_all = 0;

	for (i = 0; i < r->nr_sites; i++)
		all[i].site = &r->sites[i];
	add_open(all, r);
	for (i = 0; i < r->nr_sites; i++) {
		if (!all[i].nr_open && !all[i].site->dwells.nr)
			continue;
		if (nr_all++ >= PICTURES_MAX)
			continue;
		find_span(&all[i], r->max_dwell_ns);
		shown[nr++] = &all[i];
	}
	if (nr)
		put_all(out, r, shown, nr, nr_all);
	free(all);
}
