/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors are epoll sets, and which of them are one and the same set: an event loop may
 * register by a copy of the number that it waits by (tokio). A set is known here by the number
 * that it was first seen by, or, that being closed, by another of its numbers.
 */
#include "epoll.h"

#include <sys/epoll.h>

#include "house.h"
#include "other.h"
#include "recording.h"
#include "slots.h"
#include "words.h"

#define COPIES 128u

uint64_t epoll_fds[EPOLL_FDS / 64];
static uint64_t with_members[EPOLL_FDS / 64]; /* sets that a socket was put into, by any number */

static uint64_t
	copies[COPIES];	     /* number << 32 | the set's; 0: free, for no number is its own copy */
static uint32_t copies_used; /* entries below this may be in use */

static uint64_t copy_of(int fd, int set)
{
	return (uint64_t)(unsigned)fd << 32 | (unsigned)set;
}

static int number_of(uint64_t copy)
{
	return (int)(copy >> 32);
}

static int set_of(uint64_t copy)
{
	return (int)(uint32_t)copy;
}

int epoll_set_of(int fd)
{
	uint32_t n = word_get_acquire(&copies_used);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t copy = word_get(&copies[i]);

		if (copy && number_of(copy) == fd)
			return set_of(copy);
	}
	return fd;
}

static void bit_set(uint64_t *bits, int fd)
{
	uint64_t bit = UINT64_C(1) << ((unsigned)fd % 64);

	if ((unsigned)fd < EPOLL_FDS && !(word_get(&bits[fd / 64]) & bit))
		__atomic_fetch_or(&bits[fd / 64], bit, __ATOMIC_RELAXED);
}

/* Returns whether it was set. */
static bool bit_clear(uint64_t *bits, int fd)
{
	uint64_t bit = UINT64_C(1) << (fd % 64);

	return __atomic_fetch_and(&bits[fd / 64], ~bit, __ATOMIC_RELAXED) & bit;
}

void epoll_made(int fd)
{
	bit_set(epoll_fds, fd);
}

/* A socket is put into the set. */
void epoll_filled(int set)
{
	bit_set(epoll_fds, set);
	bit_set(with_members, set);
}

/* `to` has become another number of the set in `from`. */
void epoll_duplicated(int from, int to)
{
	uint64_t copy = copy_of(to, epoll_set_of(from)), nothing = 0;

	for (uint32_t i = 0; i < COPIES; i++, nothing = 0) {
		if (!word_cas(&copies[i], &nothing, copy))
			continue;
		if (word_get(&copies_used) <= i)
			word_set_release(&copies_used, i + 1);
		epoll_made(to);
		return;
	}
}

/* Takes one of the set's numbers from the copies. Returns -1 if there is none. */
static int take_copy(int set)
{
	for (uint32_t i = 0; i < word_get(&copies_used); i++) {
		uint64_t copy = word_get(&copies[i]);

		if (copy && set_of(copy) == set && word_cas(&copies[i], &copy, 0))
			return number_of(copy);
	}
	return -1;
}

static void rename_copies(int before, int after)
{
	for (uint32_t i = 0; i < word_get(&copies_used); i++) {
		uint64_t copy = word_get(&copies[i]);

		if (copy && set_of(copy) == before)
			word_cas(&copies[i], &copy, copy_of(number_of(copy), after));
	}
}

static bool forget_copy(int fd)
{
	for (uint32_t i = 0; i < word_get(&copies_used); i++) {
		uint64_t copy = word_get(&copies[i]);

		if (copy && number_of(copy) == fd && word_cas(&copies[i], &copy, 0))
			return true;
	}
	return false;
}

/* The members are known by another number from now on; after < 0: watched by nobody. */
static void members_pass(int before, int after)
{
	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct rec_life *l = life_slot((int)fd);

		if (!l || !(word_get(&l->seq) & 1) || word_get(&l->epoll_fd) != before)
			continue;
		if (after < 0)
			epoll_dismiss(l);
		else
			word_set(&l->epoll_fd, after);
	}
}

/* One of its numbers is about to be closed. With the last of them goes the set. */
COLD void epoll_closed(int fd)
{
	int heir;

	if (other_runs())
		return;
	bit_clear(epoll_fds, fd);
	if (forget_copy(fd))
		return;
	heir = take_copy(fd);
	if (heir >= 0)
		rename_copies(fd, heir);
	if (!bit_clear(with_members, fd))
		return;
	if (heir >= 0)
		epoll_filled(heir);
	members_pass(fd, heir);
}
