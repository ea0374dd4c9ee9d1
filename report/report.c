/* SPDX-License-Identifier: MIT */
/* What a finished report owns. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

static void release_stack(struct report_stack *st)
{
	size_t i;

	for (i = 0; i < st->nr; i++) {
		free(st->frames[i].function);
		free(st->frames[i].where);
		free(st->frames[i].file);
		free(st->frames[i].module);
		free(st->frames[i].build_id);
	}
	free(st->frames);
	free(st->label);
	free(st->note);
}

static void release_finding(struct report_finding *f)
{
	size_t i;

	for (i = 0; i < f->nr_lines; i++) {
		free(f->lines[i].label);
		free(f->lines[i].text);
	}
	for (i = 0; i < f->nr_stacks; i++)
		release_stack(&f->stacks[i]);
	free(f->lines);
	free(f->stacks);
	free(f->function);
	free(f->where);
	free(f->advice);
	free(f->ids);
	free(f->suppression);
}

static void release_strings(char **strings, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		free(strings[i]);
	free(strings);
}

static void release_suppression(struct report_suppression *s)
{
	free(s->name);
	free(s->where);
	free(s->reason);
	free(s->expires);
}

static void release_site(struct report_site *s)
{
	size_t i;

	release_stack(&s->stack);
	for (i = 0; i < s->nr_closers; i++)
		release_stack(&s->closers[i].stack);
	free(s->closers);
}

static void release_process(struct report_process *p)
{
	free(p->name);
	free(p->exe);
	free(p->cmdline);
	free(p->host);
	free(p->samples);
}

static void release_details(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_sites; i++)
		release_site(&r->sites[i]);
	for (i = 0; i < r->nr_processes_told; i++)
		release_process(&r->processes[i]);
	for (i = 0; i < r->nr_sockets; i++) {
		free(r->sockets[i].peer);
		free(r->sockets[i].local);
	}
	free(r->sites);
	free(r->processes);
	free(r->sockets);
}

void report_release(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		release_finding(&r->findings[i]);
	for (i = 0; i < r->nr_open; i++) {
		free(r->open[i].function);
		free(r->open[i].where);
		free(r->open[i].remark);
	}
	for (i = 0; i < r->nr_suppressions; i++)
		release_suppression(&r->suppressions[i]);
	release_details(r);
	free(r->suppressions);
	free(r->rules);
	free(r->findings);
	free(r->open);
	release_strings(r->warnings, r->nr_warnings);
	release_strings(r->notes, r->nr_notes);
	memset(r, 0, sizeof(*r));
}

const struct report_stack *report_stack_of(const struct report_finding *f,
					   enum report_stack_kind kind)
{
	size_t i;

	for (i = 0; i < f->nr_stacks; i++)
		if (f->stacks[i].kind == kind)
			return &f->stacks[i];
	return NULL;
}

const struct report_frame *report_own_frame(const struct report_stack *st)
{
	return st && st->own != REPORT_NONE ? &st->frames[st->own] : NULL;
}

const struct report_frame *report_missing_close(const struct report_finding *f)
{
	static const enum report_stack_kind kinds[] = {STACK_SIBLINGS_CLOSED, STACK_EOF,
						       STACK_LAST_USE, STACK_OPENED};
	const struct report_frame *frame = NULL;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !frame; i++)
		frame = report_own_frame(report_stack_of(f, kinds[i]));
	return frame;
}

const char *report_source(const struct report_frame *f)
{
	if (!f->file || !*f->file || f->astray || *f->file == '/' || !strncmp(f->file, "../", 3))
		return NULL;
	/* "node:internal/..." and the like */
	return f->jit && strchr(f->file, ':') ? NULL : f->file;
}

const struct report_frame *report_source_frame(const struct report_stack *st)
{
	size_t i;

	for (i = st->own; i < st->nr; i++)
		if (report_source(&st->frames[i]) && st->frames[i].line > 0)
			return &st->frames[i];
	return NULL;
}

const struct report_frame *report_anchor(const struct report_finding *f)
{
	const struct report_frame *frame = NULL;
	size_t i;

	for (i = 0; i < f->nr_stacks && !frame; i++)
		frame = report_source_frame(&f->stacks[i]);
	return frame;
}

char *report_headline(const struct report_finding *f)
{
	return xstrfmt("%" PRIu64 " %s%s %s in %s (%s)", f->nr, f->noun, text_plural(f->nr),
		       f->verb, f->function, f->where);
}

static struct fingerprint name_print(const struct report_finding *f)
{
	struct fingerprint print = fingerprint_of(f->rule, f->subkind);

	fingerprint_add_name(&print, f->function);
	return print;
}

static void add_file(struct fingerprint *print, const struct report_finding *f)
{
	const struct report_frame *own = f->nr_stacks ? report_own_frame(f->stacks) : NULL;

	fingerprint_add_name(print, own && own->file ? text_basename(own->file) : "");
}

static size_t count_same(const struct fingerprint *all, size_t nr, const struct fingerprint *x)
{
	size_t i, same = 0;

	for (i = 0; i < nr; i++)
		same += all[i].a == x->a && all[i].b == x->b;
	return same;
}

/* Static functions of one name are told apart by their files, and if need be by their order. */
char (*report_keys(const struct report *r))[REPORT_KEY]
{
	char(*keys)[REPORT_KEY] = xcalloc(r->nr_findings, sizeof(*keys));
	struct fingerprint *names = xcalloc(r->nr_findings, sizeof(*names));
	struct fingerprint *prints = xcalloc(r->nr_findings, sizeof(*prints));
	size_t i, before;

	for (i = 0; i < r->nr_findings; i++)
		names[i] = name_print(&r->findings[i]);
	for (i = 0; i < r->nr_findings; i++) {
		struct fingerprint print = names[i];

		if (count_same(names, r->nr_findings, &print) > 1)
			add_file(&print, &r->findings[i]);
		prints[i] = print;
		for (before = count_same(prints, i, &print); before; before--)
			fingerprint_add_name(&print, "twin");
		fingerprint_hex(&print, keys[i]);
	}
	free(names);
	free(prints);
	return keys;
}
