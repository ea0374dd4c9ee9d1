/* SPDX-License-Identifier: MIT */
/*
 * What may forbid the shim its next step: lost privileges, a new root, a seccomp filter. Before
 * them the recording is made and given room; after a filter the kernel is asked nothing more.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "at.h"
#include "end.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "load.h"
#include "options.h"
#include "raw.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "signals.h"
#include "sys.h"
#include "unwinder.h"

/*
 * A process that has no socket yet needs no file, and finds a directory of its own later; but one
 * that is told where to record may not be let in there any more (memcached).
 */
static void before_confinement(void)
{
	int e = errno;

	if (hook_enter() && !process_is_other() && (shim.top_chunk || options.dir[0]))
		room_reserve();
	errno = e;
}

EXPORT int setuid(uid_t uid)
{
	before_confinement();
	return real.setuid(uid);
}

EXPORT int seteuid(uid_t uid)
{
	before_confinement();
	return real.seteuid(uid);
}

EXPORT int setreuid(uid_t ruid, uid_t euid)
{
	before_confinement();
	return real.setreuid(ruid, euid);
}

EXPORT int setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	before_confinement();
	return real.setresuid(ruid, euid, suid);
}

EXPORT int chroot(const char *path)
{
	before_confinement();
	return real.chroot(path);
}

/* What stood before a filter, for the case that it is not installed. */
struct seal {
	bool ours; /* not a vfork child's, which confines itself alone */
	bool coarse_clock;
	bool may_open; /* the gate again */
};

static struct seal before_filter(bool strict, bool all_threads)
{
	struct seal s = {false, shim.coarse_clock, false};
	int e = errno;

	if (!hook_enter() || process_is_other())
		return s;
	s.ours = true;
	before_confinement();
	s.may_open = sys_seal(all_threads);
	if (strict)
		shim.coarse_clock = true;
	errno = e;
	return s;
}

static void after_filter(const struct seal *s, bool installed)
{
	int e = errno;

	if (!s->ours || installed)
		return;
	shim.coarse_clock = s->coarse_clock;
	if (s->may_open)
		sys_unseal();
	if (!shim.sealed && options.on_signal)
		signals_arm_all();
	errno = e;
}

/* In strict mode the kernel takes the time stamp counter away: clock_gettime() would be SIGSEGV. */
static int prctl_seccomp(const unsigned long a[4])
{
	struct seal s = before_filter(a[0] == SECCOMP_MODE_STRICT, false);
	int r = real.prctl(PR_SET_SECCOMP, a[0], a[1], a[2], a[3]);

	after_filter(&s, r == 0);
	return r;
}

EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (hook_enter() && option == PR_SET_SECCOMP)
		return prctl_seccomp(a);
	if (hook_enter() && option == PR_SET_TSC && a[0] == PR_TSC_SIGSEGV && !process_is_other())
		shim.coarse_clock = true;
	return real.prctl(option, a[0], a[1], a[2], a[3]);
}

/* seccomp(), which has no wrapper in the C library. Without a program it only asks what there is.
 */
static long syscall_filter(const long a[6])
{
	bool all_threads = ((unsigned long)a[1] & SECCOMP_FILTER_FLAG_TSYNC) && a[2];
	struct seal s = before_filter(a[0] == SECCOMP_SET_MODE_STRICT, all_threads);
	long r = real.syscall(SYS_seccomp, a[0], a[1], a[2], a[3], a[4], a[5]);

	after_filter(&s, r >= 0);
	return r;
}

static bool is_filter(long nr, const long a[6])
{
	return nr == SYS_seccomp && (unsigned)a[0] <= SECCOMP_SET_MODE_FILTER;
}

static bool is_prctl_filter(long nr, const long a[6])
{
	return nr == SYS_prctl && (int)a[0] == PR_SET_SECCOMP;
}

static long by_door(long nr, const long a[6], struct at at)
{
	switch (nr) {
#define RAW(nr, door)                                                                              \
	case nr:                                                                                   \
		return door(nr, a, at);
#include "raw.def"
#undef RAW
	}
	if (is_filter(nr, a))
		return syscall_filter(a);
	if (is_prctl_filter(nr, a))
		return prctl_seccomp((const unsigned long *)a + 1);
	if (nr == SYS_exit_group)
		end_record(REC_END_EXIT, (uint32_t)a[0] & 0xff);
	return raw_call(nr, a);
}

EXPORT long syscall(long nr, ...)
{
	long a[6], r;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!hook_enter())
		return raw_call(nr, a);
	if (nr == SYS_write && a[0] == unwinder_fd && unwinder_is_caller(AT_CALLER))
		return unwinder_probe((const void *)a[1]);
	r = by_door(nr, a, AT_CALLER);
	if (nr == SYS_io_uring_setup && r >= 0)
		blind_to(REC_HEADER_IO_URING);
	return r;
}
