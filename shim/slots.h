/* SPDX-License-Identifier: MIT */
/* slots.c: where the life of each descriptor lies. */
#ifndef SHIM_SLOTS_H
#define SHIM_SLOTS_H

#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "shim.h"
#include "words.h"

struct rec_life **life_chunk_pointer(uint32_t chunk);
struct rec_life *life_chunk_grow(uint32_t chunk);

/* The first number from `fd` on that is near a socket, or UINT32_MAX: leaps over the gaps. */
uint32_t life_next(uint32_t fd);

extern struct rec_life *lives_first[LIVES_L2]; /* shim.lives[0]: a million descriptors */

struct rec_life *life_slot_far(int fd);
struct rec_life *life_slot_make(int fd);

/* The slot of a descriptor, or NULL where no socket was near it yet. */
static inline struct rec_life *life_slot(int fd)
{
	struct rec_life *lives;
	uint64_t chunk;

	if (unlikely((uint32_t)fd >= LIVES_L2 * REC_LIVES_PER_CHUNK))
		return life_slot_far(fd);
	/* The quotient, by one multiplication: it is exact up to 2^26. */
	chunk = (uint32_t)fd * (UINT64_C(0x100000000) / REC_LIVES_PER_CHUNK + 1) >> 32;
	lives = word_get_acquire(&lives_first[chunk]);
	return lives ? lives + ((uint32_t)fd - chunk * REC_LIVES_PER_CHUNK) : NULL;
}

#endif
