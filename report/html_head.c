/* SPDX-License-Identifier: MIT */
/* The head of the page: the verdict in one sentence, what ran, and what could not be seen. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define PROCESSES_SHOWN 4

/* ---- the verdict ------------------------------------------------------------------------- */

static uint64_t oldest_leak_ns(const struct report *r)
{
	uint64_t ns = 0;
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		if (!strcmp(r->findings[i].severity, "error") && r->findings[i].since_ns > ns)
			ns = r->findings[i].since_ns;
	return ns;
}

static void add_leaks(struct strbuf *sb, const struct report *r)
{
	uint64_t oldest = oldest_leak_ns(r);

	text_add_count(sb, r->nr_leaked, "socket");
	strbuf_addf(sb, " leaked%s at ", r->nr_close_wait == r->nr_leaked ? " in CLOSE_WAIT" : "");
	text_add_count(sb, r->nr_leak_places, "place");
	if (r->nr_close_wait && r->nr_close_wait < r->nr_leaked)
		strbuf_addf(sb, ", %" PRIu64 " of them in CLOSE_WAIT", r->nr_close_wait);
	if (oldest) {
		strbuf_addstr(sb, "; the oldest for ");
		text_add_duration(sb, oldest);
	}
}

char *html_verdict(const struct report *r)
{
	struct strbuf sb = STRBUF_INIT;

	if (r->nr_leaked) {
		add_leaks(&sb, r);
		return strbuf_detach(&sb);
	}
	strbuf_addstr(&sb, r->nr_in_doubt ? "No leak proven: " : "No leaks: ");
	text_add_count(&sb, r->nr_followed, "socket");
	strbuf_addstr(&sb, " followed in ");
	text_add_count(&sb, r->nr_processes, "process");
	return strbuf_detach(&sb);
}

/* Of the rest of the verdict each piece is a number and a word. */
static void verdict_chip(FILE *out, const char *class, uint64_t nr, const char *noun,
			 const char *words)
{
	if (!nr)
		return;
	html_rawf(out, "<li class=%s>", class);
	if (noun)
		html_count(out, nr, noun);
	else
		html_number(out, nr);
	html_text(out, words);
	html_raw(out, "</li>\n");
}

static const char *verdict_class(const struct report *r)
{
	if (r->fails || (r->nr_leaked && !r->nr_known))
		return "error";
	return r->nr_findings || r->nr_in_doubt ? "warning" : "clean";
}

static void verdict_icon(FILE *out, const char *class)
{
	if (!strcmp(class, "clean"))
		html_raw(out, "<svg class=icon aria-hidden=true width=36 height=36 "
			      "viewBox=\"0 0 36 36\"><circle cx=18 cy=18 r=16 class=f-alive "
			      "fill=\"#1f7a44\" /><path d=\"M10 19l6 6 11-13\" fill=none "
			      "stroke=\"#fff\" stroke-width=4 /></svg>");
	else if (!strcmp(class, "error"))
		html_raw(out, "<svg class=icon aria-hidden=true width=36 height=36 "
			      "viewBox=\"0 0 36 36\"><path d=\"M11 2h14l9 9v14l-9 9H11l-9-9V11z\" "
			      "class=f-bad fill=\"#c4232b\"/><path d=\"M18 9v11m0 4v4\" "
			      "stroke=\"#fff\" stroke-width=4 /></svg>");
	else
		html_raw(out, "<svg class=icon aria-hidden=true width=36 height=36 "
			      "viewBox=\"0 0 36 36\"><path d=\"M18 2l17 31H1z\" class=f-waiting "
			      "fill=\"#9a6100\"/><path d=\"M18 12v10m0 4v3\" stroke=\"#fff\" "
			      "stroke-width=4 /></svg>");
}

static void put_verdict(FILE *out, const struct report *r)
{
	const char *class = verdict_class(r);
	char *verdict = html_verdict(r);

	html_rawf(out, "<div id=verdict class=%s data-leaked=%" PRIu64 " data-places=%" PRIu64 ">",
		  class, r->nr_leaked, r->nr_leak_places);
	verdict_icon(out, class);
	html_element(out, "p", verdict);
	html_raw(out, "</div>\n<ul class=chips>\n");
	verdict_chip(out, "bad", r->nr_close_wait, NULL, " in CLOSE_WAIT");
	verdict_chip(out, "bad", r->nr_descriptors, "descriptor", " of dead connections");
	verdict_chip(out, "warn", r->nr_warnings_given, "warning", "");
	verdict_chip(out, "calm", r->nr_still_open, NULL,
		     r->nr_open_faults ? " still open (a fault by --strict)" : " still open");
	verdict_chip(out, "warn", r->nr_in_doubt, NULL, " in doubt: their process was killed");
	verdict_chip(out, "calm", r->nr_known, "finding", " known from the baseline");
	verdict_chip(out, "calm", r->nr_suppressed, NULL, " suppressed");
	verdict_chip(out, "calm", r->nr_followed, "socket", " followed");
	verdict_chip(out, "calm", r->nr_processes, "process", "");
	html_raw(out, "</ul>\n");
	free(verdict);
}

/* ---- what ran ---------------------------------------------------------------------------- */

char *html_process_name(const struct report_process *p)
{
	return xstrfmt("%s[%" PRIu32 "]", p->name, p->pid);
}

static void fact_begin(FILE *out, const char *label)
{
	html_element(out, "dt", label);
	html_raw(out, "<dd>");
}

static void fact_end(FILE *out)
{
	html_raw(out, "</dd>\n");
}

static void put_end(FILE *out, const struct report_process *p)
{
	html_text(out, p->end);
	if (p->signal)
		html_textf(out, " by signal %d", p->signal);
}

static void put_processes(FILE *out, const struct report *r)
{
	size_t i;

	fact_begin(out, r->nr_processes_told == 1 ? "Process" : "Processes");
	for (i = 0; i < r->nr_processes_told && i < PROCESSES_SHOWN; i++) {
		char *name = html_process_name(&r->processes[i]);

		html_raw(out, i ? ", " : "");
		html_name(out, name);
		html_raw(out, " (");
		put_end(out, &r->processes[i]);
		html_raw(out, ")");
		free(name);
	}
	if (r->nr_processes_told > PROCESSES_SHOWN)
		html_textf(out, " and %zu more", r->nr_processes_told - PROCESSES_SHOWN);
	fact_end(out);
}

static void put_span(FILE *out, const struct report *r)
{
	fact_begin(out, "Time");
	html_time(out, r->start_at);
	html_raw(out, " to ");
	html_time(out, r->now_at);
	html_raw(out, " (");
	html_duration(out, r->now_at > r->start_at ? r->now_at - r->start_at : 0);
	html_raw(out, ")");
	fact_end(out);
}

static void put_facts(FILE *out, const struct report *r)
{
	const struct report_process *first = r->processes;

	if (!r->nr_processes_told)
		return;
	html_raw(out, "<dl class=facts>\n");
	fact_begin(out, "Program");
	html_element(out, "code", first->exe);
	fact_end(out);
	fact_begin(out, "Command line");
	html_element(out, "code", first->cmdline);
	fact_end(out);
	fact_begin(out, "Host");
	html_name(out, first->host);
	fact_end(out);
	put_span(out, r);
	put_processes(out, r);
	html_raw(out, "</dl>\n");
}

/* ---- what could not be seen -------------------------------------------------------------- */

static void put_strings(FILE *out, const char *id, const char *heading, char *const *strings,
			size_t nr)
{
	size_t i;

	if (!nr)
		return;
	html_rawf(out, "<section id=%s class=note aria-labelledby=%s-h><h2 id=%s-h>%s</h2><ul>\n",
		  id, id, id, heading);
	for (i = 0; i < nr; i++) {
		html_element(out, "li", strings[i]);
		html_raw(out, "\n");
	}
	html_raw(out, "</ul></section>\n");
}

void html_head(FILE *out, const struct report *r)
{
	const char *name = r->nr_processes_told ? r->processes->name : "no program";

	html_raw(out, "<header>\n<h1>Sockets of ");
	html_name(out, name);
	html_raw(out, "</h1>\n");
	put_verdict(out, r);
	put_facts(out, r);
	html_raw(out, "</header>\n");
}

void html_blind(FILE *out, const struct report *r)
{
	put_strings(out, "blind", "What could not be seen", r->warnings, r->nr_warnings);
	put_strings(out, "notes", "Notes", r->notes, r->nr_notes);
}
