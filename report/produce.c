/* SPDX-License-Identifier: MIT */
/* From recordings to a written report. */
#include "produce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"
#include "message.h"
#include "report_build.h"

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* An option beats NO_COLOR beats CLICOLOR_FORCE beats the terminal. */
static bool wants_color(enum color color, FILE *out)
{
	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE") && strcmp(getenv("CLICOLOR_FORCE"), "0"))
		return true;
	return isatty(fileno(out)) && strcmp(getenv("TERM") ? getenv("TERM") : "", "dumb");
}

static int write_to(FILE *out, const struct output *to, const struct report *r, enum color color)
{
	to->format->render(out, r, wants_color(color, out));
	return fflush(out) || ferror(out) ? -1 : 0;
}

/* A device, a pipe or a link such as /dev/stdout is written through: a rename would replace it. */
static bool is_no_file(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !S_ISREG(st.st_mode);
}

static int write_through(const struct output *to, const struct report *r, enum color color)
{
	FILE *out = fopen(to->path, "we");
	int error = out ? write_to(out, to, r, color) : -1;

	if ((out && fclose(out)) || error) {
		complain("%s: cannot be written: %s", to->path, strerror(errno));
		return -1;
	}
	return 0;
}

/* A reader of the path sees the old report or the new one, never half of one. */
static int write_file(const struct output *to, const struct report *r, enum color color)
{
	char *temporary = xstrfmt("%s.%d.tmp", to->path, (int)getpid());
	FILE *out = fopen(temporary, "wxe");
	int error = -1;

	if (out) {
		error = write_to(out, to, r, color);
		if (fclose(out) || error || rename(temporary, to->path)) {
			error = -1;
			complain("%s: cannot be written: %s", to->path, strerror(errno));
			unlink(temporary);
		}
	} else {
		complain("%s: cannot be written: %s", to->path, strerror(errno));
	}
	free(temporary);
	return error;
}

static int write_output(const struct output *to, const struct report *r, enum color color)
{
	int error;

	if (to->path)
		return is_no_file(to->path) ? write_through(to, r, color)
					    : write_file(to, r, color);
	error = write_to(stdout, to, r, color);
	if (error)
		complain("the report cannot be written: %s", strerror(errno));
	return error;
}

static bool write_report(const struct report *r, const struct options *o)
{
	const struct output text = {format_by_name("text", strlen("text")), NULL};
	bool ok = true;
	size_t i;

	if (!o->nr_outputs)
		return !write_output(&text, r, o->color);
	for (i = 0; i < o->nr_outputs; i++)
		ok &= !write_output(&o->outputs[i], r, o->color);
	return ok;
}

static size_t count_running(const struct history *h)
{
	size_t i, nr = 0;

	for (i = 0; i < h->nr_processes; i++)
		nr += h->processes[i].end == PROCESS_RUNNING;
	return nr;
}

static void report_on(struct produced *p, const struct collection *c, const struct options *o,
		      bool only_findings)
{
	struct history h = HISTORY_INIT;
	struct report r;

	history_read(&h, c);
	live_complete(&h);
	history_join(&h);
	report_build(&r, &h, c);
	p->nr_running = count_running(&h);
	p->nr_findings = r.nr_findings;
	p->failed = options_fail(o, &r);
	if (r.nr_findings || !only_findings)
		p->unwritten = !write_report(&r, o);
	report_release(&r);
	history_release(&h);
}

/* With nothing readable at all, "no leaks" would be a lie: only the complaints are printed. */
void produce_report(struct produced *p, const struct collection *c, const struct options *o,
		    bool only_findings)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	p->unread = c->nr_complaints;
	for (i = 0; i < c->nr_complaints; i++)
		complain("%s", c->complaints[i]);
	if (c->nr || !p->unread)
		report_on(p, c, o, only_findings);
}
