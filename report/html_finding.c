/* SPDX-License-Identifier: MIT */
/* The findings, worst first, each under an anchor that stays the same in another build. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define WHOLE_MAX 60  /* findings that are told whole */
#define SHORT_MAX 500 /* and in a row of a table each, after those */

#define IDS_MAX		8
#define SUPPRESSION_MAX 20000

/* ---- order ------------------------------------------------------------------------------- */

struct listed {
	const struct report_finding *finding;
	size_t nr;
};

static int severity_rank(const struct report_finding *f)
{
	return !strcmp(f->severity, "error") ? 0 : !strcmp(f->severity, "warning") ? 1 : 2;
}

static int cmp_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	bool x_known = x->finding->standing == STANDING_KNOWN;
	bool y_known = y->finding->standing == STANDING_KNOWN;

	if (x_known != y_known)
		return x_known - y_known;
	if (severity_rank(x->finding) != severity_rank(y->finding))
		return severity_rank(x->finding) - severity_rank(y->finding);
	return x->nr < y->nr ? -1 : 1;
}

static struct listed *list_findings(const struct report *r)
{
	struct listed *all = xcalloc(r->nr_findings, sizeof(*all));
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		all[i] = (struct listed){&r->findings[i], i};
	sort_array(all, r->nr_findings, sizeof(*all), cmp_listed);
	return all;
}

/* ---- names ------------------------------------------------------------------------------- */

static bool has_id(const struct report_finding *f, const char *id)
{
	return f->nr_ids && !strcmp(f->ids[0].id, id);
}

/* Two functions of one name may have one fingerprint: the later is numbered. */
char *html_finding_id(const struct report *r, size_t nr)
{
	const struct report_finding *f = &r->findings[nr];
	size_t i, same = 0;

	if (!f->nr_ids)
		return xstrfmt("finding-nr-%zu", nr + 1);
	for (i = 0; i < nr; i++)
		same += has_id(&r->findings[i], f->ids[0].id);
	if (same)
		return xstrfmt("finding-%s-%zu", f->ids[0].id, same + 1);
	return xstrfmt("finding-%s", f->ids[0].id);
}

/* ---- one finding ------------------------------------------------------------------------- */

static const struct report_socket *oldest(const struct report *r, const struct report_finding *f)
{
	return f->nr_sockets ? &r->sockets[f->first_socket] : NULL;
}

/* By what the script filters. */
static void put_data(FILE *out, const struct report *r, const struct report_finding *f)
{
	const struct report_socket *s = oldest(r, f);

	html_attr(out, "data-rule", f->rule);
	html_attr(out, "data-severity", f->severity);
	if (f->subkind)
		html_attr(out, "data-kind", f->subkind);
	html_rawf(out, " data-count=%" PRIu64, f->nr);
	html_attr(out, "data-function", f->function);
	if (f->standing != STANDING_NEW)
		html_raw(out, f->standing == STANDING_KNOWN ? " data-standing=known"
							    : " data-standing=grown");
	if (!s)
		return;
	html_attr(out, "data-state", s->state);
	html_rawf(out, " data-pid=%" PRIu32, r->processes[s->process].pid);
}

static void severity_mark(FILE *out, const char *severity)
{
	static const char *const marks[] = {
		"<path d=\"M5 1h6l4 4v6l-4 4H5l-4-4V5z\" class=f-bad fill=\"#c4232b\"/>",
		"<path d=\"M8 1l7.5 14H.5z\" class=f-waiting fill=\"#9a6100\"/>",
		"<circle cx=8 cy=8 r=7 class=f-calm fill=\"#1763b6\"/>"};
	int rank = !strcmp(severity, "error") ? 0 : !strcmp(severity, "warning") ? 1 : 2;

	html_raw(out, "<svg class=mark aria-hidden=true width=16 height=16 viewBox=\"0 0 16 16\">");
	html_raw(out, marks[rank]);
	html_raw(out, "</svg>");
}

static void put_heading(FILE *out, const struct report_finding *f, const char *id)
{
	html_rawf(out, "<h3 id=\"%s-h\">", id);
	severity_mark(out, f->severity);
	html_rawf(out, " <span class=\"severity %s\">", f->severity);
	html_text(out, f->severity);
	html_raw(out, "</span> <span class=rule>");
	html_text(out, f->rule);
	if (f->subkind)
		html_textf(out, " (%s)", f->subkind);
	html_raw(out, "</span>: ");
	html_count(out, f->nr, f->noun);
	html_textf(out, " %s in ", f->verb);
	html_raw(out, "<code>");
	html_name(out, f->function);
	html_raw(out, "</code> <span class=where>(");
	html_name(out, f->where);
	html_rawf(out,
		  ")</span> <a class=permalink href=\"#%s\" aria-label=\"Link to this finding\">",
		  id);
	html_raw(out, "#</a></h3>\n");
}

static void put_standing(FILE *out, const struct report_finding *f)
{
	if (f->standing == STANDING_KNOWN)
		html_elementf(out, "p class=standing",
			      "Known from the baseline (%" PRIu64 " there).", f->nr_before);
	else if (f->standing == STANDING_GROWN)
		html_elementf(out, "p class=standing",
			      "Grown: %" PRIu64 " in the baseline, %" PRIu64 " now.", f->nr_before,
			      f->nr);
}

/* A label that is empty continues the row before. */
static void put_evidence(FILE *out, const struct report_finding *f, const char *id)
{
	size_t i, j;

	if (!f->nr_lines)
		return;
	html_rawf(out,
		  "<table class=evidence id=\"%s-evidence\"><caption>Evidence</caption><tbody>\n",
		  id);
	for (i = 0; i < f->nr_lines; i = j) {
		html_raw(out, "<tr>");
		html_element(out, "th scope=row", f->lines[i].label);
		html_raw(out, "<td>");
		html_text(out, f->lines[i].text);
		for (j = i + 1; j < f->nr_lines && !*f->lines[j].label; j++) {
			html_raw(out, "<br>");
			html_text(out, f->lines[j].text);
		}
		html_raw(out, "</td></tr>\n");
	}
	html_raw(out, "</tbody></table>\n");
}

static void put_advice(FILE *out, const struct report_finding *f)
{
	if (!f->advice)
		return;
	html_raw(out, "<p class=advice><strong>To do:</strong> ");
	html_text(out, f->advice);
	html_raw(out, "</p>\n");
}

static void put_stacks(FILE *out, const struct report *r, const struct report_finding *f)
{
	size_t i;

	if (!f->nr_stacks)
		return;
	html_raw(out, "<div class=stacks><h4>Stacks</h4>\n");
	for (i = 0; i < f->nr_stacks; i++)
		html_stack(out, &f->stacks[i], !i || f->stacks[i].kind == STACK_EOF, r->now_at);
	html_raw(out, "</div>\n");
}

static void put_lines(FILE *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = xstrndup(text, len);

		html_text_cut(out, line, SUPPRESSION_MAX);
		html_raw(out, "\n");
		free(line);
		text += len + (text[len] == '\n');
	}
}

static void put_suppression(FILE *out, const struct report_finding *f)
{
	if (!f->suppression)
		return;
	html_raw(out, "<details class=suppression><summary>Suppression to paste</summary>"
		      "<pre tabindex=0><code>");
	put_lines(out, f->suppression);
	html_raw(out, "</code></pre></details>\n");
}

static void put_ids(FILE *out, const struct report_finding *f)
{
	size_t i;

	html_raw(out, "<p class=ids>Fingerprint");
	html_raw(out, f->nr_ids == 1 ? ": " : "s: ");
	for (i = 0; i < f->nr_ids && i < IDS_MAX; i++) {
		html_raw(out, i ? ", " : "");
		html_element(out, "code", f->ids[i].id);
	}
	if (f->nr_ids > IDS_MAX)
		html_textf(out, " and %zu more", f->nr_ids - IDS_MAX);
	html_raw(out, "</p>\n");
}

static void put_help(FILE *out, const struct report_finding *f)
{
	html_raw(out, "<details class=help><summary>About the rule ");
	html_text(out, f->rule);
	html_raw(out, "</summary>\n");
	if (f->title)
		html_element(out, "p", f->title);
	if (f->help) {
		html_raw(out, "<pre tabindex=0>");
		put_lines(out, f->help);
		html_raw(out, "</pre>\n");
	}
	if (f->nr_ids)
		put_ids(out, f);
	html_raw(out, "</details>\n");
}

static void put_finding(FILE *out, const struct report *r, const struct listed *l)
{
	const struct report_finding *f = l->finding;
	char *id = html_finding_id(r, l->nr);

	html_rawf(out, "<article class=\"finding %s\" id=\"%s\" aria-labelledby=\"%s-h\"",
		  f->severity, id, id);
	put_data(out, r, f);
	html_raw(out, ">\n");
	put_heading(out, f, id);
	put_standing(out, f);
	if (f->meaning)
		html_element(out, "p class=meaning", f->meaning);
	html_teardown(out, r, f, id);
	put_advice(out, f);
	put_evidence(out, f, id);
	put_stacks(out, r, f);
	put_suppression(out, f);
	put_help(out, f);
	html_raw(out, "</article>\n");
	free(id);
}

/* ---- all of them ------------------------------------------------------------------------- */

static void put_row(FILE *out, const struct report *r, const struct listed *l)
{
	char *id = html_finding_id(r, l->nr);

	html_rawf(out, "<tr id=\"%s\"", id);
	put_data(out, r, l->finding);
	html_raw(out, ">");
	html_cell(out, l->finding->severity);
	html_cell(out, l->finding->rule);
	html_cell_number(out, l->finding->nr);
	html_cell(out, l->finding->function);
	html_cell(out, l->finding->where);
	html_raw(out, "</tr>\n");
	free(id);
}

static void put_rows(FILE *out, const struct report *r, const struct listed *all)
{
	size_t i;

	if (r->nr_findings <= WHOLE_MAX)
		return;
	html_table_begin(out, "findings-table", "The other findings, in short",
			 "Severity|Rule|#Count|Function|Where");
	for (i = WHOLE_MAX; i < r->nr_findings && i < WHOLE_MAX + SHORT_MAX; i++)
		put_row(out, r, &all[i]);
	html_table_end(out);
	if (r->nr_findings > WHOLE_MAX + SHORT_MAX)
		html_elementf(
			out, "p class=cut",
			"%zu more findings are not shown; the formats text and json have all.",
			r->nr_findings - WHOLE_MAX - SHORT_MAX);
}

void html_findings(FILE *out, const struct report *r)
{
	struct listed *all = list_findings(r);
	size_t i;

	html_raw(out, "<section id=findings aria-labelledby=findings-h>"
		      "<h2 id=findings-h>Findings</h2>\n");
	if (!r->nr_findings)
		html_raw(out, "<p class=empty>Nothing was found.</p>\n");
	for (i = 0; i < r->nr_findings && i < WHOLE_MAX; i++)
		put_finding(out, r, &all[i]);
	put_rows(out, r, all);
	html_raw(out, "</section>\n");
	free(all);
}
