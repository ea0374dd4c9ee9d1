/* SPDX-License-Identifier: MIT */
/*
 * Open sockets and CLOSE_WAIT over time, one picture for each of the processes that hold most,
 * against their descriptor limit; and when that is reached if it goes on so. From the recording's
 * time line; without one, rebuilt from the sockets that are open at the end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_chart.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define PICTURES_MAX 3
#define HEIGHT	     230
#define TOP	     26
#define BOTTOM	     (HEIGHT - 34)
#define LEFT	     56
#define RIGHT	     (CHART_WIDTH - 205)
#define COLUMNS	     400 /* as many steps as can be told apart */
#define ROWS	     12

#define GROWTH_LEAST 5 /* sockets in CLOSE_WAIT, before anything is projected from them */

struct series {
	uint64_t *at; /* when one more was there */
	size_t nr;
};

struct history_of {
	const struct report_process *process;
	size_t nr_process;
	struct series open, close_wait;
};

/* ---- the series -------------------------------------------------------------------------- */

static int cmp_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void gather(struct history_of *h, const struct report *r)
{
	size_t i;

	h->open.at = xcalloc(r->nr_sockets, sizeof(*h->open.at));
	h->close_wait.at = xcalloc(r->nr_sockets, sizeof(*h->close_wait.at));
	for (i = 0; i < r->nr_sockets; i++) {
		const struct report_socket *s = &r->sockets[i];

		if (s->process != h->nr_process)
			continue;
		h->open.at[h->open.nr++] = s->born_at;
		if (s->fin_at && !strcmp(s->state, "CLOSE_WAIT"))
			h->close_wait.at[h->close_wait.nr++] = s->fin_at;
	}
	sort_array(h->open.at, h->open.nr, sizeof(*h->open.at), cmp_times);
	sort_array(h->close_wait.at, h->close_wait.nr, sizeof(*h->close_wait.at), cmp_times);
}

static size_t count_until(const struct series *s, uint64_t at)
{
	size_t lo = 0, hi = s->nr;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (s->at[middle] <= at)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

static bool has_samples(const struct history_of *h)
{
	return h->process->nr_samples >= 2;
}

static const struct report_sample *sample_at(const struct history_of *h, uint64_t at)
{
	const struct report_process *p = h->process;
	size_t lo = 0, hi = p->nr_samples;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (p->samples[middle].at <= at)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo ? &p->samples[lo - 1] : NULL;
}

/* Since a look more may have come: what is open at the end was so from its birth. */
static uint64_t level(const struct history_of *h, bool waiting, uint64_t at)
{
	uint64_t known = count_until(waiting ? &h->close_wait : &h->open, at), seen;
	const struct report_sample *s = has_samples(h) ? sample_at(h, at) : NULL;

	if (!s)
		return known;
	seen = waiting ? s->close_wait : s->open;
	return seen > known ? seen : known;
}

static uint64_t highest(const struct history_of *h)
{
	uint64_t most = h->open.nr;
	size_t i;

	for (i = 0; has_samples(h) && i < h->process->nr_samples; i++)
		if (h->process->samples[i].open > most)
			most = h->process->samples[i].open;
	return most;
}

/* ---- what it comes to -------------------------------------------------------------------- */

/* For how long the limit is not reached, if it goes on as it did; 0: it does not grow. */
static uint64_t until_exhausted(const struct history_of *h, double *per_hour)
{
	const struct series *s = &h->close_wait;
	uint64_t now = h->process->now_at, limit = h->process->fd_limit, span;
	double rate;

	if (s->nr < GROWTH_LEAST || limit <= h->process->nr_open || now <= s->at[0])
		return 0;
	span = now - s->at[0];
	/* A burst long ago is no growth: a quarter must have come in the later half. */
	if (s->nr - count_until(s, now - span / 2) < s->nr / 4)
		return 0;
	rate = (double)s->nr / (double)span;
	*per_hour = rate * 3.6e12;
	return (uint64_t)((double)(limit - h->process->nr_open) / rate);
}

static void put_projection(FILE *out, const struct history_of *h)
{
	double per_hour = 0;
	uint64_t left = until_exhausted(h, &per_hour);
	bool runs = !strcmp(h->process->end, "running"), often = per_hour >= 7200;
	char *text;

	if (!left || left > UINT64_C(315360000000000000)) /* ten years */
		return;
	text = html_duration_text(left);
	html_raw(out, "<p class=projection><strong>Growth:</strong> ");
	html_textf(out,
		   "about %.0f more sockets in CLOSE_WAIT %s. At that rate the limit of %" PRIu64
		   " descriptors %s reached %s later, or earlier where files and pipes are open.",
		   often ? per_hour / 3600 : per_hour, often ? "a second" : "an hour",
		   h->process->fd_limit, runs ? "is" : "would have been", text);
	html_raw(out, "</p>\n");
	free(text);
}

/* ---- the picture ------------------------------------------------------------------------- */

struct frame {
	struct time_axis x;
	uint64_t most; /* at the top */
};

static double y_of(const struct frame *f, uint64_t nr)
{
	return BOTTOM - (double)nr / (double)f->most * (BOTTOM - TOP);
}

static void draw_series(FILE *out, const struct frame *f, const struct history_of *h, bool waiting)
{
	struct svg_steps steps;
	int i;

	svg_steps_begin(out, &steps, waiting ? PAINT_BAD : PAINT_CALM);
	svg_steps_to(out, &steps, f->x.left, y_of(f, 0));
	for (i = 0; i <= COLUMNS; i++) {
		uint64_t at = f->x.from + (f->x.to - f->x.from) / COLUMNS * (uint64_t)i;

		if (i == COLUMNS)
			at = f->x.to;
		svg_steps_to(out, &steps, time_x(&f->x, at), y_of(f, level(h, waiting, at)));
	}
	svg_steps_end(out, f->x.right, !waiting);
}

static void draw_grid(FILE *out, const struct frame *f)
{
	uint64_t step = round_step(f->most, 4), at;

	for (at = 0; at <= f->most; at += step) {
		char *label = xstrfmt("%" PRIu64, at);

		svg_grid(out, LEFT, y_of(f, at), RIGHT, y_of(f, at));
		svg_small(out, LEFT - 8, y_of(f, at) + 4, SVG_END, 48, label);
		free(label);
	}
	time_ticks(out, &f->x, TOP, BOTTOM);
}

static void draw_limit(FILE *out, const struct frame *f, uint64_t limit)
{
	if (limit > f->most)
		return;
	svg_dashed(out, PAINT_WAITING, LEFT, y_of(f, limit), RIGHT, y_of(f, limit));
	svg_strong(out, PAINT_WAITING, LEFT + 8, y_of(f, limit) - 6, SVG_START, 300,
		   "descriptor limit");
}

/* At the end of each line what it is; the lower one gives way. */
static void draw_labels(FILE *out, const struct frame *f, const struct history_of *h)
{
	uint64_t nr_open = level(h, false, f->x.to), nr_waiting = level(h, true, f->x.to);
	char *open = xstrfmt("%" PRIu64 " open", nr_open);
	char *waiting = xstrfmt("%" PRIu64 " CLOSE_WAIT", nr_waiting);
	double y = y_of(f, nr_open) + 4, below = y_of(f, nr_waiting) + 4;

	if (below < y + 17)
		below = y + 17;
	svg_strong(out, PAINT_CALM, RIGHT + 8, y, SVG_START, 195, open);
	svg_strong(out, PAINT_BAD, RIGHT + 8, below, SVG_START, 195, waiting);
	free(open);
	free(waiting);
}

static struct frame frame_of(const struct history_of *h)
{
	struct frame f = {{h->process->start_at, h->process->now_at, LEFT, RIGHT}, highest(h)};
	uint64_t limit = h->process->fd_limit;

	if (!has_samples(h) && h->open.nr && h->open.at[0] < f.x.from)
		f.x.from = h->open.at[0];
	if (limit <= 5 * f.most && limit > f.most)
		f.most = limit;
	f.most += f.most / 20 + 1;
	return f;
}

static void draw(FILE *out, const struct history_of *h, const char *id)
{
	const struct frame f = frame_of(h);
	char *name = html_process_name(h->process);
	char *title = xstrfmt("Open sockets of %s over time", name);
	char *desc =
		xstrfmt("%zu sockets are open at the end, %zu of them in CLOSE_WAIT; the limit "
			"is %" PRIu64 " descriptors",
			h->open.nr, h->close_wait.nr, h->process->fd_limit);
	const struct svg_words words = {id, title, desc};

	svg_begin(out, &words, CHART_WIDTH, HEIGHT);
	svg_strong(out, PAINT_OVER, LEFT, 14, SVG_START, 600, title);
	draw_grid(out, &f);
	draw_limit(out, &f, h->process->fd_limit);
	draw_series(out, &f, h, false);
	draw_series(out, &f, h, true);
	draw_labels(out, &f, h);
	svg_end(out);
	free(name);
	free(title);
	free(desc);
}

/* ---- in words ---------------------------------------------------------------------------- */

static void put_caption(FILE *out, const struct history_of *h)
{
	struct strbuf sb = STRBUF_INIT;

	if (has_samples(h))
		strbuf_addf(&sb,
			    "From %zu looks at all its sockets, those closed since among them; "
			    "between them what is open at the end. ",
			    h->process->nr_samples);
	else
		strbuf_addstr(&sb, "Only sockets that are open at the end: those closed before are "
				   "not in it. ");
	strbuf_addstr(&sb, "Times are from the start of the process, over ");
	text_add_duration(&sb, h->process->now_at > h->process->start_at
				       ? h->process->now_at - h->process->start_at
				       : 0);
	strbuf_addf(&sb, "; its limit is %" PRIu64 " descriptors.", h->process->fd_limit);
	chart_caption(out, sb.buf);
	strbuf_release(&sb);
}

static void put_table(FILE *out, const struct history_of *h, const char *id)
{
	const struct frame f = frame_of(h);
	char *table = xstrfmt("%s-table", id);
	uint64_t i;

	chart_table_begin(out, table, "Open sockets over time", "#Time (UTC)|#Open|#In CLOSE_WAIT");
	for (i = 0; i <= ROWS; i++) {
		uint64_t at = i == ROWS ? f.x.to : f.x.from + (f.x.to - f.x.from) / ROWS * i;

		html_raw(out, "<tr>");
		html_cell_time(out, at);
		html_cell_number(out, level(h, false, at));
		html_cell_number(out, level(h, true, at));
		html_raw(out, "</tr>\n");
	}
	chart_table_end(out);
	free(table);
}

/* The processes with most open sockets: their numbers. */
static size_t choose(const struct report *r, size_t *chosen)
{
	size_t nr = 0, i, j;

	for (i = 0; i < r->nr_processes_told; i++) {
		uint64_t open = r->processes[i].nr_open;

		if (open < 2)
			continue;
		for (j = nr; j && r->processes[chosen[j - 1]].nr_open < open; j--)
			if (j < PICTURES_MAX)
				chosen[j] = chosen[j - 1];
		if (j < PICTURES_MAX)
			chosen[j] = i;
		if (nr < PICTURES_MAX)
			nr++;
	}
	return nr;
}

void html_timeline(FILE *out, const struct report *r)
{
	size_t chosen[PICTURES_MAX], nr = choose(r, chosen), i;

	for (i = 0; i < nr; i++) {
		struct history_of h = {.process = &r->processes[chosen[i]],
				       .nr_process = chosen[i]};
		char *id = xstrfmt("timeline-%zu", i + 1);
		char *part = i ? xstrfmt("timeline-part-%zu", i + 1) : xstrdup("timeline");

		gather(&h, r);
		if (h.open.nr) {
			chart_begin(out, part,
				    i ? "The same of another process" : "Open sockets over time");
			draw(out, &h, id);
			put_caption(out, &h);
			put_projection(out, &h);
			put_table(out, &h, id);
			chart_end(out);
		}
		free(h.open.at);
		free(h.close_wait.at);
		free(part);
		free(id);
	}
}
