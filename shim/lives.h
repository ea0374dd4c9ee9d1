/* SPDX-License-Identifier: MIT */
/* lives.c: the table of descriptors. */
#ifndef SHIM_LIVES_H
#define SHIM_LIVES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "at.h"
#include "house.h"
#include "recording.h"
#include "shim.h"
#include "words.h"

/* A life as it was found: what comes back from the kernel belongs to it while seq is the same. */
struct life_ref {
	struct rec_life *life; /* NULL: no socket that we know of */
	uint32_t seq;
};

struct birth {
	enum rec_call call;
	int family;
	int type;
	int protocol;
	uint32_t flags;
};

struct life_ref life_find_detached(int fd, struct rec_life *life);
struct life_ref life_born(int fd, const struct birth *birth, struct at at);
struct life_ref life_found(int fd, const struct birth *birth, uint64_t born_ns);
struct life_ref life_alias(int fd, struct life_ref from, int from_fd);
void life_born_by_dup(int fd, struct life_ref from, int from_fd, enum rec_call call, struct at at);
bool life_die(int fd, struct at at, uint32_t *undo);
void life_undo_death(int fd, uint32_t undo);
void life_vanished(struct life_ref ref);
void life_accepted_from(struct life_ref listener, uint64_t ns);
void life_eof(struct life_ref ref, struct at at);
void life_error(struct life_ref ref, int error, struct at at);
void life_flag(struct life_ref ref, uint32_t flag);
void life_taken(struct life_ref ref);
void lives_flag_all(uint64_t id, uint32_t flag);
void life_shut(struct life_ref ref, int how, struct at at);
void life_forget_waiters(struct rec_life *life);
void life_addr(struct rec_addr *to, const void *addr, socklen_t len);
struct rec_life **life_chunk_pointer(uint32_t chunk);
struct rec_life *life_chunk_grow(uint32_t chunk);

/* The first number from `fd` on that is near a socket, or UINT32_MAX: leaps over the gaps. */
uint32_t life_next(uint32_t fd);

extern struct rec_life *lives_first[LIVES_L2]; /* shim.lives[0]: a million descriptors */

struct rec_life *life_slot_far(int fd);

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

/* The open life in fd. */
static inline struct life_ref life_find(int fd)
{
	struct rec_life *life = life_slot(fd);
	uint32_t seq = life ? word_get_acquire(&life->seq) : 0;

	if (likely(!(seq & 1)))
		return (struct life_ref){NULL, 0};
	if (unlikely(word_get_acquire(&shim.attach) != ATTACHED))
		return life_find_detached(fd, life);
	return (struct life_ref){life, seq};
}

static inline bool life_is(struct life_ref ref)
{
	return ref.life && word_get_acquire(&ref.life->seq) == ref.seq;
}

#endif
