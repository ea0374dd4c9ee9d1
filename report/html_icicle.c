/* SPDX-License-Identifier: MIT */
/*
 * The places that hold open sockets as an icicle: callers above, what they call below, each as wide
 * as its share of the sockets, or of the time that sockets have sat in CLOSE_WAIT.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_chart.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define ROW	   24
#define DEPTH_MAX  14
#define SHAPES_MAX 400
#define LEAST	   3 /* pixels of what is drawn */
#define ROWS_MAX   40

struct node {
	const char *function, *where;
	double weight, faults;	  /* of weight: that of findings */
	size_t first_child, next; /* numbers of nodes; 0: none */
};

struct tree {
	struct node *nodes; /* the first is the root */
	size_t nr, alloc;
	const char *unit;
	bool is_time;
};

struct drawing {
	FILE *out;
	const struct tree *tree;
	size_t nr_shapes, nr_left_out;
	bool draws; /* or only counts rows */
	int rows;
};

/* ---- the tree ---------------------------------------------------------------------------- */

static bool is_place(const struct node *n, const struct report_frame *f)
{
	return !strcmp(n->function, f->function) &&
	       (strcmp(f->function, "???") != 0 || !strcmp(n->where, f->where));
}

static size_t child_of(struct tree *t, size_t parent, const struct report_frame *f)
{
	size_t i;

	for (i = t->nodes[parent].first_child; i; i = t->nodes[i].next)
		if (is_place(&t->nodes[i], f))
			return i;
	ALLOC_GROW(t->nodes, t->nr + 1, t->alloc);
	t->nodes[t->nr] = (struct node){
		.function = f->function, .where = f->where, .next = t->nodes[parent].first_child};
	t->nodes[parent].first_child = t->nr;
	return t->nr++;
}

/* From outside to the program's own innermost function, past what a runtime put around it. */
static void add_path(struct tree *t, const struct report_site *s, double weight, double faults)
{
	const struct report_stack *st = &s->stack;
	size_t at = 0, i, depth = 0;

	t->nodes[0].weight += weight;
	t->nodes[0].faults += faults;
	for (i = st->nr; i-- > 0 && depth < DEPTH_MAX;) {
		if (st->frames[i].runtime && i != st->own)
			continue;
		at = child_of(t, at, &st->frames[i]);
		t->nodes[at].weight += weight;
		t->nodes[at].faults += faults;
		depth++;
		if (i == st->own)
			break;
	}
}

static const struct node *sorted_nodes;

static int cmp_children(const void *a, const void *b)
{
	const struct node *x = &sorted_nodes[*(const size_t *)a];
	const struct node *y = &sorted_nodes[*(const size_t *)b];

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->function, y->function);
}

/* Heaviest first. */
static void sort_children(struct tree *t, size_t parent)
{
	size_t *all = NULL, nr = 0, alloc = 0, i;

	for (i = t->nodes[parent].first_child; i; i = t->nodes[i].next) {
		ALLOC_GROW(all, nr + 1, alloc);
		all[nr++] = i;
	}
	sorted_nodes = t->nodes;
	sort_array(all, nr, sizeof(*all), cmp_children);
	for (i = 0; i < nr; i++)
		t->nodes[all[i]].next = i + 1 < nr ? all[i + 1] : 0;
	t->nodes[parent].first_child = nr ? all[0] : 0;
	free(all);
}

/* ---- the picture ------------------------------------------------------------------------- */

static char *weight_text(const struct tree *t, double weight)
{
	char *text, *duration;

	if (!t->is_time)
		return xstrfmt("%.0f %s", weight, t->unit);
	duration = html_duration_text((uint64_t)weight);
	text = xstrfmt("%s %s", duration, t->unit);
	free(duration);
	return text;
}

static void draw_shape(const struct drawing *d, const struct node *n, double x, double width, int y)
{
	char *weight = weight_text(d->tree, n->weight);
	char *label = xstrfmt("%s %s", n->function, weight);
	char *hint = xstrfmt("%s (%s): %s", n->function, n->where, weight);

	svg_group_begin(d->out, hint);
	svg_tinted(d->out, n->faults > 0 ? PAINT_BAD : PAINT_CALM, x + 0.5, y + 1, width - 1,
		   ROW - 2);
	if (n->faults > 0)
		svg_rect(d->out, PAINT_BAD, x + 0.5, y + ROW - 4, width - 1, 3);
	if (width > 40)
		svg_text(d->out, x + 6, y + 16, SVG_START, width - 12, label);
	svg_group_end(d->out);
	free(weight);
	free(label);
	free(hint);
}

static void draw_node(struct drawing *d, size_t nr, double x, double width, int row)
{
	const struct node *n = &d->tree->nodes[nr];
	double at = x;
	size_t i;

	if (width < LEAST || d->nr_shapes >= SHAPES_MAX) {
		d->nr_left_out++;
		return;
	}
	d->nr_shapes++;
	if (row >= d->rows)
		d->rows = row + 1;
	if (d->draws)
		draw_shape(d, n, x, width, row * ROW);
	for (i = n->first_child; i; i = d->tree->nodes[i].next) {
		double wide = width * d->tree->nodes[i].weight / n->weight;

		draw_node(d, i, at, wide, row + 1);
		at += wide;
	}
}

static size_t draw(FILE *out, const struct tree *t, const char *id, const char *title)
{
	struct drawing measured = {.out = out, .tree = t},
		       d = {.out = out, .tree = t, .draws = true};
	char *weight = weight_text(t, t->nodes[0].weight);
	char *desc = xstrfmt("Callers above, what they call below: %s in all", weight);
	const struct svg_words words = {id, title, desc};

	draw_node(&measured, 0, 0, CHART_WIDTH, 0);
	svg_begin(out, &words, CHART_WIDTH, measured.rows * ROW + 2);
	draw_node(&d, 0, 0, CHART_WIDTH, 0);
	svg_end(out);
	free(weight);
	free(desc);
	return d.nr_left_out;
}

/* ---- in words ---------------------------------------------------------------------------- */

static void put_rows(FILE *out, const struct tree *t, size_t nr, int depth, size_t *left)
{
	size_t i;

	for (i = t->nodes[nr].first_child; i && *left; i = t->nodes[i].next) {
		const struct node *n = &t->nodes[i];

		(*left)--;
		html_rawf(out, "<tr><td class=num>%d</td><td><code>", depth);
		html_name(out, n->function);
		html_raw(out, "</code></td>");
		if (t->is_time)
			html_cell_duration(out, (uint64_t)n->weight, true);
		else
			html_cell_number(out, (uint64_t)n->weight);
		if (t->is_time)
			html_cell_duration(out, (uint64_t)n->faults, true);
		else
			html_cell_number(out, (uint64_t)n->faults);
		html_raw(out, "</tr>\n");
		put_rows(out, t, i, depth + 1, left);
	}
}

static void put_tree(FILE *out, struct tree *t, const char *id, const char *title)
{
	char *svg = xstrfmt("%s-picture", id), *table = xstrfmt("%s-table", id);
	size_t left = ROWS_MAX, i, left_out;

	for (i = 0; i < t->nr; i++)
		sort_children(t, i);
	chart_begin(out, id, title);
	left_out = draw(out, t, svg, title);
	chart_caption(out,
		      left_out ? "Callers above, what they call below. Red, and underlined: there "
				 "are findings. Places too narrow to be seen are left out."
			       : "Callers above, what they call below. Red, and underlined: there "
				 "are findings.");
	chart_table_begin(out, table, title,
			  t->is_time ? "#Depth|Function|#Time in CLOSE_WAIT|#Of findings"
				     : "#Depth|Function|#Sockets|#Of findings");
	put_rows(out, t, 0, 1, &left);
	chart_table_end(out);
	chart_end(out);
	free(svg);
	free(table);
	free(t->nodes);
}

static void begin_tree(struct tree *t, const char *unit, bool is_time)
{
	*t = (struct tree){.unit = unit, .is_time = is_time};
	ALLOC_GROW(t->nodes, 1, t->alloc);
	t->nodes[0] = (struct node){.function = "all", .where = "the whole program"};
	t->nr = 1;
}

static double *waited(const struct report *r)
{
	double *times = xcalloc(r->nr_sites, sizeof(*times));
	size_t i;

	for (i = 0; i < r->nr_sockets; i++) {
		const struct report_socket *s = &r->sockets[i];

		if (s->fin_at && s->now_at > s->fin_at && !strcmp(s->state, "CLOSE_WAIT"))
			times[s->site] += (double)(s->now_at - s->fin_at);
	}
	return times;
}

void html_icicle(FILE *out, const struct report *r)
{
	double *times = waited(r);
	struct tree sockets, time;
	size_t i, nr_waiting = 0;

	begin_tree(&sockets, "open", false);
	begin_tree(&time, "in CLOSE_WAIT", true);
	for (i = 0; i < r->nr_sites; i++) {
		const struct report_site *s = &r->sites[i];

		if (s->nr_open)
			add_path(&sockets, s, (double)s->nr_open, (double)s->nr_faults);
		nr_waiting += times[i] > 0;
		if (times[i] > 0)
			add_path(&time, s, times[i], s->nr_faults ? times[i] : 0);
	}
	if (sockets.nr > 1)
		put_tree(out, &sockets, "icicle", "Where open sockets come from");
	else
		free(sockets.nodes);
	if (nr_waiting > 1) /* else it says the same as the other */
		put_tree(out, &time, "icicle-time", "Where the time in CLOSE_WAIT comes from");
	else
		free(time.nodes);
	free(times);
}
