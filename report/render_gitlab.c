/* SPDX-License-Identifier: MIT */
/*
 * GitLab's Code Quality report. GitLab compares it with the target branch's by the fingerprints, so
 * what a baseline knows is in it as well.
 */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "json.h"
#include "text.h"

static const char *severity(const struct report_finding *f)
{
	if (!strcmp(f->severity, "error"))
		return "critical";
	return strcmp(f->severity, "warning") ? "info" : "major";
}

/* Each must have a path: where the source is not known, it is what the program is made of. */
static json_t *location(const struct report_finding *f)
{
	const struct report_frame *at = report_anchor(f), *own = NULL;
	json_t *o = json_object(), *lines = json_object();

	if (f->nr_stacks)
		own = report_own_frame(f->stacks);
	json_put_text(o, "path",
		      at		   ? report_source(at)
		      : own && own->module ? own->module
					   : "unknown");
	json_put_number(lines, "begin", at ? (uint64_t)at->line : 1);
	json_put(o, "lines", lines);
	return o;
}

static json_t *issue(const struct report_finding *f, const char *key)
{
	char *headline = report_headline(f);
	char *text =
		xstrfmt("%s%s%s%s: %s. %s", f->rule, f->subkind ? " (" : "",
			f->subkind ? f->subkind : "", f->subkind ? ")" : "", headline, f->meaning);
	json_t *o = json_object();

	json_put_text(o, "description", text);
	json_put_text(o, "check_name", f->rule);
	json_put_text(o, "fingerprint", key);
	json_put_text(o, "severity", severity(f));
	json_put(o, "location", location(f));
	free(text);
	free(headline);
	return o;
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	char(*keys)[REPORT_KEY] = report_keys(r);
	json_t *issues = json_array();
	size_t i;

	(void)how;
	for (i = 0; i < r->nr_findings; i++)
		json_add(issues, issue(&r->findings[i], keys[i]));
	json_dumpf(issues, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(issues);
	free(keys);
}

DEFINE_FORMAT(gitlab, render, false);
