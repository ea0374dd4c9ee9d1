/* SPDX-License-Identifier: MIT */
/* Where the life of each descriptor lies: chunks of the recording, found by two tables. */
#include "slots.h"

#include "house.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "sys.h"
#include "words.h"

uintptr_t lives_first[LIVES_L2];

/* From the first life of a chunk to where number 0 would lie. */
static uintptr_t row_of(uint32_t chunk, const struct rec_life *lives)
{
	return (uintptr_t)lives - (uintptr_t)chunk * REC_LIVES_PER_CHUNK * sizeof(*lives);
}

static struct rec_life *life_in(uintptr_t row, uint32_t fd)
{
	return row ? (struct rec_life *)(row + (uintptr_t)fd * sizeof(struct rec_life)) : NULL;
}

/* Where a chunk is entered; NULL where its part of the table is not there. */
static uintptr_t *entry_of(uint32_t chunk)
{
	uintptr_t *l2;

	if (chunk / LIVES_L2 >= LIVES_L1)
		return NULL;
	l2 = word_get_acquire(&shim.lives[chunk / LIVES_L2]);
	return l2 ? &l2[chunk % LIVES_L2] : NULL;
}

/* ... made if need be. */
static uintptr_t *entry_make(uint32_t chunk)
{
	uintptr_t *entry = entry_of(chunk), *l2, *before = NULL;

	if (entry || chunk / LIVES_L2 >= LIVES_L1)
		return entry;
	l2 = sys_mmap(-1, 0, LIVES_L2 * sizeof(*l2));
	if (l2 && !word_cas(&shim.lives[chunk / LIVES_L2], &before, l2))
		sys_munmap(l2, LIVES_L2 * sizeof(*l2));
	return entry_of(chunk);
}

/* ---- chunks ------------------------------------------------------------------------------ */

struct rec_life *lives_chunk(uint32_t chunk)
{
	uintptr_t *entry = entry_of(chunk);

	return entry ? life_in(word_get_acquire(entry), chunk * REC_LIVES_PER_CHUNK) : NULL;
}

void lives_chunk_put(uint32_t chunk, struct rec_life *lives)
{
	uintptr_t *entry = entry_of(chunk);

	if (entry)
		word_set_release(entry, lives ? row_of(chunk, lives) : 0);
}

struct rec_life *lives_chunk_grow(uint32_t chunk)
{
	return room_chunk(REC_CHUNK_LIVES, 1, chunk * REC_LIVES_PER_CHUNK, REC_LIVES_PER_CHUNK,
			  REC_LIFE_BYTES);
}

uint32_t lives_chunk_next(uint32_t chunk)
{
	uint32_t top = word_get(&shim.top_chunk);

	while (chunk < top) {
		uintptr_t *entry = entry_of(chunk);

		if (entry && word_get(entry))
			return chunk;
		chunk = entry ? chunk + 1 : (chunk / LIVES_L2 + 1) * LIVES_L2;
	}
	return UINT32_MAX;
}

/* ---- slots ------------------------------------------------------------------------------- */

COLD struct rec_life *life_slot_far(int fd)
{
	uintptr_t *entry = fd < 0 ? NULL : entry_of((uint32_t)fd / REC_LIVES_PER_CHUNK);

	return entry ? life_in(word_get_acquire(entry), (uint32_t)fd) : NULL;
}

/* The slot of fd, made if need be. A chunk made twice in a race is left empty in the file. */
struct rec_life *life_slot_make(int fd)
{
	uint32_t chunk = (uint32_t)fd / REC_LIVES_PER_CHUNK, top;
	uintptr_t *entry = fd < 0 ? NULL : entry_make(chunk), before = 0;
	struct rec_life *lives = entry ? lives_chunk_grow(chunk) : NULL;

	if (!lives)
		return NULL;
	if (!word_cas(entry, &before, row_of(chunk, lives)))
		((struct rec_chunk *)lives)[-1].nr = 0;
	top = word_get(&shim.top_chunk);
	while (top <= chunk && !word_cas(&shim.top_chunk, &top, chunk + 1))
		;
	return life_slot_far(fd);
}

uint32_t life_next(uint32_t fd)
{
	uint32_t chunk = lives_chunk_next(fd / REC_LIVES_PER_CHUNK);

	if (chunk == UINT32_MAX || chunk == fd / REC_LIVES_PER_CHUNK)
		return chunk == UINT32_MAX ? chunk : fd;
	return chunk * REC_LIVES_PER_CHUNK;
}
