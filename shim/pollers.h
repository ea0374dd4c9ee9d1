/* SPDX-License-Identifier: MIT */
/* pollers.c: which thread polls, and what. */
#ifndef SHIM_POLLERS_H
#define SHIM_POLLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "at.h"
#include "recording.h"
#include "slots.h"
#include "words.h"

#define POLL_SMALL_SET 32u /* members; a larger set is not looked at each time */

/* A call of poll or select; began_ns: when, or 0 where nothing is recorded. */
struct poll_call {
	uint64_t began_ns;
	struct rec_poller *entry; /* that says that this thread waits, or NULL */
};

bool poller_is_unchanged(uint64_t look, uint64_t now, struct at at);
uint64_t poller_next_stamp(uint64_t now);
bool poller_stamp(int fd, uint64_t ns);
void poller_drop(int fd);
void poller_stamped(uint32_t members, uint64_t now, uint64_t ns, struct at at);
void poller_waits(struct poll_call *call);
void poller_returned(const struct poll_call *call, struct at at);

static inline uint64_t poller_look(uint64_t look, uint64_t word)
{
	look = (look ^ word) * 0x9e3779b97f4a7c15u;
	return look ^ look >> 32;
}

/* A descriptor may name another socket than before, though the set looks the same. */
static inline uint64_t poller_look_at(uint64_t look, uint64_t word, int fd)
{
	const struct rec_life *l = life_slot(fd);

	return poller_look(look, word ^ (l ? word_get(&l->seq) * 0xd6e8feb86659fd93u : 0));
}

#endif
