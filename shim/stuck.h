/* SPDX-License-Identifier: MIT */
/* stuck.c: sockets that are closed under a thread. */
#ifndef SHIM_STUCK_H
#define SHIM_STUCK_H

#include <stdint.h>

#include "house.h"
#include "recording.h"
#include "words.h"

void stuck_add(int fd, const struct rec_life *l);
void stuck_undo(int fd);
void stuck_look(uint64_t now);
void stuck_reborn(void);
void stuck_returned(void);

/* After its death was recorded. */
static inline void stuck_closed(int fd, const struct rec_life *l)
{
	if (unlikely(word_get(&l->reader_tid) || word_get(&l->writer_tid)))
		stuck_add(fd, l);
}

#endif
