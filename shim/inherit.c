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

#define EACH_CHUNK(i)                                                                              \
	for (uint32_t i = lives_chunk_next(0); i != UINT32_MAX; i = lives_chunk_next(i + 1))

/* Copies whole chunks, header and all, one behind the other. */
struct snapshot lives_snapshot(void)
{
	struct snapshot s = {NULL, 0};
	uint32_t nr = 0;
	char *to;

	EACH_CHUNK (i)
		nr++;
	if (!nr || !(to = sys_mmap(-1, 0, (size_t)nr * REC_UNIT)))
		return s;
	s = (struct snapshot){to, (size_t)nr * REC_UNIT};
	EACH_CHUNK (i) {
		if (!nr--) /* another thread's, since they were counted */
			break;
		words_copy(to, (struct rec_chunk *)lives_chunk(i) - 1, REC_UNIT);
		to += REC_UNIT;
	}
	return s;
}

/* In the child: the copies take the place of the parent's own chunks. */
void lives_adopt(const struct snapshot *s)
{
	EACH_CHUNK (i)
		lives_chunk_put(i, NULL);
	for (size_t at = 0; at < s->bytes; at += REC_UNIT) {
		struct rec_chunk *chunk = (struct rec_chunk *)((char *)s->mem + at);

		if (chunk->nr)
			lives_chunk_put(chunk->base / REC_LIVES_PER_CHUNK,
					(struct rec_life *)(chunk + 1));
	}
}

/* What an inherited life must earn anew: it speaks of the process that holds it. */
#define OWN_FLAGS (REC_LIFE_TOUCHED | REC_LIFE_FACTS | REC_LIFE_TOUCHER_ENDED)

static bool chunk_inherit(uint32_t chunk)
{
	struct rec_life *from = lives_chunk(chunk), *to = lives_chunk_grow(chunk);

	if (!to)
		return false;
	memcpy(to, from, REC_LIVES_PER_CHUNK * REC_LIFE_BYTES);
	for (uint32_t i = 0; i < REC_LIVES_PER_CHUNK; i++) {
		if (!shim.resumed) /* else they are this very process's */
			to[i].flags = (to[i].flags | REC_LIFE_INHERITED) & ~(uint32_t)OWN_FLAGS;
		life_forget_waiters(&to[i]); /* but epoll_fd: parent and child share the set */
	}
	lives_chunk_put(chunk, to);
	return true;
}

bool lives_inherit(void)
{
	bool ok = true;

	EACH_CHUNK (i)
		ok = ok && chunk_inherit(i);
	return ok;
}
