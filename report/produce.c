/* SPDX-License-Identifier: MIT */
/* From recordings to a written report. */
#include "produce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "message.h"
#include "replace_file.h"
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

static int write_to(FILE *out, const struct output *to, const struct report *r,
		    const struct options *o)
{
	const struct render_options how = {.color = wants_color(o->color, out),
					   .path = to->path,
					   .source_root = o->paths.real_root,
					   .html_external = o->html_external,
					   .pprof_time = o->pprof_time};

	to->format->render(out, r, &how);
	if (fflush(out) || ferror(out))
		return -1;
	return to->format->write_beside ? to->format->write_beside(&how) : 0;
}

struct filling {
	const struct output *to;
	const struct report *report;
	const struct options *options;
};

static int fill(FILE *out, const void *data)
{
	const struct filling *f = data;

	return write_to(out, f->to, f->report, f->options);
}

static int write_output(const struct output *to, const struct report *r, const struct options *o)
{
	const struct filling f = {to, r, o};
	int error;

	if (to->path)
		return replace_file(to->path, fill, &f);
	error = write_to(stdout, to, r, o);
	if (error)
		complain("the report cannot be written: %s", strerror(errno));
	return error;
}

static bool write_report(const struct report *r, const struct options *o)
{
	const struct output text = {format_by_name("text", strlen("text")), NULL, NULL};
	bool ok = true;
	size_t i;

	if (!o->nr_outputs)
		return !write_output(&text, r, o);
	for (i = 0; i < o->nr_outputs; i++)
		ok &= !write_output(&o->outputs[i], r, o);
	return ok;
}

static size_t count_running(const struct history *h)
{
	size_t i, nr = 0;

	for (i = 0; i < h->nr_processes; i++)
		nr += h->processes[i].end == PROCESS_RUNNING;
	return nr;
}

static int write_baseline(const struct report *r, const char *path)
{
	struct baseline b = BASELINE_INIT;
	int error;

	baseline_of(&b, r);
	error = baseline_write(&b, path);
	baseline_release(&b);
	return error;
}

static bool wants_details(const struct options *o)
{
	size_t i;

	for (i = 0; i < o->nr_outputs; i++)
		if (o->outputs[i].format->wants_details)
			return true;
	return false;
}

static void make_report(struct report *r, const struct collection *c, const struct options *o,
			size_t *nr_running)
{
	struct history h = HISTORY_INIT;

	history_read(&h, c);
	history_set_policy(&h, &o->policy);
	live_complete(&h);
	history_join(&h);
	report_build(r, &h, c, &o->gate, wants_details(o));
	paths_apply(&o->paths, r);
	*nr_running = count_running(&h);
	history_release(&h);
}

static void report_on(struct produced *p, const struct collection *c, const struct options *o,
		      bool only_findings)
{
	struct report r;

	make_report(&r, c, o, &p->nr_running);
	p->nr_findings = r.nr_findings + r.nr_open_faults;
	p->failed = r.fails;
	if (p->nr_findings || !only_findings)
		p->unwritten = !write_report(&r, o);
	if (o->write_baseline && write_baseline(&r, o->write_baseline))
		p->unwritten = true;
	report_release(&r);
}

static void complain_of(const struct collection *c)
{
	size_t i;

	for (i = 0; i < c->nr_complaints; i++)
		complain("%s", c->complaints[i]);
}

/* With nothing readable at all, "no leaks" would be a lie: only the complaints are printed. */
void produce_report(struct produced *p, const struct collection *c, const struct options *o,
		    bool only_findings)
{
	memset(p, 0, sizeof(*p));
	p->unread = c->nr_complaints;
	complain_of(c);
	if (c->nr || !p->unread)
		report_on(p, c, o, only_findings);
}

int produce_findings(struct report *r, const struct collection *c, const struct options *o)
{
	size_t nr_running;

	complain_of(c);
	if (c->nr_complaints)
		return -1;
	make_report(r, c, o, &nr_running);
	return 0;
}
