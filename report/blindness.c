/* SPDX-License-Identifier: MIT */
/* What socklint could not see: one line each, over all processes of the run. */
#include "blindness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "connection.h"
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
	{offsetof(struct rec_header, lost_outcomes), "ended socket", "not counted: no room"},
};

static const struct blind_flag {
	uint32_t flag;
	const char *what;
} blind_flags[] = {
	{REC_HEADER_NO_UNWINDER, "ran without libunwind: callers only, no stacks"},
	{REC_HEADER_SEALED, "put a seccomp filter up: the kernel was not asked since"},
	{REC_HEADER_NO_UNWIND_AFTER_FORK, "forked while unwinding: callers only, no stacks"},
	{REC_HEADER_NO_PROC, "had no /proc at the start: of the sockets that they were passed only "
			     "descriptors 0 to 63 are known"},
	{REC_HEADER_MANY_AT_START,
	 "was passed more sockets at the start than were followed: the rest, and what no hook saw "
	 "being opened, is not known"},
	{REC_HEADER_IO_URING, "used io_uring, which socklint does not see: partly blind"},
	{REC_HEADER_DEEPBIND, "loaded a library by RTLD_DEEPBIND or dlmopen(): what that library "
			      "does to sockets is not seen: partly blind"},
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

static void warn_of_flags(struct report *r, const struct history *h, const struct collection *c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blind_flags); i++) {
		uint64_t nr = count_flag(h, blind_flags[i].flag);

		if (!nr) /* one that left no recording */
			nr = !!(c->summary.flags & blind_flags[i].flag);
		warn_of_count(r, nr, "process", blind_flags[i].what);
	}
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

static void warn_of_state(struct report *r, const char *state, uint64_t nr)
{
	struct strbuf sb = STRBUF_INIT;

	text_add_count(&sb, nr, "socket");
	strbuf_addf(&sb, " whose opening socklint did not see (%s)", state);
	warn(r, strbuf_detach(&sb));
}

/* A line for each state. Its name is one string, and so its own key. */
static void warn_of_unseen(struct report *r, const struct history *h)
{
	struct {
		const char *state;
		uint64_t nr;
	} seen[16] = {{NULL, 0}};
	size_t i, k;

	for (i = 0; i < h->nr_sockets; i++) {
		const char *state = socket_state_name(&h->sockets[i]);

		if (!socket_is_unseen(&h->sockets[i]))
			continue;
		for (k = 0; k < ARRAY_SIZE(seen) - 1 && seen[k].nr && seen[k].state != state; k++)
			;
		seen[k].state = state;
		seen[k].nr++;
	}
	for (k = 0; k < ARRAY_SIZE(seen) && seen[k].nr; k++)
		warn_of_state(r, seen[k].state, seen[k].nr);
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

static void warn_of_child(struct report *r, const char *path, uint64_t times, const char *why)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "not followed: ");
	strbuf_addstr(&sb, path);
	strbuf_addstr(&sb, " (");
	text_add_count(&sb, times, "time");
	strbuf_addf(&sb, "): %s", why);
	warn(r, strbuf_detach(&sb));
}

/*
 * Under `run` the first image and each that it starts should have loaded the shim. (Some are loaded
 * and were not counted as started: then less is noticed, never too much.)
 */
static uint64_t count_unfollowed(const struct rec_summary *s)
{
	return s->program_pid && s->loaded < 1 + s->execs ? 1 + s->execs - s->loaded : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void warn_of_unfollowed(struct report *r, const struct collection *c)
{
	uint64_t left = count_unfollowed(&c->summary), nr;
	struct strbuf sb = STRBUF_INIT;
	const struct rec_child *child;

	for (child = c->children; child < c->children + c->nr_children; child++) {
		if (!child->bare)
			continue;
		warn_of_child(r, child->path, child->bare, "its environment has no LD_PRELOAD");
		left -= smaller(left, child->bare);
	}
	for (child = c->children; child < c->children + c->nr_children; child++) {
		if (child->started <= child->loaded)
			continue;
		nr = smaller(left, child->started - child->loaded);
		if (nr)
			warn_of_child(r, child->path, nr,
				      "it did not load the shim (static, or "
				      "set-user-ID?)");
		left -= nr;
	}
	if (left < c->summary.lost_children)
		left = c->summary.lost_children;
	if (!left)
		return;
	text_add_count(&sb, left, "program");
	strbuf_addstr(&sb, " of this run did not load the shim (static, setuid, or started with a "
			   "cleared environment): of their sockets nothing is known");
	warn(r, strbuf_detach(&sb));
}

void blindness_fill(struct report *r, const struct history *h, const struct collection *c,
		    const struct symbolizer *sy)
{
	warn_of_losses(r, h);
	warn_of_flags(r, h, c);
	warn_of_unseen(r, h);
	warn_of_ends(r, h);
	warn_of_files(r, c, sy);
	warn_of_unfollowed(r, c);
	note_of_folded(r, c);
}
