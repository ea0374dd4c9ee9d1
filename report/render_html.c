/* SPDX-License-Identifier: MIT */
/*
 * The page for people: one file that needs no network, is complete without its script and without
 * its style, and allows neither anything else (Content-Security-Policy). Here is what comes in
 * which order.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "html_assets.h"
#include "html_parts.h"
#include "html_text.h"
#include "replace_file.h"
#include "text.h"

/* ---- style and script -------------------------------------------------------------------- */

/* "leaks" of "dir/leaks.html" */
static char *stem_of(const char *path)
{
	static const char *const endings[] = {".html", ".htm"};
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (text_has_ending(path, endings[i]))
			return xstrfmt("%.*s", (int)(strlen(path) - strlen(endings[i])), path);
	return xstrfmt("%s", path);
}

static bool is_external(const struct render_options *how)
{
	return how->html_external && how->path;
}

static void put_policy(FILE *out, bool external)
{
	html_raw(out, "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; ");
	if (external)
		html_raw(out, "style-src 'self'; script-src 'self'");
	else
		html_rawf(out, "style-src 'sha256-%s'; script-src 'sha256-%s'", html_css.sha256,
			  html_js.sha256);
	html_raw(out, "; base-uri 'none'; form-action 'none'\">\n");
}

/* The file beside the page, as a relative address. */
static void put_neighbour(FILE *out, const char *path, const char *ending)
{
	char *stem = stem_of(path);
	const char *c;

	html_raw(out, "./");
	for (c = text_basename(stem); *c; c++)
		if (isalnum((unsigned char)*c) || strchr("-._~", *c))
			html_rawf(out, "%c", *c);
		else
			html_rawf(out, "%%%02X", (unsigned char)*c);
	html_raw(out, ending);
	free(stem);
}

static void put_style(FILE *out, const struct render_options *how)
{
	if (!is_external(how)) {
		html_raw(out, "<style>");
		html_raw(out, html_css.text);
		html_raw(out, "</style>\n");
		return;
	}
	html_raw(out, "<link rel=stylesheet href=\"");
	put_neighbour(out, how->path, ".css");
	html_raw(out, "\">\n");
}

static void put_script(FILE *out, const struct render_options *how)
{
	if (!is_external(how)) {
		html_raw(out, "<script>");
		html_raw(out, html_js.text);
		html_raw(out, "</script>\n");
		return;
	}
	html_raw(out, "<script src=\"");
	put_neighbour(out, how->path, ".js");
	html_raw(out, "\"></script>\n");
}

static int fill_asset(FILE *out, const void *data)
{
	const struct html_asset *asset = data;

	return fputs(asset->text, out) < 0;
}

static int write_beside(const struct render_options *how)
{
	char *stem, *css, *js;
	int error;

	if (!is_external(how))
		return 0;
	stem = stem_of(how->path);
	css = xstrfmt("%s.css", stem);
	js = xstrfmt("%s.js", stem);
	error = replace_file(css, fill_asset, &html_css);
	error |= replace_file(js, fill_asset, &html_js);
	free(stem);
	free(css);
	free(js);
	return error;
}

/* ---- the page ---------------------------------------------------------------------------- */

static void put_title(FILE *out, const struct report *r)
{
	char *verdict = html_verdict(r);

	html_raw(out, "<title>socklint: ");
	if (r->nr_processes_told) {
		html_name(out, r->processes->name);
		html_raw(out, ": ");
	}
	html_text(out, verdict);
	html_raw(out, "</title>\n");
	free(verdict);
}

static void put_contents(FILE *out, const struct report *r)
{
	html_raw(out, "<nav aria-label=\"Contents\"><a href=\"#findings\">Findings</a> ");
	if (r->nr_processes_told)
		html_raw(out, "<a href=\"#pictures\">The whole</a> ");
	html_raw(out, "<a href=\"#open\">Open sockets</a> <a href=\"#sites\">All by place</a>");
	if (r->nr_warnings)
		html_raw(out, " <a href=\"#blind\">What could not be seen</a>");
	html_raw(out, "</nav>\n");
}

static void put_pictures(FILE *out, const struct report *r)
{
	if (!r->nr_processes_told)
		return;
	html_raw(out, "<section id=pictures aria-labelledby=pictures-h>"
		      "<h2 id=pictures-h>The whole</h2>\n");
	html_timeline(out, r);
	html_histogram(out, r);
	html_icicle(out, r);
	html_gantt(out, r);
	html_processes(out, r);
	html_peers(out, r);
	html_raw(out, "</section>\n");
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	html_raw(out, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n");
	put_policy(out, is_external(how));
	html_raw(out, "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=referrer content=no-referrer>\n"
		      "<meta name=generator content=socklint>\n");
	put_title(out, r);
	put_style(out, how);
	html_raw(out, "</head>\n<body>\n<a class=skip href=\"#main\">Skip to the findings</a>\n");
	html_head(out, r);
	put_contents(out, r);
	html_raw(out, "<main id=main>\n");
	html_blind(out, r);
	html_source_begin(how->source_root);
	html_findings(out, r);
	html_source_end();
	put_pictures(out, r);
	html_still_open(out, r);
	html_sites(out, r);
	html_raw(out, "</main>\n<footer><p>Written by socklint. <code>socklint explain RULE</code> "
		      "says more about each rule.</p></footer>\n");
	put_script(out, how);
	html_raw(out, "</body>\n</html>\n");
}

extern const struct format format_html;
const struct format format_html = {.nr = FORMAT_html,
				   .name = "html",
				   .wants_details = true,
				   .render = render,
				   .write_beside = write_beside};
