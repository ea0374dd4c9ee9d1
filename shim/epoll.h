/* SPDX-License-Identifier: MIT */
/* epoll.c, epoll_sets.c: which set watches a socket. */
#ifndef SHIM_EPOLL_H
#define SHIM_EPOLL_H

#include <stdbool.h>
#include <stdint.h>

#include "recording.h"
#include "words.h"

#define EPOLL_FDS 65536u

extern uint64_t epoll_fds[EPOLL_FDS / 64]; /* descriptors that are epoll sets */

void epoll_made(int fd);
void epoll_filled(int set);
void epoll_duplicated(int from, int to);
void epoll_closed(int fd);
int epoll_set_of(int fd);
void epoll_unwatch(struct rec_life *life);
void epoll_dismiss(struct rec_life *life);

static inline bool epoll_is_set(int fd)
{
	return (unsigned)fd < EPOLL_FDS &&
	       (word_get(&epoll_fds[(unsigned)fd / 64]) >> ((unsigned)fd % 64) & 1);
}

#endif
