/* SPDX-License-Identifier: MIT */
/*
 * Deaths. Recorded before the kernel frees the number: another thread may be given it at once.
 */
#include "close.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "at.h"
#include "clock.h"
#include "hook.h"
#include "house.h"
#include "incidents.h"
#include "init.h"
#include "lives.h"
#include "other.h"
#include "raw.h"
#include "recording.h"
#include "slots.h"
#include "thread.h"
#include "unwinder.h"
#include "words.h"

/* A loop that closes a range of numbers, open or not, as daemons do at their start. */
static bool is_loop(int fd, struct at at)
{
	int before = thread.close_fd;
	bool same_call = thread.close_pc == at.pc;

	thread.close_pc = at.pc;
	thread.close_fd = fd;
	return same_call && (fd == before + 1 || fd == before - 1);
}

/* The number has had another owner since, no socket: who uses it again did not mean that one. */
void close_forget(int fd)
{
	struct rec_life *l = life_slot(fd);

	if (l && !(word_get(&l->seq) & 1) && word_get(&l->close_ns) && !other_runs())
		word_set(&l->close_ns, 0);
}

int close_recorded(int fd, struct at at, close_function *really)
{
	uint32_t undo;
	bool loop = is_loop(fd, at), died = life_die(fd, at, &undo);
	int r = really(fd);

	if (died)
		return r;
	if (r == 0)
		close_forget(fd);
	else if (errno == EBADF && !loop)
		incident_double_close(fd, at);
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

EXPORT int __close(int fd)
{
	return hook_enter() ? close_recorded(fd, AT_CALLER, real.__close) : real.__close(fd);
}

static int close_by_syscall(int fd)
{
	return (int)real.syscall(SYS_close, fd);
}

long raw_close(long nr, const long a[6], struct at at)
{
	(void)nr;
	return close_recorded((int)a[0], at, close_by_syscall);
}

/* All sockets in [low, high], before they are closed. */
static void range_dies(unsigned low, unsigned high, struct at at)
{
	uint32_t undo;

	for (unsigned fd = life_next(low); fd <= high && fd != UINT32_MAX; fd = life_next(fd + 1))
		life_die((int)fd, at, &undo);
}

/* Nothing was closed: those come back that this thread has buried since `began`. */
static void range_lives_on(unsigned low, unsigned high, uint64_t began)
{
	int e = errno;

	for (unsigned fd = life_next(low); fd <= high && fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct rec_life *l = life_slot((int)fd);
		uint32_t seq = l ? word_get(&l->seq) : 0;

		if (seq && !(seq & 1) && l->close_tid == thread_tid() && l->close_ns >= began)
			life_undo_death((int)fd, seq - 1);
	}
	errno = e;
}

/* With CLOSE_RANGE_CLOEXEC nothing is closed yet. Kernels before 5.9 lack the call altogether. */
static bool range_closes(unsigned low, unsigned high, unsigned flags)
{
	return low <= high && !(flags & ~CLOSE_RANGE_UNSHARE);
}

EXPORT int close_range(unsigned low, unsigned high, int flags)
{
	bool closes = hook_enter() && range_closes(low, high, (unsigned)flags);
	uint64_t began = closes ? now_ns() : 0;
	int r;

	if (closes)
		range_dies(low, high, AT_CALLER);
	r = real.close_range(low, high, flags);
	if (closes && r < 0)
		range_lives_on(low, high, began);
	return r;
}

long raw_close_range(long nr, const long a[6], struct at at)
{
	unsigned low = (unsigned)a[0], high = (unsigned)a[1];
	bool closes = range_closes(low, high, (unsigned)a[2]);
	uint64_t began = closes ? now_ns() : 0;
	long r;

	if (closes)
		range_dies(low, high, at);
	r = raw_call(nr, a);
	if (closes && r < 0)
		range_lives_on(low, high, began);
	return r;
}

EXPORT void closefrom(int low)
{
	if (hook_enter())
		range_dies(low < 0 ? 0 : (unsigned)low, ~0u, AT_CALLER);
	real.closefrom(low);
}
