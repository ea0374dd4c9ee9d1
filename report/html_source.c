/* SPDX-License-Identifier: MIT */
/*
 * Lines of source around a place. The file's name comes out of the program's debugging information,
 * which anybody may have written: so only a regular file of bounded size whose name says that it
 * holds a program is opened, and nothing that is not text is shown.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

#define SOURCE_BYTES_MAX (2u << 20)
#define LINES_AROUND	 4
#define LINE_MAX_SHOWN	 200 /* characters */
#define TAB		 8

static struct {
	const char *root; /* relative names are below it; NULL: they are not read */
	char *path;	  /* the last that was asked for, or NULL */
	char *text;	  /* or NULL: it is not to be shown */
	uint64_t changed_at;
} last;

static void forget(void)
{
	free(last.path);
	free(last.text);
	last.path = last.text = NULL;
}

void html_source_begin(const char *root)
{
	last.root = root;
}

void html_source_end(void)
{
	forget();
	last.root = NULL;
}

static bool is_source_name(const char *path)
{
	static const char *const endings[] = {
		".c",	".h",  ".cc",	".hh", ".cpp",	 ".hpp",   ".cxx", ".hxx", ".c++", ".inc",
		".ipp", ".rs", ".go",	".py", ".pyx",	 ".js",	   ".mjs", ".ts",  ".rb",  ".php",
		".pl",	".pm", ".lua",	".d",  ".zig",	 ".f90",   ".s",   ".S",   ".m",   ".mm",
		".y",	".l",  ".java", ".kt", ".scala", ".swift", ".nim", ".pas", ".adb", ".cs"};
	const char *dot = strrchr(text_basename(path), '.');
	size_t i;

	for (i = 0; dot && i < ARRAY_SIZE(endings); i++)
		if (!strcmp(dot, endings[i]))
			return true;
	return false;
}

static char *read_whole(int fd, size_t size)
{
	char *text = xcalloc(size + 1, 1);
	size_t at = 0;
	ssize_t n;

	while (at < size && (n = read(fd, text + at, size - at)) > 0)
		at += (size_t)n;
	if (memchr(text, '\0', at))
		at = 0; /* no text */
	text[at] = '\0';
	return text;
}

static void read_regular(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= (off_t)SOURCE_BYTES_MAX) {
		last.text = read_whole(fd, (size_t)st.st_size);
		last.changed_at = (uint64_t)st.st_mtime * 1000000000u;
	}
	close(fd);
}

static void read_source(const char *path)
{
	char *below;

	if (last.path && !strcmp(last.path, path))
		return;
	forget();
	last.path = xstrdup(path);
	if (!is_source_name(path))
		return;
	if (*path == '/') {
		read_regular(path);
	} else if (last.root && !strstr(path, "..")) {
		below = xstrfmt("%s/%s", last.root, path);
		read_regular(below);
		free(below);
	}
}

static const char *find_line(const char *text, int nr)
{
	for (; nr > 1 && text; nr--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text && *text ? text : NULL;
}

/* With its tabs as blanks: in a page they would be as wide as it likes. */
static char *expand_tabs(const char *line, size_t len)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	for (i = 0; i < len && sb.len < SOURCE_BYTES_MAX; i++) {
		if (line[i] == '\t')
			strbuf_addf(&sb, "%*s", (int)(TAB - sb.len % TAB), "");
		else
			strbuf_addf(&sb, "%c", line[i]);
	}
	return strbuf_detach(&sb);
}

static void put_line(FILE *out, const char *text, size_t len, int nr, bool cited)
{
	char *line = expand_tabs(text, len < LINE_MAX_SHOWN * 4 ? len : LINE_MAX_SHOWN * 4);

	html_rawf(out, "%s%5d%s ", cited ? "<mark>" : "", nr, cited ? " >" : "  ");
	html_text_cut(out, line, LINE_MAX_SHOWN);
	html_raw(out, cited ? "</mark>\n" : "\n");
	free(line);
}

void html_source(FILE *out, const char *file, int line, uint64_t ran_at)
{
	int nr = line > LINES_AROUND ? line - LINES_AROUND : 1;
	const char *text;

	if (!file || line <= 0)
		return;
	read_source(file);
	if (!last.text || !find_line(last.text, line))
		return;
	html_raw(out, "<figure class=source><figcaption>");
	html_text_cut(out, file, HTML_NAME_MAX * 2);
	if (ran_at && last.changed_at > ran_at)
		html_raw(out, " <strong>(changed since the program ran)</strong>");
	html_raw(out, "</figcaption><pre tabindex=0><code>");
	for (text = find_line(last.text, nr); text && *text && nr <= line + LINES_AROUND; nr++) {
		size_t len = strcspn(text, "\n");

		put_line(out, text, len, nr, nr == line);
		text += len + (text[len] == '\n');
	}
	html_raw(out, "</code></pre></figure>\n");
}
