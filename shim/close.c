/* SPDX-License-Identifier: MIT */
/*
 * Deaths. Recorded before the kernel frees the number: another thread may be given it at once.
 */
#include "shim.h"

/* close() of a number that held a socket and holds nothing: it was closed before. */
static void double_close(int fd, struct at at)
{
	struct rec_life *l = life_slot(fd);
	uint32_t seq = l ? word_get(&l->seq) : 0;

	if (seq && !(seq & 1) && l->close_ns && !process_is_other())
		recorder_incident(REC_INCIDENT_DOUBLE_CLOSE, fd, at, l, EBADF);
}

int close_recorded(int fd, struct at at, close_function *really)
{
	uint32_t undo;
	bool died = life_die(fd, at, &undo);
	int r = really(fd);

	if (r < 0 && errno == EBADF && !died) {
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
