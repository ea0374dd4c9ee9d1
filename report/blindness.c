/* SPDX-License-Identifier: MIT */
/* What socklint could not see: one line each, over all processes of the run. */
#include "blindness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

/* Two builds of one file that are both gone are one line. */
static void warn(struct report *r, char *text)
{
	size_t i;

	for (i = 0; i < r->nr_warnings; i++) {
		if (!strcmp(r->warnings[i], text)) {
			free(text);
			return;
		}
	}
	ALLOC_GROW(r->warnings, r->nr_warnings + 1, r->alloc_warnings);
	r->warnings[r->nr_warnings++] = text;
}

static void note(struct report *r, char *text)
{
	ALLOC_GROW(r->notes, r->nr_notes + 1, r->alloc_notes);
	r->notes[r->nr_notes++] = text;
}

static uint64_t sum(const struct history *h, size_t counter)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < h->nr_processes; i++) {
		const char *header = (const char *)h->processes[i].rec->header;
		uint64_t value;

		memcpy(&value, header + counter, sizeof(value));
		total += value;
	}
	return total;
}

static uint64_t count_flag(const struct history *h, uint32_t flag)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < h->nr_processes; i++)
		total += !!(h->processes[i].rec->header->flags & flag);
	return total;
}

static const struct lost {
	size_t counter;
	const char *noun;
	const char *what;
} losses[] = {
	{offsetof(struct rec_header, lost_lives), "socket",
	 "not followed: the recording could not grow"},
	{offsetof(struct rec_header, births_without_stack), "socket", "opened without a stack"},
	{offsetof(struct rec_header, lost_sites), "stack", "not kept for lack of room"},
	{offsetof(struct rec_header, lost_modules), "module", "not kept for lack of room"},
	{offsetof(struct rec_header, lost_incidents), "incident", "not kept for lack of room"},
};

static const struct blind_flag {
	uint32_t flag;
	const char *what;
} blind_flags[] = {
	{REC_HEADER_NO_UNWINDER, "ran without libunwind: callers only, no stacks"},
	{REC_HEADER_SEALED, "put a seccomp filter up: the kernel was not asked since"},
	{REC_HEADER_NO_UNWIND_AFTER_FORK, "forked while unwinding: callers only, no stacks"},
	{REC_HEADER_IO_URING, "used io_uring, which socklint does not see"},
};

/* "3 processes ended ...": a warning, unless there were none. */
static void warn_of_count(struct report *r, uint64_t nr, const char *noun, const char *what)
{
	struct strbuf sb = STRBUF_INIT;

	if (!nr)
		return;
	text_add_count(&sb, nr, noun);
	strbuf_addf(&sb, " %s", what);
	warn(r, strbuf_detach(&sb));
}

static void warn_of_losses(struct report *r, const struct history *h)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(losses); i++)
		warn_of_count(r, sum(h, losses[i].counter), losses[i].noun, losses[i].what);
}

static void warn_of_flags(struct report *r, const struct history *h)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blind_flags); i++)
		warn_of_count(r, count_flag(h, blind_flags[i].flag), "process",
			      blind_flags[i].what);
}

static void warn_of_undated(struct report *r, uint64_t nr)
{
	struct strbuf sb = STRBUF_INIT;

	if (!nr)
		return;
	strbuf_addstr(&sb, "nobody saw when ");
	text_add_count(&sb, nr, "process");
	strbuf_addf(&sb,
		    " ended: ages count to %s last sign of life, and what was used within 1 s of "
		    "that, leak or not, is only counted as in doubt (socklint run would have seen "
		    "the end)",
		    nr == 1 ? "its" : "their");
	warn(r, strbuf_detach(&sb));
}

static void warn_of_ends(struct report *r, const struct history *h)
{
	uint64_t killed = 0, undated = 0, unreadable = 0, replaced = 0;
	size_t i;

	for (i = 0; i < h->nr_processes; i++) {
		const struct process *p = &h->processes[i];

		killed += p->end == PROCESS_KILLED;
		undated += p->end == PROCESS_KILLED && !p->rec->seen_end_ns;
		unreadable += p->unreadable;
		replaced += !!p->passed_on;
	}
	warn_of_count(
		r, killed, "process",
		"ended before the kernel could be asked (kill -9, out of memory, a crash, abort, "
		"an exit past the C library): TCP states and queues are those of the last look, at "
		"most a second "
		"before the last new socket, and not known where there was none");
	warn_of_undated(r, undated);
	warn_of_count(r, unreadable, "running process",
		      "may not be looked into: run socklint as the same user");
	warn_of_count(r, replaced, "process",
		      "became another program that left no recording (static, or started with a "
		      "cleared environment): the sockets passed on to it are shown as they were "
		      "then, and whether it closed them is not known");
}

static void warn_of_files(struct report *r, const struct collection *c, const struct symbolizer *sy)
{
	const struct rec_summary *s = &c->summary;
	size_t i, damaged = 0;
	const char *why;

	for (i = 0; i < c->nr; i++)
		damaged += c->items[i]->nr_damaged;
	if (damaged)
		warn(r, xstrfmt("%zu damaged part%s of recordings left out", damaged,
				text_plural(damaged)));
	if (s->refused)
		warn(r, xstrfmt("%" PRIu64 " recording%s not made: max-files was reached",
				s->refused, text_plural(s->refused)));
	if (s->failed)
		warn(r, xstrfmt("%" PRIu64 " recording%s could not be made: %s", s->failed,
				text_plural(s->failed), strerror((int)s->failed_errno)));
	for (i = 0; (why = symbolizer_complaint(sy, i)); i++)
		warn(r, xstrdup(why));
}

static void note_of_folded(struct report *r, const struct collection *c)
{
	struct strbuf sb = STRBUF_INIT;

	if (c->summary.folded) {
		text_add_count(&sb, c->summary.folded, "process");
		strbuf_addstr(&sb, " ended with no socket open");
		note(r, strbuf_detach(&sb));
	}
	if (!c->nr && !c->summary.folded && !c->summary.failed && !c->summary.refused &&
	    c->summary.loaded)
		note(r, xstrdup("the shim was loaded and the program used no socket"));
}

/*
 * Under `run` the first image and each exec make one that should have loaded the shim. (What
 * posix_spawn() starts is loaded and not counted as an exec: then less is noticed, never too much.)
 */
static void warn_of_unfollowed(struct report *r, const struct rec_summary *s)
{
	struct strbuf sb = STRBUF_INIT;

	if (!s->program_pid || s->loaded >= 1 + s->execs)
		return;
	text_add_count(&sb, 1 + s->execs - s->loaded, "program");
	strbuf_addstr(&sb, " of this run did not load the shim (static, setuid, or started with a "
			   "cleared environment): of their sockets nothing is known");
	warn(r, strbuf_detach(&sb));
}

void blindness_fill(struct report *r, const struct history *h, const struct collection *c,
		    const struct symbolizer *sy)
{
	warn_of_losses(r, h);
	warn_of_flags(r, h);
	warn_of_ends(r, h);
	warn_of_files(r, c, sy);
	warn_of_unfollowed(r, &c->summary);
	note_of_folded(r, c);
}
