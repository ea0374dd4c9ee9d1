/* SPDX-License-Identifier: MIT */
/* With whom the open connections are, and at which of our ports. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_chart.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define ROWS_MAX 12
#define ROW	 24
#define LEFT	 270
#define RIGHT	 (CHART_WIDTH - 225)

struct end {
	char *name;
	bool waits; /* in CLOSE_WAIT */
};

struct bar {
	const char *name;
	size_t nr, nr_waiting;
};

static int cmp_ends(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int cmp_bars(const void *a, const void *b)
{
	const struct bar *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* "192.0.2.7" of "192.0.2.7:80"; of our own end the port matters, ":80". */
static char *part_of(const char *address, bool port)
{
	const char *colon = strrchr(address, ':');

	if (!colon)
		return xstrdup(address);
	return port ? xstrfmt("port %s", colon + 1) : xstrndup(address, (size_t)(colon - address));
}

static struct end *gather(const struct report *r, bool local, size_t *nr)
{
	struct end *all = xcalloc(r->nr_sockets, sizeof(*all));
	size_t i;

	*nr = 0;
	for (i = 0; i < r->nr_sockets; i++) {
		const struct report_socket *s = &r->sockets[i];
		const char *address = local ? s->local : s->peer;

		if (address && s->peer)
			all[(*nr)++] = (struct end){part_of(address, local),
						    !strcmp(s->state, "CLOSE_WAIT")};
	}
	sort_array(all, *nr, sizeof(*all), cmp_ends);
	return all;
}

static struct bar *count(const struct end *all, size_t nr, size_t *nr_bars)
{
	struct bar *bars = xcalloc(nr, sizeof(*bars));
	size_t i;

	*nr_bars = 0;
	for (i = 0; i < nr; i++) {
		if (!i || strcmp(all[i - 1].name, all[i].name) != 0)
			bars[(*nr_bars)++].name = all[i].name;
		bars[*nr_bars - 1].nr++;
		bars[*nr_bars - 1].nr_waiting += all[i].waits;
	}
	sort_array(bars, *nr_bars, sizeof(*bars), cmp_bars);
	return bars;
}

static void draw_bar(FILE *out, const struct bar *b, double y, size_t most)
{
	double scale = (RIGHT - LEFT) / (double)most;
	char *label = b->nr_waiting ? xstrfmt("%zu, %zu in CLOSE_WAIT", b->nr, b->nr_waiting)
				    : xstrfmt("%zu", b->nr);

	svg_text(out, LEFT - 10, y + 15, SVG_END, LEFT - 16, b->name);
	svg_tinted(out, PAINT_CALM, LEFT, y + 3, (double)b->nr * scale, 16);
	if (b->nr_waiting)
		svg_rect(out, PAINT_BAD, LEFT, y + 8, (double)b->nr_waiting * scale, 6);
	svg_small(out, LEFT + (double)b->nr * scale + 8, y + 15, SVG_START, 215, label);
	free(label);
}

static void put_bars(FILE *out, const struct bar *bars, size_t nr, const char *id,
		     const char *title, const char *caption)
{
	size_t shown = nr > ROWS_MAX ? ROWS_MAX : nr, i;
	char *svg = xstrfmt("%s-picture", id), *table = xstrfmt("%s-table", id);
	char *desc = xstrfmt("%zu in all, most connections first", nr);
	char *text = xstrfmt("%s%s", caption, nr > shown ? " Only the first are shown." : "");
	const struct svg_words words = {svg, title, desc};

	chart_begin(out, id, title);
	svg_begin(out, &words, CHART_WIDTH, (int)shown * ROW + 6);
	for (i = 0; i < shown; i++)
		draw_bar(out, &bars[i], (double)i * ROW, bars[0].nr);
	svg_end(out);
	chart_caption(out, text);
	chart_table_begin(out, table, title, "Address or port|#Open|#In CLOSE_WAIT");
	for (i = 0; i < shown; i++) {
		html_raw(out, "<tr>");
		html_cell(out, bars[i].name);
		html_cell_number(out, bars[i].nr);
		html_cell_number(out, bars[i].nr_waiting);
		html_raw(out, "</tr>\n");
	}
	chart_table_end(out);
	chart_end(out);
	free(svg);
	free(table);
	free(desc);
	free(text);
}

static void put_ends(FILE *out, const struct report *r, bool local, const char *id,
		     const char *title, const char *caption)
{
	size_t nr, nr_bars, i;
	struct end *all = gather(r, local, &nr);
	struct bar *bars = count(all, nr, &nr_bars);

	if (nr_bars)
		put_bars(out, bars, nr_bars, id, title, caption);
	for (i = 0; i < nr; i++)
		free(all[i].name);
	free(all);
	free(bars);
}

void html_peers(FILE *out, const struct report *r)
{
	put_ends(out, r, false, "peers", "Peers of the open connections",
		 "By address; the thin bar is what sits in CLOSE_WAIT.");
	put_ends(out, r, true, "ports", "Our ports of the open connections",
		 "A port of a server holds all its connections; a client has one for each.");
}
