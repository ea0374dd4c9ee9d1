/* SPDX-License-Identifier: MIT */
/*
 * How the sockets of each place ended: ended lives folded into counts and histograms, so that the
 * report can say where the siblings of a leak are closed, and how long after the FIN. The size
 * follows the number of places, not of sockets.
 *
 * Threads count in different entries (shards), so that they do not fight for one cache line.
 */
#include "shim.h"
#include <netinet/tcp.h>

#define SHARDS 8u
#define WINDOW 8u /* entries of a chunk that one key may lie in */

struct ending {
	uint32_t birth_site;
	uint32_t close_site;
	uint32_t flags;
	uint32_t shard;
};

static bool is_of(const struct rec_outcome *o, const struct ending *e)
{
	return word_get(&o->close_site) == e->close_site && o->flags == e->flags &&
	       o->shard == e->shard;
}

static bool entry_take(struct rec_outcome *o, const struct ending *e)
{
	uint32_t nobody = 0;

	if (!word_cas(&o->birth_site, &nobody, UINT32_MAX))
		return false;
	o->close_site = e->close_site;
	o->flags = e->flags;
	o->shard = e->shard;
	word_set_release(&o->birth_site, e->birth_site);
	return true;
}

/* The entry of this chunk that counts such endings, or is free to; NULL where there is no room. */
static struct rec_outcome *entry_in(struct rec_outcome *chunk, const struct ending *e)
{
	uint32_t hash = (e->birth_site * 2654435761u) ^ (e->close_site * 2246822519u) ^
			((e->flags << 3 | e->shard) * 3266489917u);

	for (uint32_t i = 0; i < WINDOW; i++) {
		struct rec_outcome *o = &chunk[((hash >> 8) + i) % REC_OUTCOMES_NR];
		uint32_t site = word_get_acquire(&o->birth_site);

		if (!site && entry_take(o, e))
			return o;
		if (site == e->birth_site && is_of(o, e))
			return o;
	}
	return NULL;
}

static struct rec_outcome *chunk_get(uint32_t i)
{
	struct rec_outcome *chunk = word_get_acquire(&shim.outcomes[i]), *before = NULL;

	if (chunk)
		return chunk;
	chunk = recorder_grow(REC_CHUNK_OUTCOMES, REC_OUTCOME_UNITS, i * REC_OUTCOMES_NR,
			      REC_OUTCOMES_NR, sizeof(*chunk));
	if (!chunk || word_cas(&shim.outcomes[i], &before, chunk))
		return chunk;
	((struct rec_chunk *)chunk)[-1].nr = 0; /* made twice in a race */
	return before;
}

static struct rec_outcome *entry_get(const struct ending *e)
{
	for (uint32_t i = 0; i < OUTCOME_CHUNKS; i++) {
		struct rec_outcome *chunk = chunk_get(i);
		struct rec_outcome *o = chunk ? entry_in(chunk, e) : NULL;

		if (o || !chunk)
			return o;
	}
	return NULL;
}

static uint32_t bucket(uint64_t ns)
{
	uint64_t n = ns / REC_BUCKET_NS;
	uint32_t i = n ? 64u - (uint32_t)__builtin_clzll(n) : 0;

	return i < REC_BUCKETS ? i : REC_BUCKETS - 1;
}

static void keep_max(uint64_t *max, uint64_t ns)
{
	uint64_t before = word_get(max);

	while (before < ns && !word_cas(max, &before, ns))
		;
}

/* When the peer's FIN came, at the latest; 0 if it had not. One system call if nobody read it. */
static uint64_t fin_ns(int fd, const struct rec_life *l, uint64_t now)
{
	uint64_t eof = word_get(&l->eof_ns);
	uint32_t last_ack_ms;

	if (eof)
		return eof;
	if (!(word_get(&l->flags) & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED)) ||
	    word_get(&l->reset_ns) || facts_tcp_state(fd, l, &last_ack_ms) != TCP_CLOSE_WAIT)
		return 0;
	return now - (uint64_t)last_ack_ms * 1000000u;
}

static uint32_t flags_of(const struct rec_life *l, uint64_t fin)
{
	uint32_t flags = word_get(&l->flags);

	return (fin ? REC_OUTCOME_PASSIVE : 0) | (flags & REC_LIFE_EOF ? REC_OUTCOME_TOLD : 0) |
	       (flags & (REC_LIFE_RESET | REC_LIFE_CONNECT_FAILED) ? REC_OUTCOME_RESET : 0) |
	       (flags & REC_LIFE_INHERITED ? REC_OUTCOME_INHERITED : 0) |
	       (word_get(&shim.end_began) ? REC_OUTCOME_AT_END : 0);
}

/* The last descriptor of this socket is about to be closed; close_ns and close_site are set. */
void outcome_add(int fd, const struct rec_life *l)
{
	uint64_t now = word_get(&l->close_ns), lived = now - word_get(&l->born_ns);
	uint64_t fin = fin_ns(fd, l, now);
	struct ending e = {word_get(&l->site), word_get(&l->close_site), flags_of(l, fin),
			   thread_tid() % SHARDS};
	struct rec_outcome *o;

	if (!e.birth_site)
		return;
	o = entry_get(&e);
	if (!o) {
		recorder_lost(&shim.head->lost_outcomes);
		return;
	}
	word_add(&o->nr, 1);
	word_add(&o->life[bucket(lived)], 1);
	keep_max(&o->life_max_ns, lived);
	word_set(&o->last_ns, now);
	if (!fin)
		return;
	word_add(&o->dwell[bucket(now - fin)], 1);
	keep_max(&o->dwell_max_ns, now - fin);
}

static bool is_other_listener(int fd, const struct rec_life *than)
{
	struct life_ref ref = life_find(fd);

	return ref.life && ref.life != than && (word_get(&ref.life->flags) & REC_LIFE_LISTENING) &&
	       word_get(&ref.life->family) != AF_UNIX;
}

/*
 * A server that closes its last listener has begun to stop: what it closes now it might have left.
 * Not a child that closes what it inherited and accepts nothing from.
 */
void outcome_listener_closes(const struct rec_life *l)
{
	uint32_t all = word_get(&shim.top_chunk) * REC_LIVES_PER_CHUNK;

	if (word_get(&l->family) == AF_UNIX || !word_get(&shim.has_accepted))
		return;
	for (uint32_t fd = 0; fd < all; fd++)
		if (is_other_listener((int)fd, l))
			return;
	word_cas(&shim.end_began, &(uint32_t){END_NOT_BEGUN}, END_NO_LISTENER);
}

/* It goes on after all, with another listener. */
void outcome_listener_opens(const struct rec_life *l)
{
	if (word_get(&l->family) != AF_UNIX)
		word_cas(&shim.end_began, &(uint32_t){END_NO_LISTENER}, END_NOT_BEGUN);
}
