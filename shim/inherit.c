/* SPDX-License-Identifier: MIT */
/*
 * What a forked child takes over of its parent's lives. It works on a private copy, made before
 * the fork where a hook saw it coming, until its first socket event gives it a recording of its
 * own; a child that touches no socket never has one.
 */
#include "inherit.h"

#include <string.h>

#include "house.h"
#include "lives.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "sys.h"
#include "words.h"

#define EACH_CHUNK(s, i)                                                                           \
	for (uint32_t i = slots_next(s, 0); i != UINT32_MAX; i = slots_next(s, i + 1))

static uint32_t chunks_count(const struct slots *s)
{
	uint32_t nr = 0;

	EACH_CHUNK (s, i)
		nr++;
	return nr;
}

/* Whole chunks, header and all, one behind the other. Others that came since have no room. */
static char *chunks_copy(const struct slots *s, uint32_t nr, char *to)
{
	EACH_CHUNK (s, i) {
		if (!nr--)
			break;
		words_copy(to, (struct rec_chunk *)slots_chunk(s, i) - 1, REC_UNIT);
		to += REC_UNIT;
	}
	return to;
}

/* The lives first: what more there is of them can be seen to speak of others by then. */
struct snapshot lives_snapshot(void)
{
	uint32_t nr_lives = chunks_count(&slots_lives), nr_more = chunks_count(&slots_more);
	struct snapshot s = {NULL, (size_t)(nr_lives + nr_more) * REC_UNIT};

	if (!s.bytes || !(s.mem = sys_mmap(-1, 0, s.bytes)))
		return (struct snapshot){NULL, 0};
	chunks_copy(&slots_more, nr_more, chunks_copy(&slots_lives, nr_lives, s.mem));
	return s;
}

static void forget(const struct slots *s)
{
	EACH_CHUNK (s, i)
		slots_put(s, i, NULL);
}

/* In the child: the copies take the place of the parent's own chunks. */
void lives_adopt(const struct snapshot *s)
{
	forget(&slots_lives);
	forget(&slots_more);
	for (size_t at = 0; at < s->bytes; at += REC_UNIT) {
		struct rec_chunk *chunk = (struct rec_chunk *)((char *)s->mem + at);
		const struct slots *of =
			chunk->kind == REC_CHUNK_LIVES ? &slots_lives : &slots_more;

		if (chunk->nr)
			slots_put(of, chunk->base / of->per_chunk, chunk + 1);
	}
}

/* What an inherited life must earn anew: it speaks of the process that holds it. */
#define OWN_FLAGS (REC_LIFE_TOUCHED | REC_LIFE_FACTS | REC_LIFE_TOUCHER_ENDED)

static bool lives_chunk_inherit(uint32_t chunk)
{
	const struct rec_life *from = slots_chunk(&slots_lives, chunk);
	struct rec_life *to = slots_grow(&slots_lives, chunk);

	if (!to)
		return false;
	memcpy(to, from, REC_LIVES_PER_CHUNK * sizeof(*to));
	for (uint32_t i = 0; i < REC_LIVES_PER_CHUNK; i++) {
		if (!shim.resumed) /* else they are this very process's */
			to[i].flags = (to[i].flags | REC_LIFE_INHERITED) & ~(uint32_t)OWN_FLAGS;
		life_forget_waiters(&to[i]); /* but epoll_fd: parent and child share the set */
	}
	slots_put(&slots_lives, chunk, to);
	return true;
}

static bool more_chunk_inherit(uint32_t chunk)
{
	const struct rec_life_more *from = slots_chunk(&slots_more, chunk);
	struct rec_life_more *to = slots_grow(&slots_more, chunk);

	if (!to)
		return false;
	memcpy(to, from, REC_MORE_PER_CHUNK * sizeof(*to));
	slots_put(&slots_more, chunk, to);
	return true;
}

bool lives_inherit(void)
{
	bool ok = true;

	EACH_CHUNK (&slots_lives, i)
		ok = ok && lives_chunk_inherit(i);
	EACH_CHUNK (&slots_more, i)
		ok = ok && more_chunk_inherit(i);
	return ok;
}
