/* SPDX-License-Identifier: MIT */
/*
 * Interned backtraces. An id is published in the index only after its entry is complete, so a
 * reader of the index never meets a half-written site. They are known by places, not by addresses:
 * those of a library that is loaded again somewhere else are the same.
 */
#include "sites.h"

#include <string.h>

#include "house.h"
#include "modules.h"
#include "recorder.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "unwinder.h"
#include "words.h"

#define INDEX_NR 32768u /* a power of two, twice as many as there can be sites */

/* id, or 0. In ordinary memory: a forked child keeps it, for it keeps the ids. */
static uint32_t site_index[INDEX_NR];

/* A stack in the terms of files. */
struct stack {
	uint32_t nr;
	uint32_t flags; /* enum rec_site_flag */
	uint32_t hash;
	uint64_t place[REC_SITE_FRAMES];
};

static void stack_of(struct stack *s, const struct frames *f)
{
	uint64_t h = f->flags * 7919u;

	s->nr = f->nr;
	s->flags = f->flags;
	modules_place(f->pc, s->place, f->nr);
	for (uint32_t i = 0; i < f->nr; i++)
		h = (h ^ s->place[i]) * 0x9e3779b97f4a7c15u;
	s->hash = (uint32_t)(h >> 32);
}

struct rec_site *site_get(uint32_t id)
{
	uint32_t chunk = (id - 1) / REC_SITES_PER_CHUNK;
	struct rec_site *sites;

	if (!id || chunk >= SITE_CHUNKS)
		return NULL;
	sites = word_get_acquire(&shim.sites[chunk]);
	return sites ? &sites[(id - 1) % REC_SITES_PER_CHUNK] : NULL;
}

static bool site_equals(uint32_t id, const struct stack *is)
{
	const struct rec_site *s = site_get(id);

	return s && s->hash == is->hash && s->nr == is->nr &&
	       !memcmp(s->pc, is->place, is->nr * sizeof(s->pc[0]));
}

static struct rec_site *chunk_grow(uint32_t chunk)
{
	return room_chunk(REC_CHUNK_SITES, 1, chunk * REC_SITES_PER_CHUNK + 1, REC_SITES_PER_CHUNK,
			  sizeof(struct rec_site));
}

static struct rec_site *site_make(uint32_t id)
{
	uint32_t chunk = (id - 1) / REC_SITES_PER_CHUNK;
	struct rec_site *sites, *before = NULL;

	if (chunk >= SITE_CHUNKS)
		return NULL;
	if (!word_get_acquire(&shim.sites[chunk])) {
		sites = chunk_grow(chunk);
		if (!sites)
			return NULL;
		if (!word_cas(&shim.sites[chunk], &before, sites))
			((struct rec_chunk *)sites)[-1].nr = 0;
	}
	return site_get(id);
}

static uint32_t site_new(const struct stack *is)
{
	uint32_t id = word_add(&shim.nr_sites, 1) + 1;
	struct rec_site *s = site_make(id);

	if (!s)
		return 0;
	s->hash = is->hash;
	s->flags = (uint16_t)is->flags;
	memcpy(s->pc, is->place, is->nr * sizeof(s->pc[0]));
	word_set_release(&s->nr, (uint16_t)is->nr);
	word_set(&shim.head->nr_sites, id);
	return id;
}

/* Returns the id of this stack, or 0 where there is no room for one more. */
uint32_t site_intern(const struct frames *f)
{
	struct stack is;
	uint32_t made = 0;

	stack_of(&is, f);
	for (uint32_t i = 0; i < INDEX_NR; i++) {
		uint32_t *slot = &site_index[(is.hash + i) % INDEX_NR];
		uint32_t id = word_get_acquire(slot);

		if (!id && !made && !(made = site_new(&is)))
			break;
		if (!id && word_cas(slot, &id, made))
			return made;
		if (site_equals(id, &is))
			return id; /* `made`, if any, stays as an entry that nobody cites */
	}
	recorder_lost(&shim.head->lost_sites);
	return 0;
}

/* A socket is born there. */
void site_bears(uint32_t site, enum rec_call call)
{
	struct rec_site *s = site_get(site);

	if (s && word_get(&s->born_by) != (uint32_t)call)
		word_set(&s->born_by, (uint32_t)call);
}

static uint64_t peer_hash(const struct rec_addr *peer)
{
	uint64_t hash = 14695981039346656037u ^ peer->port;

	for (size_t i = 0; i < sizeof(peer->ip); i++)
		hash = (hash ^ peer->ip[i]) * 1099511628211u;
	return hash >> 1 | 1; /* neither "none" nor "several" */
}

/* A socket of this site connects to `peer`. */
void site_connects(uint32_t site, const struct rec_addr *peer)
{
	struct rec_site *s = site_get(site);
	uint64_t hash = peer_hash(peer), before;

	if (!s || !peer->family)
		return;
	before = word_get(&s->peer);
	if (before == hash || before == REC_SITE_SEVERAL_PEERS) /* no write: others do so, too */
		return;
	if ((before || !word_cas(&s->peer, &before, hash)) && before != hash)
		word_set(&s->peer, REC_SITE_SEVERAL_PEERS);
}

/* In a new child: the parent's sites are copied, their ids stay. */
bool sites_inherit(void)
{
	for (uint32_t i = 0; i < SITE_CHUNKS && shim.sites[i]; i++) {
		struct rec_site *from = shim.sites[i], *to = chunk_grow(i);

		if (!to)
			return false;
		memcpy(to, from, REC_SITES_PER_CHUNK * sizeof(*to));
		for (uint32_t k = 0; k < REC_SITES_PER_CHUNK; k++)
			to[k].ended_born_ns = 0;
		word_set_release(&shim.sites[i], to);
	}
	return true;
}
