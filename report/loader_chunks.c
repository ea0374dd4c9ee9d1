/* SPDX-License-Identifier: MIT */
/*
 * What lies where in a recording that has been read. Every number of a chunk is distrusted here:
 * what makes no sense is stepped over and counted.
 */
#include "loader.h"

#include <string.h>

#include "alloc.h"

/* All of them first, and then as many rests: no matter where the walk is. */
static void take_life(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	const struct rec_life *lives = (const void *)(c + 1);
	struct recorded_life *slot;

	(void)entry;
	if (c->nr != REC_LIVES_PER_CHUNK || c->base % REC_LIVES_PER_CHUNK ||
	    c->base > INT32_MAX - c->nr)
		return;
	ALLOC_GROW(r->lives, r->nr_lives + 1, r->alloc_lives);
	slot = &r->lives[r->nr_lives++];
	slot->fd = (int)(c->base + i);
	slot->recorded = &lives[i];
}

static void take_site(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	uint64_t id = (uint64_t)c->base + i;
	struct rec_site *site = entry;

	/* Ids are given out in a row: none is larger than the number of sites that fit. */
	if (!id || id >= r->nr_sites)
		return;
	if (site->nr > REC_SITE_FRAMES)
		site->nr = REC_SITE_FRAMES;
	r->sites[id] = site;
}

static void take_module(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	uint64_t number = (uint64_t)c->base + i + 1;
	struct rec_module *m = entry;

	if (!m->seq || !m->bytes || number >= r->nr_numbers)
		return;
	m->path[sizeof(m->path) - 1] = '\0';
	if (m->build_id_len > sizeof(m->build_id))
		m->build_id_len = 0;
	r->numbered[number] = m;
	ALLOC_GROW(r->modules, r->nr_modules + 1, r->alloc_modules);
	r->modules[r->nr_modules++] = m;
}

static void take_progress(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_progress *p = entry;

	(void)c;
	(void)i;
	if (!p->tid)
		return;
	ALLOC_GROW(r->progress, r->nr_progress + 1, r->alloc_progress);
	r->progress[r->nr_progress++] = p;
}

static void take_incident(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_incident *in = entry;

	(void)c;
	(void)i;
	if (in->kind == REC_INCIDENT_NONE || in->kind >= REC_INCIDENT_KINDS)
		return;
	ALLOC_GROW(r->incidents, r->nr_incidents + 1, r->alloc_incidents);
	r->incidents[r->nr_incidents++] = in;
}

static void take_outcome(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_outcome *o = entry;

	(void)c;
	(void)i;
	if (!o->birth_site || o->birth_site == UINT32_MAX)
		return;
	ALLOC_GROW(r->outcomes, r->nr_outcomes + 1, r->alloc_outcomes);
	r->outcomes[r->nr_outcomes++] = o;
}

static void take_poller(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_poller *p = entry;

	(void)c;
	(void)i;
	if (!p->tid)
		return;
	ALLOC_GROW(r->pollers, r->nr_pollers + 1, r->alloc_pollers);
	r->pollers[r->nr_pollers++] = p;
}

static void take_sent(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_sent *s = entry;

	(void)c;
	(void)i;
	if (!s->cookie)
		return;
	ALLOC_GROW(r->sent, r->nr_sent + 1, r->alloc_sent);
	r->sent[r->nr_sent++] = s;
}

static void take_kept(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_kept *k = entry;

	(void)c;
	(void)i;
	if (!k->id)
		return;
	k->reason[REC_KEPT_REASON - 1] = '\0';
	ALLOC_GROW(r->kept, r->nr_kept + 1, r->alloc_kept);
	r->kept[r->nr_kept++] = k;
}

/* One that is being moved while the file is copied may be there twice. */
static bool is_next(const struct recording *r, const struct rec_sample *s)
{
	const struct rec_sample *last = r->nr_samples ? r->samples[r->nr_samples - 1] : NULL;

	if (last && (s->ns <= last->ns || s->births < last->births))
		return false;
	return s->ns >= r->header->start_ns;
}

static bool is_possible(const struct rec_sample *s)
{
	return s->check == rec_sample_check(s) && s->fin_seen <= s->open &&
	       s->close_wait <= s->fin_seen;
}

static void take_sample(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_sample *s = entry;

	(void)c;
	(void)i;
	if (!is_possible(s) || !is_next(r, s))
		return;
	ALLOC_GROW(r->samples, r->nr_samples + 1, r->alloc_samples);
	r->samples[r->nr_samples++] = s;
}

static const struct chunk_taker {
	size_t entry_bytes;
	void (*take)(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry);
} takers[REC_CHUNK_KINDS] = {
	[REC_CHUNK_LIVES] = {REC_LIFE_BYTES, take_life},
	[REC_CHUNK_SITES] = {sizeof(struct rec_site), take_site},
	[REC_CHUNK_MODULES] = {sizeof(struct rec_module), take_module},
	[REC_CHUNK_PROGRESS] = {sizeof(struct rec_progress), take_progress},
	[REC_CHUNK_INCIDENTS] = {sizeof(struct rec_incident), take_incident},
	[REC_CHUNK_OUTCOMES] = {sizeof(struct rec_outcome), take_outcome},
	[REC_CHUNK_POLLERS] = {sizeof(struct rec_poller), take_poller},
	[REC_CHUNK_SENT] = {sizeof(struct rec_sent), take_sent},
	[REC_CHUNK_KEPT] = {sizeof(struct rec_kept), take_kept},
	[REC_CHUNK_SAMPLES] = {sizeof(struct rec_sample), take_sample},
};

static void take_chunk(struct recording *r, struct rec_chunk *c)
{
	const struct chunk_taker *taker;
	unsigned char *entry = (unsigned char *)(c + 1);
	uint32_t i;

	if (c->kind >= REC_CHUNK_KINDS || !takers[c->kind].take)
		return;
	taker = &takers[c->kind];
	if (c->entry_bytes != taker->entry_bytes ||
	    (uint64_t)c->nr * c->entry_bytes > REC_CHUNK_ROOM((uint64_t)c->units)) {
		r->nr_damaged++;
		return;
	}
	for (i = 0; i < c->nr; i++, entry += c->entry_bytes)
		taker->take(r, c, i, entry);
}

void recording_walk_chunks(struct recording *r)
{
	size_t at = REC_UNIT;

	while (at < r->size) {
		struct rec_chunk *c = (struct rec_chunk *)(void *)(r->data + at);
		uint64_t bytes = (uint64_t)c->units * REC_UNIT;

		if (c->kind == REC_CHUNK_NONE) {
			at += REC_UNIT;
		} else if (!bytes || bytes > r->size - at) {
			r->nr_damaged++;
			at += REC_UNIT;
		} else {
			take_chunk(r, c);
			at += bytes;
		}
	}
}
