/* SPDX-License-Identifier: MIT */
/* waits.c: who is inside a call, and who was told that the peer is gone. */
#ifndef SHIM_WAITS_H
#define SHIM_WAITS_H

#include <poll.h>
#include <stdint.h>

#include "at.h"
#include "house.h"
#include "lives.h"
#include "thread.h"
#include "words.h"

int wait_unwound(int version, int actions, uint64_t class, void *exception, void *context);
void wait_told(struct life_ref ref, uint32_t events, struct at at);
uint64_t wait_returned(void);

/* In each hook that says of its thread that it waits: a cancelled thread leaves by this. */
#define CANCELLABLE __asm__ volatile(".cfi_personality 0x1b, wait_unwound")

/* What means that the peer is gone, in poll's revents and in epoll's. */
#define EVENTS_GONE ((uint32_t)(POLLHUP | POLLRDHUP))

static inline void in_call_begin(uint32_t *word)
{
	word_set(word, thread_tid());
}

/* Whatever generation the word belongs to by now: if it names us, we wrote it. */
static inline void in_call_end(uint32_t *word)
{
	if (likely(word_get(word) == thread.tid))
		word_set(word, 0);
}

#endif
