/* SPDX-License-Identifier: MIT */
/* more.c: what few sockets ever have. */
#ifndef SHIM_MORE_H
#define SHIM_MORE_H

#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "slots.h"
#include "words.h"

const struct rec_life_more *life_more(struct life_ref ref, uint32_t flags);
struct rec_life_more *life_more_make(struct life_ref ref);
void more_pass(struct life_ref to, struct life_ref from, uint32_t flags);
void more_set_sibling(struct life_ref ref, int fd);

/* Which thread had it in a poll or select set last; 0: none, or its epoll set has let it go. */
static inline uint32_t life_poller(struct life_ref ref)
{
	const struct rec_life_more *m = life_more(ref, REC_LIFE_POLLED);

	return m ? word_get(&m->poller_tid) : 0;
}

#endif
