/* SPDX-License-Identifier: MIT */
/* All lives by the place that opened them. */
#include <inttypes.h>

#include "html_parts.h"
#include "html_text.h"

#define SITES_MAX   500
#define CLOSERS_MAX 3

static void put_closers(FILE *out, const struct report_site *s)
{
	size_t i;

	html_raw(out, "<td>");
	for (i = 0; i < s->nr_closers && i < CLOSERS_MAX; i++) {
		html_raw(out, i ? "<br>" : "");
		html_number(out, s->closers[i].nr);
		html_raw(out, " in ");
		html_place(out, report_own_frame(&s->closers[i].stack));
	}
	if (s->nr_closers > CLOSERS_MAX)
		html_textf(out, " and %zu more places", s->nr_closers - CLOSERS_MAX);
	html_raw(out, "</td>");
}

static void put_site(FILE *out, const struct report_site *s)
{
	html_rawf(out, "<tr%s><th scope=row>", s->nr_faults ? " class=faulty" : "");
	html_place(out, report_own_frame(&s->stack));
	html_raw(out, "</th>");
	html_cell_number(out, s->nr_faults);
	html_cell_number(out, s->nr_open);
	html_cell_number(out, s->nr_close_wait);
	html_cell_number(out, s->nr_closed);
	html_cell_number(out, s->nr_active);
	html_cell_number(out, s->nr_passive);
	html_cell_duration(out, s->dwells.p50_ns, s->dwells.nr);
	html_cell_duration(out, s->dwells.p99_ns, s->dwells.nr);
	html_cell_duration(out, s->dwells.max_ns, s->dwells.nr);
	put_closers(out, s);
	html_raw(out, "</tr>\n");
}

static void put_rest(FILE *out, const struct report *r)
{
	uint64_t open = 0, closed = 0;
	size_t i;

	for (i = SITES_MAX; i < r->nr_sites; i++) {
		open += r->sites[i].nr_open;
		closed += r->sites[i].nr_closed;
	}
	html_elementf(out, "p class=cut",
		      "%zu more places, with %" PRIu64 " open and %" PRIu64
		      " closed sockets, are not shown; the format json has all.",
		      r->nr_sites - SITES_MAX, open, closed);
}

void html_sites(FILE *out, const struct report *r)
{
	size_t i;

	html_raw(out, "<section id=sites aria-labelledby=sites-h>"
		      "<h2 id=sites-h>All sockets, by the place that opened them</h2>\n");
	if (!r->nr_sites) {
		html_raw(out, "<p class=empty>No socket was opened.</p></section>\n");
		return;
	}
	html_raw(out, "<p>The <em>dwell</em> is the time from the peer&#39;s FIN to our close. "
		      "<em>Active</em>: we closed first; <em>passive</em>: the peer did.</p>\n");
	html_table_begin(out, "sites-table", "Places that open sockets",
			 "Place|#Faults|#Open|#CLOSE_WAIT|#Closed|#Active|#Passive|#Dwell p50|#p99|"
			 "#max|Closed in");
	for (i = 0; i < r->nr_sites && i < SITES_MAX; i++)
		put_site(out, &r->sites[i]);
	html_table_end(out);
	if (r->nr_sites > SITES_MAX)
		put_rest(out, r);
	html_raw(out, "</section>\n");
}
