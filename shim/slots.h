/* SPDX-License-Identifier: MIT */
/* slots.c: where the life of each descriptor lies. */
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

/* Whole chunks, by their number: the lives in one; NULL where there is none. */
struct rec_life *lives_chunk(uint32_t chunk);
/* These take the place of what was there; NULL: nothing does. */
void lives_chunk_put(uint32_t chunk, struct rec_life *lives);
/* Room in the recording for one, not in use yet; NULL where there is none. */
struct rec_life *lives_chunk_grow(uint32_t chunk);
/* The first one from this number on that is there, or UINT32_MAX: leaps over the gaps. */
uint32_t lives_chunk_next(uint32_t chunk);

/* The first number from `fd` on that is near a socket, or UINT32_MAX: likewise. */
uint32_t life_next(uint32_t fd);

/*
 * shim.lives[0]: of a million descriptors. For each chunk the place where the life of number 0
 * would lie if all lay in a row, so that a slot is found by its number alone; 0: no such chunk.
 */
extern uintptr_t lives_first[LIVES_L2];

struct rec_life *life_slot_far(int fd);
struct rec_life *life_slot_make(int fd);

/* The slot of a descriptor, or NULL where no socket was near it yet. */
static inline struct rec_life *life_slot(int fd)
{
	struct rec_life *row;
	uint64_t chunk;

	if (unlikely((uint32_t)fd >= LIVES_L2 * REC_LIVES_PER_CHUNK))
		return life_slot_far(fd);
	/* The quotient, by one multiplication: it is exact up to 2^30. */
	chunk = (uint32_t)fd * (UINT64_C(0x100000000) / REC_LIVES_PER_CHUNK + 1) >> 32;
	row = (struct rec_life *)word_get_acquire(&lives_first[chunk]);
	return row ? row + (uint32_t)fd : NULL;
}

static inline struct rec_life_rest *life_rest(struct life_ref ref)
{
	return rec_life_rest_of(ref.life, (uint32_t)ref.fd);
}

#endif
