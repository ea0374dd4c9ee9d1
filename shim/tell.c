/* SPDX-License-Identifier: MIT */
/*
 * Under a bare preload the findings are printed when the run's first process ends: by the command,
 * in a child of which the guest learns nothing (no exit signal, so no SIGCHLD and no wait() sees
 * it), with every descriptor closed but the standard error that the program was started with.
 *
 * Not printed: in any other process; where descriptor 2 is not what it was at the start (a daemon
 * put a client's socket there); where it is a socket.
 */
#include "tell.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "house.h"
#include "options.h"
#include "rundir.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "wishes.h"

OLD_SYMBOL(dladdr)

#define POLL_NS 2000000

#ifndef SOCKLINT_COMMAND_FROM_LIB
#error "the build says where the command lies, relative to the library"
#endif

static bool stderr_is_ours(void)
{
	const struct stat *then = &shim.stderr_at_start;
	struct stat now;

	return then->st_mode && !S_ISSOCK(then->st_mode) && sys_fstat(2, &now) == 0 &&
	       now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
	       now.st_rdev == then->st_rdev;
}

static const char *library;

/* At the start, for dladdr() waits for any dlopen() under way. */
void tell_prepare(void)
{
	Dl_info info;

	if (options.report == REPORT_EXIT && dladdr((void *)&tell, &info))
		library = info.dli_fname;
}

/* The command's path, from that of the library: both were installed together. */
static bool command_path(struct text *t)
{
	const char *slash = library ? strrchr(library, '/') : NULL;

	if (!library)
		return false;
	text_add_n(t, library, slash ? (size_t)(slash + 1 - library) : 0);
	text_add(t, SOCKLINT_COMMAND_FROM_LIB);
	return !t->cut;
}

static _Noreturn void become_command(const char *command)
{
	const char *argv[4 + WISHES_MAX + 1] = {command, "report", "--at-exit"};
	const char *envp[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", wished_epoch(), NULL};
	uint64_t none = 0;

	argv[3 + wishes(argv + 3)] = shim.run_dir;
	SYS2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	SYS3(SYS_dup3, 2, 1, 0);
	sys_close(0);
	sys_open("/dev/null", O_RDONLY, 0);
	SYS3(SYS_close_range, 3, ~0u, 0);
	sys_sigprocmask(SIG_SETMASK, &none, NULL);
	SYS3(SYS_execve, command, argv, envp);
	for (;;)
		SYS1(SYS_exit_group, 127);
}

#define STATUS_USAGE 2 /* it was asked for what it does not understand */

/* Returns whether it ended by itself, and did its work. */
static bool wait_for(long pid, uint64_t deadline)
{
	int status = 0;

	while (SYS4(SYS_wait4, pid, &status, WNOHANG | __WALL, NULL) == 0) {
		if (now_ns() >= deadline) {
			SYS2(SYS_kill, pid, SIGKILL);
			SYS4(SYS_wait4, pid, NULL, __WALL, NULL);
			return false;
		}
		sys_sleep_ns(POLL_NS);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) < 126 &&
	       WEXITSTATUS(status) != STATUS_USAGE;
}

static long clone_process(int exit_signal)
{
	return SYS5(SYS_clone, exit_signal, NULL, NULL, NULL, NULL);
}

/*
 * An exec gives a process SIGCHLD as its exit signal, whatever it was born with. So the command
 * is a grandchild, and the child between stays what it is and waits for it. Raw calls only, and
 * with all signals blocked: the guest's handlers are still in place here. Returns whether the
 * report was made.
 */
static bool run_command(const char *command)
{
	bool told = false;
	uint64_t deadline = now_ns() + options.patience_ns;
	long child = clone_process(0), grandchild;

	if (child > 0)
		told = wait_for(child, deadline + options.patience_ns / 10);
	if (child != 0)
		return told;
	SYS3(SYS_close_range, 3, ~0u, 0); /* it must keep nothing of the guest's alive */
	grandchild = clone_process(SIGCHLD);
	if (grandchild == 0)
		become_command(command);
	told = grandchild > 0 && wait_for(grandchild, deadline);
	for (;;)
		SYS1(SYS_exit_group, told ? 0 : 127);
}

static const char *reason(int error)
{
	switch (error) {
	case ENOENT:
		return "no such directory";
	case EACCES:
	case EPERM:
		return "permission denied";
	case EROFS:
		return "read-only file system";
	case ENOSPC:
		return "no room left, or max-files reached";
	case EFBIG:
		return "file size limit (ulimit -f, or max-size)";
	case EMFILE:
	case ENFILE:
		return "out of descriptors";
	case ENOMEM:
		return "out of memory (ulimit -v?)";
	case EOVERFLOW:
		return "this user is nobody in this user namespace";
	}
	return "it failed";
}

/* Where the file would outgrow RLIMIT_FSIZE the kernel sends SIGXFSZ; a pipe may be full, or dead.
 */
static bool stderr_takes(size_t n)
{
	struct pollfd p = {2, POLLOUT, 0};
	struct timespec now = {0, 0};
	struct rlimit limit;
	struct stat st;
	long at;

	if (sys_fstat(2, &st) < 0 || SYS5(SYS_ppoll, &p, 1, &now, NULL, 8) != 1 ||
	    p.revents != POLLOUT)
		return false;
	if (!S_ISREG(st.st_mode))
		return true;
	at = SYS3(SYS_lseek, 2, 0, SEEK_CUR);
	at = at > st.st_size ? at : st.st_size;
	return sys_getrlimit(RLIMIT_FSIZE, &limit) == 0 && (uint64_t)at + n <= limit.rlim_cur;
}

/* A few words of ours, if they can be said without harm. */
void tell_line(const char *line, size_t n)
{
	if (stderr_takes(n))
		SYS3(SYS_write, 2, line, n);
}

/* One line, so that nobody takes silence for "no leaks". */
void tell_failure(int error)
{
	char line[900];
	struct text t = text_in(line, sizeof(line));

	if (!stderr_is_ours() || !rundir_is_first_process())
		return;
	text_add(&t, "socklint: cannot record to ");
	text_add(&t, shim.run_dir[0] ? shim.run_dir : options.dir[0] ? options.dir : "/tmp");
	text_add(&t, ": ");
	text_add(&t, reason(error));
	text_add(&t, " (errno ");
	text_add_number(&t, (uint64_t)error);
	text_add(&t, "); nothing is known of this run. ");
	text_add(&t, error == EMFILE || error == ENFILE
			     ? "Raise the limit (ulimit -n)\n"
			     : "Name a directory that this program can write: "
			       "SOCKLINT_OPTIONS=dir=PATH\n");
	tell_line(t.buf, t.len);
}

/* Something was found, and there is no process to be had that could say what. */
static void tell_where(void)
{
	char line[900];
	struct text t = text_in(line, sizeof(line));

	text_add(&t, "socklint: sockets were left open, but the report could not be made here. To "
		     "read it: socklint report ");
	text_add(&t, shim.run_dir);
	text_add(&t, "\n");
	tell_line(t.buf, t.len);
}

void tell(void)
{
	bool told;
	uint64_t all = ~0ull, before;
	char command[700];
	struct text t = text_in(command, sizeof(command));

	if (!stderr_is_ours() || !rundir_is_first_process() || !command_path(&t) ||
	    (!shim.run_dir[0] && rundir_make()))
		return;
	sys_sigprocmask(SIG_SETMASK, &all, &before);
	told = run_command(command);
	sys_sigprocmask(SIG_SETMASK, &before, NULL);
	if (!told)
		tell_where();
}
