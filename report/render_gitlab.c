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

/* Without what would lead out of the repository. */
static const char *tame(const char *path)
{
	while (*path == '/' || !strncmp(path, "../", 3))
		path += *path == '/' ? 1 : 3;
	return *path ? path : "unknown";
}

static const struct report_frame *own_frame(const struct report_finding *f)
{
	return f->nr_stacks ? report_own_frame(f->stacks) : NULL;
}

/* Each must have a path: if need be it is that of a file elsewhere, or what the program is. */
static json_t *location(const struct report_finding *f)
{
	const struct report_frame *at = report_anchor(f);
	json_t *o = json_object(), *lines = json_object();
	const char *path = NULL;

	if (!at)
		at = own_frame(f);
	if (at)
		path = at->file ? at->file : at->module;
	json_put_text(o, "path", tame(path ? path : ""));
	json_put_number(lines, "begin", at && at->line > 0 ? (uint64_t)at->line : 1);
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
	json_write(out, issues);
	free(keys);
}

DEFINE_FORMAT(gitlab, render, false);
