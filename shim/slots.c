/* SPDX-License-Identifier: MIT */
/* Where the life of each descriptor lies: chunks of the recording, found by two tables. */
#include "slots.h"

#include "house.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "sys.h"
#include "words.h"

struct rec_life *lives_first[LIVES_L2];

static struct rec_life **l2_make(uint32_t i)
{
	struct rec_life **l2 = sys_mmap(-1, 0, LIVES_L2 * sizeof(*l2)), **before = NULL;

	if (!l2)
		return NULL;
	if (word_cas(&shim.lives[i], &before, l2))
		return l2;
	sys_munmap(l2, LIVES_L2 * sizeof(*l2));
	return before;
}

struct rec_life **life_chunk_pointer(uint32_t chunk)
{
	struct rec_life **l2 = word_get_acquire(&shim.lives[chunk / LIVES_L2]);

	if (!l2)
		l2 = l2_make(chunk / LIVES_L2);
	return l2 ? &l2[chunk % LIVES_L2] : NULL;
}

struct rec_life *life_chunk_grow(uint32_t chunk)
{
	return room_chunk(REC_CHUNK_LIVES, 1, chunk * REC_LIVES_PER_CHUNK, REC_LIVES_PER_CHUNK,
			  sizeof(struct rec_life));
}

COLD struct rec_life *life_slot_far(int fd)
{
	uint32_t chunk = (uint32_t)fd / REC_LIVES_PER_CHUNK;
	struct rec_life **l2, *lives;

	if (fd < 0 || chunk / LIVES_L2 >= LIVES_L1)
		return NULL;
	l2 = word_get_acquire(&shim.lives[chunk / LIVES_L2]);
	lives = l2 ? word_get_acquire(&l2[chunk % LIVES_L2]) : NULL;
	return lives ? lives + (uint32_t)fd % REC_LIVES_PER_CHUNK : NULL;
}

/* The slot of fd, made if need be. A chunk made twice in a race is left empty in the file. */
struct rec_life *life_slot_make(int fd)
{
	uint32_t chunk = (uint32_t)fd / REC_LIVES_PER_CHUNK, top;
	struct rec_life *lives, *before = NULL, **p;

	if (chunk / LIVES_L2 >= LIVES_L1)
		return NULL;
	p = life_chunk_pointer(chunk);
	lives = p ? life_chunk_grow(chunk) : NULL;
	if (!lives)
		return NULL;
	if (!word_cas(p, &before, lives))
		((struct rec_chunk *)lives)[-1].nr = 0;
	top = word_get(&shim.top_chunk);
	while (top <= chunk && !word_cas(&shim.top_chunk, &top, chunk + 1))
		;
	return life_slot(fd);
}

uint32_t life_next(uint32_t fd)
{
	uint32_t chunk = fd / REC_LIVES_PER_CHUNK, first = chunk, top = word_get(&shim.top_chunk);

	while (chunk < top) {
		struct rec_life **l2 = word_get_acquire(&shim.lives[chunk / LIVES_L2]);

		if (l2 && word_get(&l2[chunk % LIVES_L2]))
			return chunk == first ? fd : chunk * REC_LIVES_PER_CHUNK;
		chunk = l2 ? chunk + 1 : (chunk / LIVES_L2 + 1) * LIVES_L2;
	}
	return UINT32_MAX;
}
