/* SPDX-License-Identifier: MIT */
/*
 * Workflow commands of GitHub Actions: one line, one annotation. GitHub shows ten of a kind in a
 * step; the rest is counted.
 */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "text.h"

#define PER_KIND 10

static const struct {
	const char *severity, *command;
} kinds[] = {{"error", "error"}, {"warning", "warning"}, {"note", "notice"}};

/* "##[" begins a command in the runner's older language, wherever it stands. */
static void put_escaped(FILE *out, const char *s, const char *special)
{
	char *clean = text_cleaned(s);
	const char *c;

	for (c = clean; *c; c++) {
		if (strchr(special, *c))
			fprintf(out, "%%%02X", (unsigned char)*c);
		else
			fputc(*c, out);
		if (!strncmp(c, "##[", 3))
			fputc(' ', out);
	}
	free(clean);
}

static void put_message(FILE *out, const char *s)
{
	put_escaped(out, s, "%");
}

static void put_property(FILE *out, const char *s)
{
	put_escaped(out, s, "%:,");
}

static void put_finding(FILE *out, const char *command, const struct report_finding *f)
{
	const struct report_frame *at = report_anchor(f);
	char *headline = report_headline(f);

	fprintf(out, "::%s ", command);
	if (at) {
		fputs("file=", out);
		put_property(out, report_source(at));
		fprintf(out, ",line=%d,", at->line);
	}
	fputs("title=", out);
	put_property(out, f->rule);
	if (f->subkind)
		fprintf(out, " (%s)", f->subkind);
	fputs("::", out);
	put_message(out, headline);
	fputs("%0A", out);
	put_message(out, f->meaning);
	fputs("%0ATo do: ", out);
	put_message(out, f->advice);
	fputc('\n', out);
	free(headline);
}

static size_t is_told(const struct report_finding *f, const char *severity)
{
	return f->standing != STANDING_KNOWN && !strcmp(f->severity, severity);
}

static void put_kind(FILE *out, const struct report *r, const char *severity, const char *command)
{
	size_t i, nr = 0, room, put = 0;

	for (i = 0; i < r->nr_findings; i++)
		nr += is_told(&r->findings[i], severity);
	room = nr > PER_KIND ? PER_KIND - 1 : nr;
	for (i = 0; i < r->nr_findings && put < room; i++) {
		if (!is_told(&r->findings[i], severity))
			continue;
		put_finding(out, command, &r->findings[i]);
		put++;
	}
	if (nr > put)
		fprintf(out,
			"::%s title=socklint::%zu more findings of this kind, not shown here\n",
			command, nr - put);
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	size_t i;

	(void)how;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		put_kind(out, r, kinds[i].severity, kinds[i].command);
}

DEFINE_FORMAT(github, render, false);
