/* SPDX-License-Identifier: MIT */
/* Makes processes and lives of recordings. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "siblings.h"

/* So long may a stop take: then most masters kill. */
#define STOPPING_NS (120 * NS_PER_S)

static enum process_end end_of(const struct rec_header *h)
{
	switch (h->end_kind) {
	case REC_END_RETURN:
	case REC_END_EXIT:
		return PROCESS_ENDED;
	case REC_END_SIGNAL:
		return PROCESS_SIGNALLED;
	case REC_END_EXEC:
		return PROCESS_REPLACED;
	default:
		return PROCESS_KILLED;
	}
}

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t last_sign_of_life(const struct whole_life *l)
{
	uint64_t ns = latest(l->born_ns, l->touch_ns);

	ns = latest(ns, latest(l->eof_ns, l->reset_ns));
	ns = latest(ns, latest(l->shut_ns, l->close_ns));
	ns = latest(ns, latest(l->polled_ns, l->told_ns));
	return latest(ns, latest(l->write_ns, l->facts_ns));
}

/* When a killed process is known to have lived last: it left no other trace of its end. */
static uint64_t last_sign(const struct recording *r)
{
	uint64_t ns = latest(r->header->start_ns, r->header->facts_ns);
	size_t i;

	ns = latest(ns, r->header->last_seen_ns);
	for (i = 0; i < r->nr_lives; i++)
		ns = latest(ns, last_sign_of_life(r->lives[i].life));
	for (i = 0; i < r->nr_progress; i++)
		ns = latest(ns, latest(r->progress[i]->newest_touch_ns,
				       r->progress[i]->newest_born_ns));
	for (i = 0; i < r->nr_incidents; i++)
		ns = latest(ns, latest(r->incidents[i]->ns, r->incidents[i]->last_ns));
	return ns;
}

static void read_process(struct process *p, const struct recording *r)
{
	p->rec = r;
	p->pid = r->header->pid;
	p->end = end_of(r->header);
	p->threads = p->end == PROCESS_KILLED ? 0 : r->header->threads;
	p->now_ns = r->header->end_ns;
	if (p->end == PROCESS_KILLED || !p->now_ns)
		p->now_ns = latest(last_sign(r), r->seen_end_ns);
	p->samples = (const struct rec_sample *const *)r->samples;
	p->nr_samples = r->nr_samples;
	p->kinship = kinship_new(r);
}

uint64_t process_stop_ns(const struct process *p)
{
	uint64_t stop = p->rec->header->stop_ns;

	return stop < p->now_ns && p->now_ns - stop < STOPPING_NS ? stop : 0;
}

static bool is_open(const struct whole_life *l)
{
	return (l->seq & 1) && !(l->flags & REC_LIFE_GONE);
}

static bool has_next_image(const struct history *h, const struct process *p)
{
	const struct rec_header *a = p->rec->header, *b;
	size_t i;

	for (i = 0; i < h->nr_processes; i++) {
		b = h->processes[i].rec->header;
		if (b->pid == a->pid && b->starttime == a->starttime && b->start_ns > a->start_ns)
			return true;
	}
	return false;
}

/*
 * What an exec passed on is for the next image to account for. Where that one did not load the
 * shim nobody will, and the sockets are judged as they were left to it.
 */
static bool is_last_to_know(const struct history *h, const struct process *p,
			    const struct rec_summary *s)
{
	return p->end != PROCESS_REPLACED || (p->rec->header->facts_ns && s->loaded &&
					      s->loaded < 1 + s->execs && !has_next_image(h, p));
}

static void read_lives(struct history *h, struct process *p, const struct rec_summary *s)
{
	bool passed_on = p->end == PROCESS_REPLACED;
	size_t i;

	if (!is_last_to_know(h, p, s))
		return;
	for (i = 0; i < p->rec->nr_lives; i++) {
		const struct recorded_life *from = &p->rec->lives[i];
		struct life *l;

		if (!is_open(from->life) || (passed_on && from->life->flags & REC_LIFE_CLOEXEC))
			continue;
		l = &h->lives[h->nr_lives++];
		l->process = p;
		l->fd = from->fd;
		l->r = *from->life;
		l->recorded = from->recorded;
		/* The coarse clock of touches may lie before the exact one of births. */
		l->r.touch_ns = latest(l->r.touch_ns, l->r.born_ns);
		p->passed_on += passed_on;
	}
}

static void count_followed(struct history *h, const struct collection *c)
{
	size_t i;

	h->followed = c->summary.folded_births;
	for (i = 0; i < c->nr; i++)
		h->followed += c->items[i]->header->births;
	h->followed = latest(h->followed, h->nr_lives);
	h->followed_processes = latest(c->summary.loaded, c->nr + c->summary.folded);
}

void history_read(struct history *h, const struct collection *c)
{
	size_t i, slots = 0;

	h->nr_processes = c->nr;
	h->processes = xcalloc(c->nr, sizeof(*h->processes));
	for (i = 0; i < c->nr; i++) {
		read_process(&h->processes[i], c->items[i]);
		slots += c->items[i]->nr_lives;
	}
	h->lives = xcalloc(slots, sizeof(*h->lives));
	for (i = 0; i < c->nr; i++)
		read_lives(h, &h->processes[i], &c->summary);
	origins_read(h);
	count_followed(h, c);
	h->siblings = sibling_index_new(h);
	for (i = 0; i < c->nr; i++) {
		h->processes[i].siblings = h->siblings;
		h->processes[i].nr_followed = h->followed_processes;
	}
	history_set_policy(h, &policy_default);
}

void history_set_policy(struct history *h, const struct policy *policy)
{
	size_t i;

	h->policy = policy;
	for (i = 0; i < h->nr_processes; i++)
		h->processes[i].policy = policy;
}

void history_release(struct history *h)
{
	size_t i;

	sibling_index_free(h->siblings);
	for (i = 0; i < h->nr_processes; i++)
		kinship_free(h->processes[i].kinship);
	free(h->processes);
	free(h->lives);
	free(h->sockets);
	free(h->origins);
	memset(h, 0, sizeof(*h));
}

const struct rec_module *process_module(const struct process *p, uint64_t place, uint64_t *offset)
{
	const struct rec_module *m;
	size_t i;

	*offset = rec_place_offset(place);
	if (rec_place_module(place))
		return recording_module(p->rec, rec_place_module(place));
	for (i = 0; i < p->rec->nr_modules; i++) {
		m = p->rec->modules[i];
		if (m->mapped != REC_MODULE_MAPPED || place - m->lo >= m->bytes)
			continue;
		*offset = place - m->lo + m->vaddr;
		return m;
	}
	return NULL;
}

const char *process_name(const struct process *p)
{
	const char *name = text_basename(p->rec->header->exe);

	return *name ? name : "?";
}

uint64_t process_real_ns(const struct process *p, uint64_t ns)
{
	const struct rec_header *h = p->rec->header;

	return ns ? h->start_real_ns + (ns - h->start_ns) : 0;
}

const char *call_name(uint32_t call)
{
	static const char *const names[] = {
#define CALL_NAME(code, name) name,
		REC_CALLS(CALL_NAME)
#undef CALL_NAME
	};

	return call < REC_CALL_COUNT ? names[call] : "?";
}
