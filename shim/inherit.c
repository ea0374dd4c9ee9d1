/* SPDX-License-Identifier: MIT */
/*
 * What a forked child takes over of its parent's lives. It works on a private copy, made before
 * the fork where a hook saw it coming, until its first socket event gives it a recording of its
 * own; a child that touches no socket never has one.
 */
#include "shim.h"

static struct rec_life *chunk_get(uint32_t chunk)
{
	return life_slot((int)(chunk * REC_LIVES_PER_CHUNK));
}

/* Copies whole chunks, header and all, one behind the other. */
struct snapshot lives_snapshot(void)
{
	struct snapshot s = {NULL, 0};
	uint32_t nr = 0, top = word_get(&shim.top_chunk);
	char *to;

	for (uint32_t i = 0; i < top; i++)
		nr += chunk_get(i) != NULL;
	if (!nr || !(to = sys_mmap(-1, 0, (size_t)nr * REC_UNIT)))
		return s;
	s = (struct snapshot){to, (size_t)nr * REC_UNIT};
	for (uint32_t i = 0; i < top && nr; i++) {
		struct rec_life *lives = chunk_get(i);

		if (!lives)
			continue;
		memcpy(to, (struct rec_chunk *)lives - 1, REC_UNIT);
		to += REC_UNIT;
		nr--;
	}
	return s;
}

/* In the child: the copies take the place of the parent's own chunks. */
void lives_adopt(const struct snapshot *s)
{
	for (uint32_t i = 0; i < shim.top_chunk; i++)
		if (chunk_get(i))
			*life_chunk_pointer(i) = NULL;
	for (size_t at = 0; at < s->bytes; at += REC_UNIT) {
		struct rec_chunk *chunk = (struct rec_chunk *)((char *)s->mem + at);

		if (chunk->nr)
			*life_chunk_pointer(chunk->base / REC_LIVES_PER_CHUNK) =
				(struct rec_life *)(chunk + 1);
	}
}

/* What an inherited life must earn anew: it speaks of the process that holds it. */
#define OWN_FLAGS (REC_LIFE_TOUCHED | REC_LIFE_FACTS | REC_LIFE_TOUCHER_ENDED)

static bool chunk_inherit(uint32_t chunk)
{
	struct rec_life *from = chunk_get(chunk), *to = from ? life_chunk_grow(chunk) : NULL;

	if (!from || !to)
		return !from;
	memcpy(to, from, REC_LIVES_PER_CHUNK * sizeof(*to));
	for (uint32_t i = 0; i < REC_LIVES_PER_CHUNK; i++) {
		to[i].flags = (to[i].flags | REC_LIFE_INHERITED) & ~(uint32_t)OWN_FLAGS;
		life_forget_waiters(&to[i]); /* but epoll_fd: parent and child share the set */
	}
	word_set_release(life_chunk_pointer(chunk), to);
	return true;
}

bool lives_inherit(void)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < shim.top_chunk; i++)
		ok = chunk_inherit(i);
	return ok;
}
