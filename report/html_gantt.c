/* SPDX-License-Identifier: MIT */
/* The oldest open connections, from birth to the end, in the colour of what TCP was in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_chart.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define LIVES_MAX 24
#define ROW	  22
#define TOP	  30
#define LEFT	  230
#define RIGHT	  (CHART_WIDTH - 130)

static int cmp_born(const void *a, const void *b)
{
	const struct report_socket *const *x = a, *const *y = b;

	if ((*x)->born_at != (*y)->born_at)
		return (*x)->born_at < (*y)->born_at ? -1 : 1;
	return *x < *y ? -1 : 1;
}

/* Those that are neither listeners nor of unknown age. */
static const struct report_socket **oldest(const struct report *r, size_t *nr)
{
	const struct report_socket **all = xcalloc(r->nr_sockets, sizeof(*all));
	size_t i;

	*nr = 0;
	for (i = 0; i < r->nr_sockets; i++)
		if (r->sockets[i].born_at && strcmp(r->sockets[i].state, "LISTEN") != 0)
			all[(*nr)++] = &r->sockets[i];
	sort_array(all, *nr, sizeof(*all), cmp_born);
	return all;
}

/* When the last state began. */
static uint64_t changed_at(const struct report_socket *s)
{
	if (!strcmp(s->state, "ESTABLISHED") || !strcmp(s->state, "not TCP"))
		return s->now_at;
	if (s->reset_at)
		return s->reset_at;
	if (!strncmp(s->state, "FIN_WAIT", 8) && s->shut_at)
		return s->shut_at;
	if (s->fin_at)
		return s->fin_at;
	return s->shut_at ? s->shut_at : s->born_at;
}

static void draw_life(FILE *out, const struct report *r, const struct report_socket *s,
		      const struct time_axis *axis, double y)
{
	const struct report_frame *f = report_own_frame(&r->sites[s->site].stack);
	double born = time_x(axis, s->born_at), changed = time_x(axis, changed_at(s));
	double now = time_x(axis, s->now_at);
	enum paint before = strcmp(s->state, "not TCP") ? PAINT_ALIVE : PAINT_CALM;
	char *label = xstrfmt("fd %d %s", s->fd, f ? f->function : "???");

	svg_text(out, LEFT - 10, y + 14, SVG_END, LEFT - 16, label);
	if (changed < born)
		changed = born;
	svg_rect(out, before, born, y + 7, changed - born > 2 ? changed - born : 2, 7);
	if (now > changed)
		svg_rect(out, svg_state_paint(s->state), changed, y + 4, now - changed, 13);
	if (s->fin_at)
		svg_pin(out, PAINT_OVER, time_x(axis, s->fin_at), y + 5);
	if (s->eof_at)
		svg_lozenge(out, PAINT_CALM, time_x(axis, s->eof_at), y + 10.5);
	if (s->reset_at)
		svg_cross(out, PAINT_BAD, time_x(axis, s->reset_at), y + 10.5);
	svg_strong(out, svg_state_paint(s->state), now + 8, y + 15, SVG_START, 122, s->state);
	free(label);
}

static void draw_key(FILE *out)
{
	static const struct {
		void (*draw)(FILE *out, enum paint paint, double x, double y);
		enum paint paint;
		const char *text;
	} keys[] = {{svg_pin, PAINT_OVER, "FIN of the peer"},
		    {svg_lozenge, PAINT_CALM, "EOF read"},
		    {svg_cross, PAINT_BAD, "reset"}};
	size_t i;

	svg_rect(out, PAINT_ALIVE, LEFT, 8, 18, 7);
	svg_small(out, LEFT + 24, 16, SVG_START, 100, "ESTABLISHED");
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		double x = LEFT + 140 + (double)i * 140;

		keys[i].draw(out, keys[i].paint, x, i ? 11 : 16);
		svg_small(out, x + 12, 16, SVG_START, 120, keys[i].text);
	}
}

static void draw(FILE *out, const struct report *r, const struct report_socket **all, size_t nr)
{
	const struct svg_words words = {"gantt-picture", "The oldest open connections",
					"Each from its birth to the end, coloured by TCP state"};
	struct time_axis axis = {all[0]->born_at, r->now_at, LEFT, RIGHT};
	double bottom = TOP + (double)nr * ROW + 4;
	size_t i;

	svg_begin(out, &words, CHART_WIDTH, (int)bottom + 30);
	draw_key(out);
	time_ticks(out, &axis, TOP, bottom);
	for (i = 0; i < nr; i++)
		draw_life(out, r, all[i], &axis, TOP + (double)i * ROW);
	svg_end(out);
}

static void put_life(FILE *out, const struct report *r, const struct report_socket *s)
{
	char *process = html_process_name(&r->processes[s->process]);

	html_rawf(out, "<tr><td class=num>%d</td>", s->fd);
	html_cell(out, process);
	html_cell(out, s->state);
	html_cell_time(out, s->born_at);
	html_cell_time(out, s->fin_at);
	html_cell_time(out, s->eof_at);
	html_cell_time(out, s->touched_at);
	html_cell_duration(out, s->now_at - s->born_at, s->now_at >= s->born_at);
	html_raw(out, "</tr>\n");
	free(process);
}

void html_gantt(FILE *out, const struct report *r)
{
	size_t nr, shown, i;
	const struct report_socket **all = oldest(r, &nr);
	char *text;

	shown = nr > LIVES_MAX ? LIVES_MAX : nr;
	if (shown) {
		chart_begin(out, "gantt", "The oldest open connections");
		draw(out, r, all, shown);
		text = xstrfmt("The %zu oldest of %zu; times are from the birth of the first.",
			       shown, nr);
		chart_caption(out, text);
		chart_table_begin(out, "gantt-table", "The oldest open connections",
				  "#fd|Process|State|#Opened (UTC)|#FIN|#EOF read|#Last use|#Age");
		for (i = 0; i < shown; i++)
			put_life(out, r, all[i]);
		chart_table_end(out);
		chart_end(out);
		free(text);
	}
	free(all);
}
