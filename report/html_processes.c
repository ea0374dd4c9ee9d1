/* SPDX-License-Identifier: MIT */
/* The processes: who started whom, what each opened, holds and was left by its parent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_chart.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define TREE_MAX  40 /* in the picture */
#define TABLE_MAX 200
#define ROW	  30
#define INDENT	  28
#define DEPTH_MAX 12

struct tree {
	size_t *order; /* parents before their children */
	int *depth;    /* by process */
	double *y;     /* by process; 0: not drawn */
	size_t nr;
};

static bool is_in(const struct report *r, size_t i, size_t parent)
{
	return r->processes[i].parent == parent && i != parent;
}

/* Children come after their parents by their start: so this ends. */
static void add_below(struct tree *t, const struct report *r, size_t parent, int depth)
{
	size_t i;

	for (i = 0; i < r->nr_processes_told && t->nr < TREE_MAX; i++) {
		if (!is_in(r, i, parent) || t->depth[i] >= 0)
			continue;
		t->depth[i] = depth;
		t->order[t->nr++] = i;
		if (depth < DEPTH_MAX)
			add_below(t, r, i, depth + 1);
	}
}

static void make_tree(struct tree *t, const struct report *r)
{
	size_t i;

	t->order = xcalloc(r->nr_processes_told, sizeof(*t->order));
	t->depth = xcalloc(r->nr_processes_told, sizeof(*t->depth));
	t->y = xcalloc(r->nr_processes_told, sizeof(*t->y));
	t->nr = 0;
	for (i = 0; i < r->nr_processes_told; i++)
		t->depth[i] = -1;
	add_below(t, r, REPORT_NONE, 0);
}

static char *words_of(const struct report_process *p)
{
	struct strbuf sb = STRBUF_INIT;

	text_add_count(&sb, p->births, "socket");
	strbuf_addf(&sb, " opened, %" PRIu64 " open", p->nr_open);
	if (p->nr_inherited)
		strbuf_addf(&sb, ", %" PRIu64 " of them inherited", p->nr_inherited);
	strbuf_addf(&sb, "; %s", p->end);
	if (p->signal)
		strbuf_addf(&sb, " by signal %d", p->signal);
	return strbuf_detach(&sb);
}

static void draw_process(FILE *out, const struct report *r, const struct tree *t, size_t nr)
{
	const struct report_process *p = &r->processes[nr];
	double x = 8 + t->depth[nr] * INDENT, y = t->y[nr], from;
	char *name = html_process_name(p), *words = words_of(p);

	if (p->parent != REPORT_NONE && t->y[p->parent] > 0) {
		from = 8 + t->depth[p->parent] * INDENT + 12;
		svg_line(out, PAINT_FAINT, from, t->y[p->parent] + 12, from, y);
		svg_line(out, PAINT_FAINT, from, y, x, y);
	}
	svg_tinted(out, p->nr_inherited ? PAINT_WAITING : PAINT_CALM, x, y - 12, 230, 24);
	svg_text(out, x + 8, y + 5, SVG_START, 216, name);
	svg_small(out, x + 242, y + 5, SVG_START, CHART_WIDTH - x - 250, words);
	free(name);
	free(words);
}

static void draw(FILE *out, const struct report *r)
{
	const struct svg_words words = {"processes-picture", "The processes",
					"Each below the one that started it"};
	struct tree t;
	size_t i;

	make_tree(&t, r);
	for (i = 0; i < t.nr; i++)
		t.y[t.order[i]] = 18 + (double)i * ROW;
	svg_begin(out, &words, CHART_WIDTH, (int)t.nr * ROW + 8);
	for (i = 0; i < t.nr; i++)
		draw_process(out, r, &t, t.order[i]);
	svg_end(out);
	free(t.order);
	free(t.depth);
	free(t.y);
}

static void put_process(FILE *out, const struct report_process *p)
{
	html_rawf(out, "<tr data-pid=%" PRIu32 "><td class=num>%" PRIu32 "</td>", p->pid, p->pid);
	html_rawf(out, "<td class=num>%" PRIu32 "</td>", p->parent_pid);
	html_cell(out, p->name);
	html_raw(out, "<td><code>");
	html_text_cut(out, p->cmdline, 300);
	html_raw(out, "</code></td>");
	html_cell_number(out, p->births);
	html_cell_number(out, p->nr_open);
	html_cell_number(out, p->nr_inherited);
	html_cell_number(out, p->fd_limit);
	html_raw(out, "<td>");
	html_text(out, p->end);
	if (p->signal)
		html_textf(out, " by signal %d", p->signal);
	html_raw(out, "</td></tr>\n");
}

void html_processes(FILE *out, const struct report *r)
{
	size_t i;

	if (!r->nr_processes_told)
		return;
	html_raw(out, "<div class=picture id=processes><h3>Processes</h3>\n");
	if (r->nr_processes_told > 1) {
		html_raw(out, "<figure>\n");
		draw(out, r);
		chart_caption(out, r->nr_processes_told > TREE_MAX
					   ? "Each below the one that started it; the first 40. "
					     "Who inherited sockets has another colour."
					   : "Each below the one that started it. Who inherited "
					     "sockets has another colour.");
	}
	html_table_begin(out, "processes-table", "Processes that used sockets",
			 "#pid|#Parent|Name|Command line|#Opened|#Open|#Inherited|#Limit|End");
	for (i = 0; i < r->nr_processes_told && i < TABLE_MAX; i++)
		put_process(out, &r->processes[i]);
	html_table_end(out);
	if (r->nr_processes_told > TABLE_MAX)
		html_elementf(out, "p class=cut", "%zu more processes, not shown",
			      r->nr_processes_told - TABLE_MAX);
	html_raw(out, "</div>\n");
}
