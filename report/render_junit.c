/* SPDX-License-Identifier: MIT */
/*
 * JUnit's XML: a failed test for each finding, a passed one for each rule that found nothing, a
 * skipped one for what is suppressed or known. GitLab keys on class and name, and shows only the
 * body of a failure; Jenkins' schema knows no file or line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "format.h"
#include "xml.h"

struct suite {
	struct strbuf cases;
	size_t nr, nr_failed, nr_skipped;
};

static void begin_case(struct suite *s, const char *class, const char *name)
{
	s->nr++;
	strbuf_addstr(&s->cases, "    <testcase classname=\"socklint.");
	strbuf_add_xml(&s->cases, class);
	strbuf_addstr(&s->cases, "\" name=\"");
	strbuf_add_xml(&s->cases, name);
	strbuf_addstr(&s->cases, "\" time=\"0\"");
}

static void skip_case(struct suite *s, const char *why)
{
	s->nr_skipped++;
	strbuf_addstr(&s->cases, ">\n      <skipped message=\"");
	strbuf_add_xml(&s->cases, why);
	strbuf_addstr(&s->cases, "\"/>\n    </testcase>\n");
}

/* ---- findings ----------------------------------------------------------------------------- */

/* Known again when lines change; static functions of one name are told apart by their keys. */
static char **case_names(const struct report *r)
{
	char **names = xcalloc(r->nr_findings, sizeof(*names));
	char(*keys)[REPORT_KEY] = report_keys(r);
	size_t i, j;

	for (i = 0; i < r->nr_findings; i++) {
		const struct report_finding *f = &r->findings[i];
		bool twin = false;

		for (j = 0; j < r->nr_findings && !twin; j++)
			twin = i != j && !strcmp(f->rule, r->findings[j].rule) &&
			       !strcmp(f->function, r->findings[j].function) &&
			       f->subkind == r->findings[j].subkind;
		names[i] = xstrfmt("%s%s%s%s%s%.*s", f->function, f->subkind ? " (" : "",
				   f->subkind ? f->subkind : "", f->subkind ? ")" : "",
				   twin ? " #" : "", twin ? FINGERPRINT_SHORT : 0, keys[i]);
	}
	free(keys);
	return names;
}

static void add_line(struct strbuf *sb, const char *before, const char *text)
{
	strbuf_addstr(sb, before);
	strbuf_add_xml(sb, text);
	strbuf_addstr(sb, "\n");
}

static void add_stack(struct strbuf *sb, const struct report_stack *st)
{
	size_t i;

	strbuf_addstr(sb, "\n");
	add_line(sb, "", st->label);
	for (i = 0; i < st->nr; i++) {
		char *frame =
			xstrfmt("#%-2zu %s (%s)", i, st->frames[i].function, st->frames[i].where);

		add_line(sb, "  ", frame);
		free(frame);
	}
}

static void add_body(struct strbuf *sb, const struct report_finding *f, const char *headline)
{
	size_t i;

	add_line(sb, "", headline);
	add_line(sb, "", f->meaning);
	for (i = 0; i < f->nr_lines; i++) {
		char *line = xstrfmt("%-12s%s", f->lines[i].label, f->lines[i].text);

		add_line(sb, "  ", line);
		free(line);
	}
	add_line(sb, "  to do       ", f->advice);
	for (i = 0; i < f->nr_stacks; i++)
		if (f->stacks[i].kind < STACK_LAST_USE)
			add_stack(sb, &f->stacks[i]);
}

static void fail_case(struct suite *s, const struct report_finding *f)
{
	char *headline = report_headline(f);

	s->nr_failed++;
	strbuf_addstr(&s->cases, ">\n      <failure message=\"");
	strbuf_add_xml(&s->cases, headline);
	strbuf_addf(&s->cases, "\" type=\"%s\">", f->severity);
	add_body(&s->cases, f, headline);
	strbuf_addstr(&s->cases, "</failure>\n    </testcase>\n");
	free(headline);
}

static void add_findings(struct suite *s, const struct report *r)
{
	char **names = case_names(r);
	size_t i;

	for (i = 0; i < r->nr_findings; i++) {
		const struct report_finding *f = &r->findings[i];

		begin_case(s, f->rule, names[i]);
		if (f->standing == STANDING_KNOWN)
			skip_case(s, "known from the baseline");
		else
			fail_case(s, f);
		free(names[i]);
	}
	free(names);
}

/* ---- what found nothing ------------------------------------------------------------------- */

static void add_clean_rules(struct suite *s, const struct report *r)
{
	size_t i, j;

	for (i = 0; i < r->nr_rules; i++) {
		for (j = 0; j < r->nr_findings && strcmp(r->findings[j].rule, r->rules[i].id); j++)
			;
		if (j < r->nr_findings)
			continue;
		begin_case(s, r->rules[i].id, "nothing found");
		strbuf_addstr(&s->cases, "/>\n");
	}
}

static void add_suppressed(struct suite *s, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_suppressions; i++) {
		const struct report_suppression *by = &r->suppressions[i];
		char *name;

		if (by->state != SUPPRESSION_USED)
			continue;
		name = xstrfmt("%s (%s)", by->name, by->where);
		begin_case(s, "suppressed", name);
		skip_case(s, by->reason ? by->reason : "suppressed, no reason given");
		free(name);
	}
}

static void add_properties(struct strbuf *sb, const struct report *r)
{
	strbuf_addstr(sb, "    <properties>\n");
	strbuf_addf(sb, "      <property name=\"sockets_followed\" value=\"%" PRIu64 "\"/>\n",
		    r->nr_followed);
	strbuf_addf(sb, "      <property name=\"processes\" value=\"%" PRIu64 "\"/>\n",
		    r->nr_processes);
	strbuf_addf(sb, "      <property name=\"still_open\" value=\"%" PRIu64 "\"/>\n",
		    r->nr_still_open);
	strbuf_addstr(sb, "    </properties>\n");
}

static void add_output(struct strbuf *sb, const struct report *r)
{
	size_t i;

	if (!r->nr_warnings)
		return;
	strbuf_addstr(sb, "    <system-err>");
	for (i = 0; i < r->nr_warnings; i++)
		add_line(sb, "blind: ", r->warnings[i]);
	strbuf_addstr(sb, "</system-err>\n");
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	struct suite s = {.cases = STRBUF_INIT};
	struct strbuf ends = STRBUF_INIT, properties = STRBUF_INIT;

	(void)how;
	add_findings(&s, r);
	add_suppressed(&s, r);
	add_clean_rules(&s, r);
	add_properties(&properties, r);
	add_output(&ends, r);
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"socklint\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n"
		"  <testsuite name=\"socklint\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
		"skipped=\"%zu\" time=\"0\">\n",
		s.nr, s.nr_failed, s.nr, s.nr_failed, s.nr_skipped);
	fprintf(out, "%s%s%s  </testsuite>\n</testsuites>\n", properties.buf,
		s.cases.buf ? s.cases.buf : "", ends.buf ? ends.buf : "");
	strbuf_release(&s.cases);
	strbuf_release(&properties);
	strbuf_release(&ends);
}

DEFINE_FORMAT(junit, render, false);
