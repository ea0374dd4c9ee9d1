/* SPDX-License-Identifier: MIT */
/*
 * Deaths. Recorded before the kernel frees the number: another thread may be given it at once.
 */
#include "shim.h"

/* A loop that closes a range of numbers, open or not, as daemons do at their start. */
static bool is_loop(int fd, struct at at)
{
	int before = thread.close_fd;
	bool same_call = thread.close_pc == at.pc;

	thread.close_pc = at.pc;
	thread.close_fd = fd;
	return same_call && (fd == before + 1 || fd == before - 1);
}

/* close() of a number that held a socket and holds nothing: it was closed before. */
static void double_close(int fd, struct at at)
{
	struct rec_life *l = life_slot(fd);
	uint32_t seq = l ? word_get(&l->seq) : 0;

	if (seq && !(seq & 1) && word_get(&l->close_ns) && !process_is_other())
		recorder_incident(REC_INCIDENT_DOUBLE_CLOSE, fd, at, l, EBADF);
}

/* The number has had another owner since, no socket: who closes it twice did not mean that one. */
static void forget_death(int fd)
{
	struct rec_life *l = life_slot(fd);

	if (l && !(word_get(&l->seq) & 1) && word_get(&l->close_ns) && !process_is_other())
		word_set(&l->close_ns, 0);
}

int close_recorded(int fd, struct at at, close_function *really)
{
	uint32_t undo;
	bool loop = is_loop(fd, at), died = life_die(fd, at, &undo);
	int r = really(fd);

	if (died)
		return r;
	if (r == 0) {
		forget_death(fd);
	} else if (errno == EBADF && !loop) {
		double_close(fd, at);
		errno = EBADF;
	}
	return r;
}

EXPORT int close(int fd)
{
	if (!hook_enter())
		return real.close(fd);
	if (fd == unwinder_fd && unwinder_is_caller(AT_CALLER))
		return 0;
	return close_recorded(fd, AT_CALLER, real.close);
}

/* All sockets in [low, high], before they are closed. */
static void range_dies(unsigned low, unsigned high, struct at at)
{
	uint32_t undo;

	for (unsigned fd = life_next(low); fd <= high && fd != UINT32_MAX; fd = life_next(fd + 1))
		life_die((int)fd, at, &undo);
}

EXPORT int close_range(unsigned low, unsigned high, int flags)
{
	if (hook_enter() && low <= high && !(flags & ~CLOSE_RANGE_UNSHARE))
		range_dies(low, high, AT_CALLER);
	return real.close_range(low, high, flags);
}

EXPORT void closefrom(int low)
{
	if (hook_enter())
		range_dies(low < 0 ? 0 : (unsigned)low, ~0u, AT_CALLER);
	real.closefrom(low);
}
