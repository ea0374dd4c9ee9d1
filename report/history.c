/* SPDX-License-Identifier: MIT */
/* Makes processes and lives of recordings. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

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

static uint64_t last_sign_of_life(const struct rec_life *l)
{
	uint64_t ns = latest(l->born_ns, l->touch_ns);

	ns = latest(ns, latest(l->eof_ns, l->reset_ns));
	ns = latest(ns, latest(l->shut_ns, l->close_ns));
	return latest(ns, latest(l->write_ns, l->facts_ns));
}

/* When a killed process is known to have lived last: it left no other trace of its end. */
static uint64_t last_sign(const struct recording *r)
{
	uint64_t ns = latest(r->header->start_ns, r->header->facts_ns);
	size_t i;

	for (i = 0; i < r->nr_lives; i++)
		ns = latest(ns, last_sign_of_life(r->lives[i].life));
	for (i = 0; i < r->nr_progress; i++)
		ns = latest(ns, latest(r->progress[i]->newest_touch_ns,
				       r->progress[i]->newest_born_ns));
	for (i = 0; i < r->nr_incidents; i++)
		ns = latest(ns, r->incidents[i]->ns);
	return ns;
}

/*
 * Where the socket was asked for: the instruction in the program that called accept() or the
 * like. Sites that share it are kin: they differ only in who called the caller.
 */
static uint64_t caller_of(const struct recording *r, uint32_t site)
{
	const struct rec_site *s = recording_site(r, site);

	return s && s->nr ? s->pc[0] ^ ((uint64_t)s->epoch << 48) : 0;
}

struct progress_key {
	uint64_t caller;
	const struct rec_progress *p;
};

static int cmp_progress(const void *a, const void *b)
{
	const struct progress_key *x = a, *y = b;

	if (x->caller != y->caller)
		return x->caller < y->caller ? -1 : 1;
	if (x->p->site != y->p->site)
		return x->p->site < y->p->site ? -1 : 1;
	return x->p->tid < y->p->tid ? -1 : x->p->tid > y->p->tid;
}

static void sort_progress(struct process *p, const struct recording *r)
{
	struct progress_key *keys = xcalloc(r->nr_progress, sizeof(*keys));
	size_t i;

	for (i = 0; i < r->nr_progress; i++)
		keys[i] = (struct progress_key){caller_of(r, r->progress[i]->site), r->progress[i]};
	sort_array(keys, r->nr_progress, sizeof(*keys), cmp_progress);
	p->nr_progress = r->nr_progress;
	p->progress = xcalloc(r->nr_progress, sizeof(*p->progress));
	p->callers = xcalloc(r->nr_progress, sizeof(*p->callers));
	for (i = 0; i < r->nr_progress; i++) {
		p->progress[i] = keys[i].p;
		p->callers[i] = keys[i].caller;
	}
	free(keys);
}

static void read_process(struct process *p, const struct recording *r)
{
	p->rec = r;
	p->pid = r->header->pid;
	p->end = end_of(r->header);
	p->now_ns = r->header->end_ns;
	if (p->end == PROCESS_KILLED || !p->now_ns)
		p->now_ns = latest(last_sign(r), r->seen_end_ns);
	sort_progress(p, r);
}

static bool is_open(const struct rec_life *l)
{
	return (l->seq & 1) && !(l->flags & REC_LIFE_GONE);
}

static void read_lives(struct history *h, struct process *p)
{
	size_t i;

	for (i = 0; i < p->rec->nr_lives; i++) {
		const struct recorded_life *from = &p->rec->lives[i];
		struct life *l;

		if (!is_open(from->life) || p->end == PROCESS_REPLACED)
			continue;
		l = &h->lives[h->nr_lives++];
		l->process = p;
		l->fd = from->fd;
		l->r = *from->life;
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
		read_lives(h, &h->processes[i]);
	count_followed(h, c);
}

void history_release(struct history *h)
{
	size_t i;

	for (i = 0; i < h->nr_processes; i++) {
		free(h->processes[i].progress);
		free(h->processes[i].callers);
	}
	free(h->processes);
	free(h->lives);
	free(h->sockets);
	memset(h, 0, sizeof(*h));
}

/* The first entry that is not below (caller, site). */
static size_t progress_from(const struct process *p, uint64_t caller, uint32_t site)
{
	size_t lo = 0, hi = p->nr_progress;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->callers[mid] < caller ||
		    (p->callers[mid] == caller && p->progress[mid]->site < site))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct rec_progress *const *process_progress(const struct process *p, uint32_t site,
						   size_t *nr)
{
	size_t lo = progress_from(p, caller_of(p->rec, site), site), end = lo;

	while (end < p->nr_progress && p->progress[end]->site == site)
		end++;
	*nr = end - lo;
	return p->progress + lo;
}

const struct rec_progress *const *process_kin_progress(const struct process *p, uint32_t site,
						       size_t *nr)
{
	uint64_t caller = caller_of(p->rec, site);
	size_t lo = progress_from(p, caller, 0), end = lo;

	while (end < p->nr_progress && p->callers[end] == caller)
		end++;
	*nr = end - lo;
	return p->progress + lo;
}

const struct rec_module *process_module(const struct process *p, uint32_t epoch, uint64_t pc)
{
	size_t i;

	for (i = 0; i < p->rec->nr_modules; i++) {
		const struct rec_module *m = p->rec->modules[i];

		if (pc >= m->lo && pc < m->hi && epoch >= m->from_epoch && epoch <= m->to_epoch)
			return m;
	}
	return NULL;
}

const char *process_name(const struct process *p)
{
	const char *name = text_basename(p->rec->header->exe);

	return *name ? name : "?";
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
