/* SPDX-License-Identifier: MIT */
/*
 * The shim's own system calls: raw, so that they pass no hook, touch no errno and are no
 * cancellation points. Each returns the kernel's result, or -errno.
 */
#ifndef SHIM_SYS_H
#define SHIM_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441 /* Linux 5.11 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6 */
#endif

#if defined(__x86_64__)
static inline long sys_raw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys_raw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "socklint's shim knows x86_64 and aarch64"
#endif

/* sys.c: the same, but -EPERM once the guest has put up a filter. */
long sys_call(long nr, long a, long b, long c, long d, long e, long f);

#define SYS0(nr)	     sys_call(nr, 0, 0, 0, 0, 0, 0)
#define SYS1(nr, a)	     sys_call(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(nr, a, b)	     sys_call(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(nr, a, b, c)    sys_call(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(nr, a, b, c, d) sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(nr, a, b, c, d, e)                                                                    \
	sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static inline int sys_getpid(void)
{
	return (int)SYS0(SYS_getpid);
}

static inline int sys_getppid(void)
{
	return (int)SYS0(SYS_getppid);
}

static inline int sys_gettid(void)
{
	return (int)SYS0(SYS_gettid);
}

static inline int sys_getuid(void)
{
	return (int)SYS0(SYS_geteuid);
}

static inline int sys_open(const char *path, int flags, int mode)
{
	return (int)SYS4(SYS_openat, AT_FDCWD, path, flags, mode);
}

static inline int sys_close(int fd)
{
	return (int)SYS1(SYS_close, fd);
}

static inline long sys_read(int fd, void *buf, size_t n)
{
	return SYS3(SYS_read, fd, buf, n);
}

static inline long sys_pwrite(int fd, const void *buf, size_t n, uint64_t offset)
{
	return SYS4(SYS_pwrite64, fd, buf, n, offset);
}

static inline int sys_fallocate(int fd, uint64_t offset, uint64_t n)
{
	return (int)SYS4(SYS_fallocate, fd, 0, offset, n);
}

static inline int sys_fstat(int fd, struct stat *st)
{
	return (int)SYS2(SYS_fstat, fd, st);
}

static inline int sys_lstat(const char *path, struct stat *st)
{
	return (int)SYS4(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

/*
 * A file of ours that is there. Nobody is waited for: a reader may hold a lease on it, and be slow
 * to give it back.
 */
static inline int sys_open_own(const char *path)
{
	return sys_open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);
}

/* A new file of ours. The guest's umask does not count: we must be able to open it again. */
static inline int sys_create(const char *path)
{
	int fd = sys_open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		SYS2(SYS_fchmod, fd, 0600);
	return fd;
}

/* The same for a directory. */
static inline int sys_mkdir(const char *path)
{
	int r = (int)SYS3(SYS_mkdirat, AT_FDCWD, path, 0700);

	if (r == 0)
		SYS3(SYS_fchmodat, AT_FDCWD, path, 0700);
	return r;
}

static inline int sys_unlink(const char *path)
{
	return (int)SYS3(SYS_unlinkat, AT_FDCWD, path, 0);
}

static inline long sys_readlink(const char *path, char *buf, size_t n)
{
	return SYS4(SYS_readlinkat, AT_FDCWD, path, buf, n);
}

/* Returns NULL where the kernel refuses. fd -1: anonymous and private. */
static inline void *sys_mmap(int fd, uint64_t offset, size_t n)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	long p = sys_call(SYS_mmap, 0, (long)n, PROT_READ | PROT_WRITE, flags, fd, (long)offset);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

static inline int sys_munmap(void *p, size_t n)
{
	return (int)SYS2(SYS_munmap, p, n);
}

static inline int sys_getrlimit(int which, struct rlimit *limit)
{
	return (int)SYS4(SYS_prlimit64, 0, which, NULL, limit);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)SYS5(SYS_getsockopt, fd, level, name, value, len);
}

static inline int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)SYS3(SYS_ioctl, fd, request, arg);
}

static inline int sys_tgkill(int pid, int tid, int sig)
{
	return (int)SYS3(SYS_tgkill, pid, tid, sig);
}

static inline int sys_sigprocmask(int how, const uint64_t *set, uint64_t *old)
{
	return (int)SYS4(SYS_rt_sigprocmask, how, set, old, 8);
}

/* How much is left of the alternate signal stack that `here` lies in; all there is if in none. */
static inline size_t sys_signal_stack_left(uintptr_t here)
{
	stack_t now = {.ss_flags = SS_DISABLE};

	if (SYS2(SYS_sigaltstack, NULL, &now) < 0 || !(now.ss_flags & SS_ONSTACK))
		return SIZE_MAX;
	return here - (uintptr_t)now.ss_sp;
}

static inline void sys_sleep_ns(long ns)
{
	struct timespec ts = {0, ns};

	SYS2(SYS_nanosleep, &ts, NULL);
}

/*
 * Whether eight bytes at p can be read. The kernel copies the new mask before it looks at `how`,
 * so an impossible one gives EINVAL for readable memory and EFAULT otherwise, and changes nothing.
 */
static inline int sys_readable(const void *p)
{
	return sys_sigprocmask(0x7fff, p, NULL) == -EINVAL;
}

/*
 * Calls that belong together: libunwind's, or while a file of ours is open. No handler may jump out
 * of a stay, nor asynchronous cancellation end it: signals wait. A filter of the guest's waits too.
 */
struct stay {
	uint64_t signals; /* the guest's mask */
	bool outermost;
	bool holds; /* signals */
	bool file;  /* gate_hold()'s */
};

/* Returns whether the stay may be: not with a filter, nor when one is about to come. */
bool stay_begin(struct stay *stay);
/* Also where it was not to be. */
void stay_end(const struct stay *stay);

void sys_is_refused(void);
bool sys_seal(bool all_threads);
void sys_unseal(void);
void sys_reborn(void);

#endif
