/* SPDX-License-Identifier: MIT */
/*
 * Metrics for node_exporter's textfile collector. Each bears the program's name, for there may be
 * other files beside this one; none bears a process, a place or a peer.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "format.h"
#include "names.h"
#include "text.h"

struct exposition {
	FILE *out;
	const struct report *r;
	char *program; /* escaped */
};

/* Prometheus cannot be asked for U+FFFD, so it gets what a terminal gets. */
static char *escaped(const char *s)
{
	char *clean = xstrdup(s), *c;
	struct strbuf sb = STRBUF_INIT;

	text_clean(clean, s, strlen(s) + 1);
	for (c = clean; *c; c++)
		strbuf_addf(&sb, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	free(clean);
	return strbuf_detach(&sb);
}

static void declare(const struct exposition *x, const char *name, const char *type,
		    const char *help)
{
	fprintf(x->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put(const struct exposition *x, const char *name, const char *type, const char *help,
		uint64_t value)
{
	declare(x, name, type, help);
	fprintf(x->out, "%s{program=\"%s\"} %" PRIu64 "\n", name, x->program, value);
}

static void put_seconds(const struct exposition *x, const char *name, const char *help, uint64_t ns)
{
	declare(x, name, "gauge", help);
	fprintf(x->out, "%s{program=\"%s\"} %" PRIu64 ".%03u\n", name, x->program, ns / 1000000000,
		(unsigned int)(ns / 1000000 % 1000));
}

/* Those of rules that found nothing are 0: an alert needs something to compare with. */
static void put_rules(const struct exposition *x, const char *name, const char *help, bool places)
{
	size_t i, j;

	declare(x, name, "gauge", help);
	for (i = 0; i < x->r->nr_rules; i++) {
		const struct report_rule *rule = &x->r->rules[i];
		uint64_t sum = 0;

		for (j = 0; j < x->r->nr_findings; j++)
			if (!strcmp(x->r->findings[j].rule, rule->id))
				sum += places ? 1 : x->r->findings[j].nr;
		fprintf(x->out, "%s{program=\"%s\",rule=\"%s\",severity=\"%s\"} %" PRIu64 "\n",
			name, x->program, rule->id, rule->severity, sum);
	}
}

static void put_states(const struct exposition *x)
{
	static const char name[] = "socklint_open_sockets";
	struct names states = NAMES_INIT;
	uint64_t *sums = xcalloc(x->r->nr_sockets, sizeof(*sums));
	size_t i;

	for (i = 0; i < x->r->nr_sockets; i++)
		sums[names_number(&states, x->r->sockets[i].state)]++;
	if (states.nr)
		declare(x, name, "gauge", "Sockets that are open, leaked or not, by state.");
	for (i = 0; i < states.nr; i++) {
		char *state = escaped(states.all[i]);

		fprintf(x->out, "%s{program=\"%s\",state=\"%s\"} %" PRIu64 "\n", name, x->program,
			state, sums[i]);
		free(state);
	}
	free(sums);
	names_release(&states);
}

static uint64_t oldest_leak_ns(const struct report *r)
{
	uint64_t oldest = 0;
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		if (!strcmp(r->findings[i].severity, "error") && r->findings[i].since_ns > oldest)
			oldest = r->findings[i].since_ns;
	return oldest;
}

static void put_all(const struct exposition *x)
{
	const struct report *r = x->r;

	put_rules(x, "socklint_findings", "Places in the program that a rule complains of.", true);
	put_rules(x, "socklint_faults", "Sockets (or calls) that a rule complains of.", false);
	put_states(x);
	put_seconds(x, "socklint_oldest_leak_seconds",
		    "How long ago the oldest leaked socket was to be closed.", oldest_leak_ns(r));
	put(x, "socklint_close_wait_leaks", "gauge", "Leaked sockets in CLOSE_WAIT.",
	    r->nr_close_wait);
	put(x, "socklint_in_doubt_sockets", "gauge",
	    "Sockets whose process was killed too soon to judge them.", r->nr_in_doubt);
	put(x, "socklint_suppressed_faults", "gauge", "Faults that suppressions kept silent.",
	    r->nr_suppressed);
	put(x, "socklint_blind_spots", "gauge", "Things that socklint could not see.",
	    r->nr_warnings);
	put(x, "socklint_processes", "gauge", "Processes that were followed.", r->nr_processes);
	put(x, "socklint_sockets_followed_total", "counter",
	    "Sockets that were seen since the "
	    "program started.",
	    r->nr_followed);
	if (r->now_at)
		put_seconds(x, "socklint_judged_timestamp_seconds",
			    "When all this was so, as seconds since 1970.", r->now_at);
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	struct exposition x = {out, r, NULL};

	(void)how;
	x.program = escaped(r->nr_processes_told ? r->processes[0].name : "unknown");
	put_all(&x);
	free(x.program);
}

DEFINE_FORMAT(prometheus, render, true);
