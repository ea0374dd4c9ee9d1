/* SPDX-License-Identifier: MIT */
/* slots.c: where the life of each descriptor lies, and what more there is of it. */
#ifndef SHIM_SLOTS_H
#define SHIM_SLOTS_H

#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "shim.h"
#include "words.h"

/* A life as it was found: what comes back from the kernel belongs to it while seq is the same. */
struct life_ref {
	struct rec_life *life; /* NULL: no socket that we know of */
	uint32_t seq;
	int fd;
};

/* A kind of chunks of the recording that has a slot for each descriptor. */
struct slots {
	enum rec_chunk_kind kind;
	uint32_t per_chunk;
	uint32_t entry_bytes;
	uint32_t nr_l1;
	uintptr_t **l1;
	uint32_t *top; /* highest chunk in use, plus 1 */
};

extern const struct slots slots_lives, slots_more;

/* The first slot of a chunk, or NULL where there is none. */
void *slots_chunk(const struct slots *s, uint32_t chunk);
/* This one takes the place of what was there; NULL: nothing does. */
void slots_put(const struct slots *s, uint32_t chunk, void *slots);
/* Room in the recording for a chunk, not in use yet; NULL where there is none. */
void *slots_grow(const struct slots *s, uint32_t chunk);
/* The first chunk from this one on that is there, or UINT32_MAX: leaps over the gaps. */
uint32_t slots_next(const struct slots *s, uint32_t chunk);

/* The first number from `fd` on that is near a socket, or UINT32_MAX: likewise. */
uint32_t life_next(uint32_t fd);

/*
 * shim.lives[0]: of a million descriptors. For each chunk the place where number 0 would lie if all
 * lay in a row, so that a slot is found by its number alone; 0: no such chunk.
 */
extern uintptr_t lives_first[SLOTS_L2];

struct rec_life *life_slot_far(int fd);
struct rec_life *life_slot_make(int fd);

/* The slot of a descriptor, or NULL where no socket was near it yet. */
static inline struct rec_life *life_slot(int fd)
{
	struct rec_life *row;
	uint64_t chunk;

	if (unlikely((uint32_t)fd >= SLOTS_L2 * REC_LIVES_PER_CHUNK))
		return life_slot_far(fd);
	/* The quotient, by one multiplication: it is exact up to 2^25. */
	chunk = (uint32_t)fd * (UINT64_C(0x100000000) / REC_LIVES_PER_CHUNK + 1) >> 32;
	row = (struct rec_life *)word_get_acquire(&lives_first[chunk]);
	return row ? row + (uint32_t)fd : NULL;
}

/* Its slot for more, or NULL; life_more() and life_more_make() say whose it is. */
struct rec_life_more *more_slot(int fd);
struct rec_life_more *more_slot_make(int fd);

#endif
