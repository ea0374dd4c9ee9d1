/* SPDX-License-Identifier: MIT */
/*
 * What may forbid the shim its next step: lost privileges, a new root, a seccomp filter. Before
 * them the recording is made and given room; after a filter the kernel is asked nothing more.
 */
#include "shim.h"
#include <linux/seccomp.h>

/*
 * A process that has no socket yet needs no file, and finds a directory of its own later; but one
 * that is told where to record may not be let in there any more (memcached).
 */
static void before_confinement(void)
{
	int e = errno;

	if (hook_enter() && !process_is_other() && (shim.top_chunk || options.dir[0]))
		recorder_reserve();
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

/* Our handlers go too: what they need to die of the signal may be what the filter kills for. */
static void before_filter(void)
{
	before_confinement();
	if (hook_enter() && !process_is_other())
		signals_disarm_all();
}

static void after_filter(bool installed)
{
	int e = errno;

	if (!hook_enter())
		return;
	if (installed)
		shim.sealed = true;
	else if (options.on_signal)
		signals_arm_all();
	errno = e;
}

EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;
	int r;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (!hook_enter() || option != PR_SET_SECCOMP)
		return real.prctl(option, a[0], a[1], a[2], a[3]);
	before_filter();
	r = real.prctl(option, a[0], a[1], a[2], a[3]);
	after_filter(r == 0);
	return r;
}

/* libunwind writes a byte from the address it wants to know about into its pipe. */
static long probe(const void *address)
{
	if (sys_readable(address))
		return 1;
	errno = EFAULT;
	return -1;
}

/* libuv closes this way. */
static int close_by_syscall(int fd)
{
	return (int)real.syscall(SYS_close, fd);
}

static long syscall_filter(long nr, const long a[6])
{
	long r;

	before_filter();
	r = real.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	after_filter(r >= 0);
	return r;
}

EXPORT long syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (hook_enter()) {
		if (nr == SYS_write && a[0] == unwinder_fd && unwinder_is_caller(AT_CALLER))
			return probe((const void *)a[1]);
		if (nr == SYS_close)
			return close_recorded((int)a[0], AT_CALLER, close_by_syscall);
		if (nr == SYS_seccomp && a[0] == SECCOMP_SET_MODE_FILTER)
			return syscall_filter(nr, a);
		if (nr == SYS_exit_group)
			end_record(REC_END_EXIT, (uint32_t)a[0] & 0xff);
		if (nr == SYS_io_uring_setup)
			word_set(&shim.head->flags, shim.head->flags | REC_HEADER_IO_URING);
	}
	return real.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
