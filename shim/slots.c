/* SPDX-License-Identifier: MIT */
/*
 * Where the life of each descriptor lies: chunks of the recording, found by tables of two levels.
 * A chunk stands there as the place where number 0 would lie if all lay in a row.
 */
#include "slots.h"

#include "house.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "sys.h"
#include "words.h"

uintptr_t lives_first[SLOTS_L2];

const struct slots slots_lives = {
	.kind = REC_CHUNK_LIVES,
	.per_chunk = REC_LIVES_PER_CHUNK,
	.entry_bytes = sizeof(struct rec_life),
	.nr_l1 = LIVES_L1,
	.l1 = shim.lives,
	.top = &shim.top_chunk,
};

const struct slots slots_more = {
	.kind = REC_CHUNK_MORE,
	.per_chunk = REC_MORE_PER_CHUNK,
	.entry_bytes = sizeof(struct rec_life_more),
	.nr_l1 = MORE_L1,
	.l1 = shim.more,
	.top = &shim.top_more,
};

/* ---- chunks ------------------------------------------------------------------------------ */

/* From the first slot of a chunk to where number 0 would lie. */
static uintptr_t row_of(const struct slots *s, uint32_t chunk, const void *slots)
{
	return (uintptr_t)slots - (uintptr_t)chunk * s->per_chunk * s->entry_bytes;
}

static void *slot_in(const struct slots *s, uintptr_t row, uint32_t fd)
{
	return row ? (void *)(row + (uintptr_t)fd * s->entry_bytes) : NULL;
}

/* Where a chunk is entered; NULL where its part of the table is not there. */
static uintptr_t *entry_of(const struct slots *s, uint32_t chunk)
{
	uintptr_t *l2;

	if (chunk / SLOTS_L2 >= s->nr_l1)
		return NULL;
	l2 = word_get_acquire(&s->l1[chunk / SLOTS_L2]);
	return l2 ? &l2[chunk % SLOTS_L2] : NULL;
}

/* ... made if need be. */
static uintptr_t *entry_make(const struct slots *s, uint32_t chunk)
{
	uintptr_t *entry = entry_of(s, chunk), *l2, *before = NULL;

	if (entry || chunk / SLOTS_L2 >= s->nr_l1)
		return entry;
	l2 = sys_mmap(-1, 0, SLOTS_L2 * sizeof(*l2));
	if (l2 && !word_cas(&s->l1[chunk / SLOTS_L2], &before, l2))
		sys_munmap(l2, SLOTS_L2 * sizeof(*l2));
	return entry_of(s, chunk);
}

void *slots_chunk(const struct slots *s, uint32_t chunk)
{
	uintptr_t *entry = entry_of(s, chunk);

	return entry ? slot_in(s, word_get_acquire(entry), chunk * s->per_chunk) : NULL;
}

void slots_put(const struct slots *s, uint32_t chunk, void *slots)
{
	uintptr_t *entry = entry_of(s, chunk);

	if (entry)
		word_set_release(entry, slots ? row_of(s, chunk, slots) : 0);
}

void *slots_grow(const struct slots *s, uint32_t chunk)
{
	return room_chunk(s->kind, 1, chunk * s->per_chunk, s->per_chunk, s->entry_bytes);
}

uint32_t slots_next(const struct slots *s, uint32_t chunk)
{
	uint32_t top = word_get(s->top);

	while (chunk < top) {
		uintptr_t *entry = entry_of(s, chunk);

		if (entry && word_get(entry))
			return chunk;
		chunk = entry ? chunk + 1 : (chunk / SLOTS_L2 + 1) * SLOTS_L2;
	}
	return UINT32_MAX;
}

/* ---- slots ------------------------------------------------------------------------------- */

static void *slot_far(const struct slots *s, int fd)
{
	uint32_t number = (uint32_t)fd;
	uintptr_t *entry = fd < 0 ? NULL : entry_of(s, number / s->per_chunk);

	return entry ? slot_in(s, word_get_acquire(entry), number) : NULL;
}

/* The slot of fd, made if need be. A chunk made twice in a race is left empty in the file. */
static void *slot_make(const struct slots *s, int fd)
{
	uint32_t chunk = (uint32_t)fd / s->per_chunk, top;
	uintptr_t *entry = fd < 0 ? NULL : entry_make(s, chunk), before = 0;
	void *slots = entry ? slots_grow(s, chunk) : NULL;

	if (!slots)
		return NULL;
	if (!word_cas(entry, &before, row_of(s, chunk, slots)))
		((struct rec_chunk *)slots)[-1].nr = 0;
	top = word_get(s->top);
	while (top <= chunk && !word_cas(s->top, &top, chunk + 1))
		;
	return slot_far(s, fd);
}

COLD struct rec_life *life_slot_far(int fd)
{
	return slot_far(&slots_lives, fd);
}

struct rec_life *life_slot_make(int fd)
{
	return slot_make(&slots_lives, fd);
}

uint32_t life_next(uint32_t fd)
{
	uint32_t chunk = slots_next(&slots_lives, fd / REC_LIVES_PER_CHUNK);

	if (chunk == UINT32_MAX || chunk == fd / REC_LIVES_PER_CHUNK)
		return chunk == UINT32_MAX ? chunk : fd;
	return chunk * REC_LIVES_PER_CHUNK;
}

struct rec_life_more *more_slot(int fd)
{
	return slot_far(&slots_more, fd);
}

struct rec_life_more *more_slot_make(int fd)
{
	struct rec_life_more *m = more_slot(fd);

	return m ? m : slot_make(&slots_more, fd);
}
