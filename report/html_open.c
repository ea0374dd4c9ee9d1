/* SPDX-License-Identifier: MIT */
/* What is open and no fault, in rows; and every open socket, the oldest of the findings first. */
#include <inttypes.h>
#include <stdlib.h>

#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define OPEN_MAX    100
#define SOCKETS_MAX 400
#define FOLDED_FROM 20

static void put_open(FILE *out, const struct report_open *o)
{
	html_raw(out, "<tr>");
	html_cell_number(out, o->nr_sockets);
	html_raw(out, "<td><code>");
	html_name(out, o->function);
	html_raw(out, "</code> <span class=where>(");
	html_name(out, o->where);
	html_raw(out, ")</span></td>");
	html_raw(out, "<td>");
	html_name(out, o->reason);
	if (o->remark) {
		html_raw(out, ": ");
		html_name(out, o->remark);
	}
	html_raw(out, "</td></tr>\n");
}

static uint64_t rest(const struct report *r)
{
	uint64_t nr = 0;
	size_t i;

	for (i = OPEN_MAX; i < r->nr_open; i++)
		nr += r->open[i].nr_sockets;
	return nr;
}

static void put_all_open(FILE *out, const struct report *r)
{
	size_t i;

	if (!r->nr_open)
		return;
	html_table_begin(out, "open-table",
			 r->nr_open_faults ? "Still open: a fault by --strict"
					   : "Still open: no fault",
			 "#Sockets|Opened in|Why");
	for (i = 0; i < r->nr_open && i < OPEN_MAX; i++)
		put_open(out, &r->open[i]);
	html_table_end(out);
	if (r->nr_open > OPEN_MAX)
		html_elementf(out, "p class=cut",
			      "%" PRIu64 " sockets at %zu more places, not shown", rest(r),
			      r->nr_open - OPEN_MAX);
}

static void put_finding_link(FILE *out, const struct report *r, const struct report_socket *s)
{
	char *id;

	html_raw(out, "<td>");
	if (s->finding == REPORT_NONE) {
		html_name(out, s->reason ? s->reason : "");
	} else {
		id = html_finding_id(r, s->finding);
		html_rawf(out, "<a href=\"#%s\">", id);
		html_text(out, r->findings[s->finding].rule);
		html_raw(out, "</a>");
		free(id);
	}
	html_raw(out, "</td>");
}

static void put_socket(FILE *out, const struct report *r, const struct report_socket *s)
{
	const struct report_process *p = &r->processes[s->process];
	char *name = html_process_name(p);

	html_rawf(out, "<tr data-pid=%" PRIu32, p->pid);
	html_attr(out, "data-state", s->state);
	if (s->finding != REPORT_NONE)
		html_attr(out, "data-rule", r->findings[s->finding].rule);
	html_rawf(out, "><td class=num>%d</td>", s->fd);
	html_cell(out, name);
	html_cell(out, s->state);
	html_cell(out, s->peer ? s->peer : "");
	html_cell(out, s->local ? s->local : "");
	html_cell_time(out, s->born_at);
	html_cell_duration(out, s->now_at - s->fin_at, s->fin_at && s->now_at >= s->fin_at);
	put_finding_link(out, r, s);
	html_raw(out, "</tr>\n");
	free(name);
}

static void put_sockets(FILE *out, const struct report *r)
{
	size_t i;

	if (!r->nr_sockets)
		return;
	html_rawf(out, "<details%s><summary>Each open socket</summary>\n",
		  r->nr_sockets > FOLDED_FROM ? "" : " open");
	html_table_begin(out, "sockets-table", "Open sockets",
			 "#fd|Process|State|Peer|Local|#Opened (UTC)|#Since FIN|Verdict");
	for (i = 0; i < r->nr_sockets && i < SOCKETS_MAX; i++)
		put_socket(out, r, &r->sockets[i]);
	html_table_end(out);
	if (r->nr_sockets > SOCKETS_MAX)
		html_elementf(out, "p class=cut",
			      "%zu more open sockets are not shown; the format "
			      "json has all.",
			      r->nr_sockets - SOCKETS_MAX);
	html_raw(out, "</details>\n");
}

void html_still_open(FILE *out, const struct report *r)
{
	html_raw(out, "<section id=open aria-labelledby=open-h><h2 id=open-h>Open sockets</h2>\n");
	if (!r->nr_open && !r->nr_sockets)
		html_raw(out, "<p class=empty>No socket was open at the end.</p>\n");
	put_all_open(out, r);
	put_sockets(out, r);
	html_raw(out, "</section>\n");
}
