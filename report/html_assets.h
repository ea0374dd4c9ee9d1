/* SPDX-License-Identifier: MIT */
/* The page's style and script: html/page.css and page.js, embedded when the command is built. */
#ifndef SOCKLINT_HTML_ASSETS_H
#define SOCKLINT_HTML_ASSETS_H

struct html_asset {
	const char *text;
	const char *sha256; /* of the text, in base64 */
};

extern const struct html_asset html_css, html_js;

#endif
