/* SPDX-License-Identifier: MIT */
/* lives.c: the table of descriptors. */
#ifndef SHIM_LIVES_H
#define SHIM_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "at.h"
#include "house.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "words.h"

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
struct life_ref life_alias(int fd, struct life_ref from);
void life_born_by_dup(int fd, struct life_ref from, enum rec_call call, struct at at);
bool life_die(int fd, struct at at, uint32_t *undo);
void life_undo_death(int fd, uint32_t undo);
void life_vanished(struct life_ref ref);
void life_flag(struct life_ref ref, uint32_t flag);
void life_taken(struct life_ref ref);
void lives_flag_all(uint64_t id, uint32_t flag);
void life_forget_waiters(struct rec_life *life);

/* The open life in fd. */
static inline struct life_ref life_find(int fd)
{
	struct rec_life *life = life_slot(fd);
	uint32_t seq = life ? word_get_acquire(&life->seq) : 0;
	struct life_ref ref = {life, seq, fd};

	if (likely(!(seq & 1)))
		return (struct life_ref){NULL, 0, fd};
	if (unlikely(word_get_acquire(&shim.attach) != ATTACHED)) {
		ref = life_find_detached(fd, life);
		ref.fd = fd; /* which spares a register */
	}
	return ref;
}

static inline bool life_is(struct life_ref ref)
{
	return ref.life && word_get_acquire(&ref.life->seq) == ref.seq;
}

#endif
