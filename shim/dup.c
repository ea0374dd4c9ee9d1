/* SPDX-License-Identifier: MIT */
/*
 * One socket, several descriptors. The target of dup2 dies first, and comes back if the call
 * fails without having closed it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "at.h"
#include "epoll.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "lives.h"
#include "other.h"
#include "raw.h"
#include "recording.h"

static void duplicated(int from, int to, enum rec_call call, struct at at)
{
	int e = errno;

	if (to >= 0 && to != from) {
		struct life_ref ref = life_find(from);

		if (ref.life && !other_runs())
			life_born_by_dup(to, ref, call, at);
		else if (epoll_is_set(from) && !other_runs())
			epoll_duplicated(from, to);
	}
	errno = e;
}

EXPORT int dup(int fd)
{
	bool record = hook_enter();
	int to = real.dup(fd);

	if (record)
		duplicated(fd, to, REC_CALL_DUP, AT_CALLER);
	return to;
}

long raw_dup(long nr, const long a[6], struct at at)
{
	int to = (int)raw_call(nr, a);

	duplicated((int)a[0], to, REC_CALL_DUP, at);
	return to;
}

EXPORT int dup2(int fd, int to)
{
	bool record = hook_enter(), died;
	uint32_t undo = 0;
	int r;

	died = record && fd != to && life_die(to, AT_CALLER, &undo);
	r = real.dup2(fd, to);
	if (r < 0 && died)
		life_undo_death(to, undo);
	if (record)
		duplicated(fd, r, REC_CALL_DUP2, AT_CALLER);
	return r;
}

EXPORT int dup3(int fd, int to, int flags)
{
	bool record = hook_enter(), died;
	uint32_t undo = 0;
	int r;

	died = record && fd != to && life_die(to, AT_CALLER, &undo);
	r = real.dup3(fd, to, flags);
	if (r < 0 && died)
		life_undo_death(to, undo);
	if (record)
		duplicated(fd, r, REC_CALL_DUP3, AT_CALLER);
	return r;
}

/* dup2, dup3 */
long raw_dup_onto(long nr, const long a[6], struct at at)
{
	int fd = (int)a[0], to = (int)a[1], r;
	uint32_t undo = 0;
	bool died = fd != to && life_die(to, at, &undo);

	r = (int)raw_call(nr, a);
	if (r < 0 && died)
		life_undo_death(to, undo);
	duplicated(fd, r, nr == SYS_dup3 ? REC_CALL_DUP3 : REC_CALL_DUP2, at);
	return r;
}

static bool is_dup(int cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
}

typedef int fcntl_function(int fd, int cmd, ...);

static int fcntl_recorded(int fd, int cmd, void *arg, fcntl_function *const *really, struct at at)
{
	bool record = hook_enter(); /* and only now *really is there */
	int r = (*really)(fd, cmd, arg);

	if (record && is_dup(cmd))
		duplicated(fd, r, REC_CALL_FCNTL, at);
	return r;
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl_recorded(fd, cmd, arg, &real.fcntl, AT_CALLER);
}

EXPORT int fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl_recorded(fd, cmd, arg, &real.fcntl64, AT_CALLER);
}

long raw_fcntl(long nr, const long a[6], struct at at)
{
	long r = raw_call(nr, a);

	if (is_dup((int)a[1]))
		duplicated((int)a[0], (int)r, REC_CALL_FCNTL, at);
	return r;
}
