/* SPDX-License-Identifier: MIT */
/*
 * fork, exec and the ways to end. vfork is another thing: its child borrows our memory (vfork.c),
 * and is told apart by its pid wherever that matters.
 */
#include "process.h"

#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "children.h"
#include "clock.h"
#include "end.h"
#include "gate.h"
#include "hook.h"
#include "house.h"
#include "inherit.h"
#include "init.h"
#include "recording.h"
#include "samples.h"
#include "shim.h"
#include "signals.h"
#include "stack.h"
#include "stuck.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

/*
 * In a child. snapshot: the lives as they were before the fork, or NULL where no hook saw the fork
 * coming (daemon()'s, a raw clone); then they are read as the parent has them now.
 */
void process_reborn(const struct snapshot *snapshot)
{
	bool had_recording = word_get(&shim.attach) != DETACHED;
	struct snapshot now = {NULL, 0};

	sys_reborn();
	memset(&thread, 0, sizeof(thread));
	if (had_recording && !snapshot && !shim.sealed)
		now = lives_snapshot();
	if (had_recording)
		lives_adopt(snapshot ? snapshot : &now);
	shim.parent_pid = shim.pid;
	if (!shim.sealed) {
		shim.pid = sys_getpid();
		shim.start_ns = now_ns();
		shim.start_real_ns = clock_ns(CLOCK_REALTIME);
	}
	shim.forked = true;
	shim.progress = NULL;
	shim.incidents = NULL;
	memset(shim.outcomes, 0, sizeof(shim.outcomes));
	shim.pollers = NULL;
	shim.sent = NULL;
	samples_reborn();
	shim.ended = 0;
	shim.end_began = END_NOT_YET;
	shim.notable = false;
	shim.folded = false;
	shim.resumed = false;
	shim.programs_started = 0;
	init_head_reset();
	init_alone();
	gate_reborn();
	stack_reborn();
	stuck_reborn();
	if (shim.pid == 1) /* of a new namespace: there the default action is to ignore */
		signals_disarm_all();
	word_set_release(&shim.attach, DETACHED);
	init_alive_again();
}

/* Handlers of pthread_atfork() run inside the real fork: their hooks may have noticed before us. */
static bool is_reborn(void)
{
	return shim.forked && !shim.sealed && shim.pid == sys_getpid();
}

EXPORT pid_t fork(void)
{
	struct snapshot snapshot = {NULL, 0};
	bool record = hook_enter();
	pid_t pid;
	int e;

	if (!record)
		return real.fork();
	word_set(&shim.forked_ns, now_ns());
	gate_close();
	if (word_get(&shim.attach) == ATTACHED && !shim.sealed)
		snapshot = lives_snapshot();
	pid = real.fork();
	e = errno;
	if (pid != 0)
		gate_open();
	if (pid == 0 && !is_reborn())
		process_reborn(&snapshot);
	else if (snapshot.mem)
		sys_munmap(snapshot.mem, snapshot.bytes);
	errno = e;
	return pid;
}

/* The parent leaves inside the C library, past every hook: its end is written down before. */
EXPORT int daemon(int nochdir, int noclose)
{
	int r;

	if (hook_enter())
		end_record(REC_END_EXIT, 0);
	r = real.daemon(nochdir, noclose);
	if (r < 0 && hook_enter())
		end_take_back();
	return r;
}

/* ---- the ways to end ---- */

/* Handlers of atexit() run before our destructor does: what they close was left until now. */
EXPORT _Noreturn void exit(int status)
{
	if (hook_enter() && !process_is_other())
		word_set(&shim.end_began, (uint32_t)END_EXITS);
	real.exit(status);
	__builtin_unreachable();
}

EXPORT _Noreturn void _exit(int status)
{
	if (hook_enter())
		end_record(REC_END_EXIT, (uint32_t)status & 0xff);
	real._exit(status);
	__builtin_unreachable();
}

EXPORT _Noreturn void _Exit(int status)
{
	if (hook_enter())
		end_record(REC_END_EXIT, (uint32_t)status & 0xff);
	real._Exit(status);
	__builtin_unreachable();
}

EXPORT _Noreturn void quick_exit(int status)
{
	if (hook_enter())
		end_record(REC_END_EXIT, (uint32_t)status & 0xff);
	real.quick_exit(status);
	__builtin_unreachable();
}

/* ---- exec ---- */

static void exec_begin(void)
{
	if (hook_enter())
		end_record(REC_END_EXEC, 0);
}

static int exec_failed(int r, struct started s)
{
	int e = errno;

	child_failed(s);
	if (hook_enter())
		end_take_back();
	errno = e;
	return r;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	struct started s = child_begin(path, envp);

	exec_begin();
	return exec_failed(real.execve(path, argv, envp), s);
}

EXPORT int execv(const char *path, char *const argv[])
{
	struct started s = child_begin(path, environ);

	exec_begin();
	return exec_failed(real.execv(path, argv), s);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	struct started s = child_begin(file, environ);

	exec_begin();
	return exec_failed(real.execvp(file, argv), s);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct started s = child_begin(file, envp);

	exec_begin();
	return exec_failed(real.execvpe(file, argv, envp), s);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	struct started s = child_begin_fd(fd, envp);

	exec_begin();
	return exec_failed(real.fexecve(fd, argv, envp), s);
}

/* The number of arguments behind `first`, the closing NULL included. */
static size_t args_count(const char *first, va_list *ap)
{
	size_t n = 1;

	for (const char *arg = first; arg; arg = va_arg(*ap, const char *))
		n++;
	return n;
}

static void args_copy(char **argv, const char *first, va_list *ap)
{
	size_t i = 0;

	for (const char *arg = first; arg; arg = va_arg(*ap, const char *))
		argv[i++] = (char *)(uintptr_t)arg;
	argv[i] = NULL;
}

/* Lays the variable arguments out as an argv on this stack, as the C library does itself. */
#define ARGS_TO_ARGV(argv, first, ap)                                                              \
	do {                                                                                       \
		va_start(ap, first);                                                               \
		argv = alloca(args_count(first, &ap) * sizeof(char *));                            \
		va_end(ap);                                                                        \
		va_start(ap, first);                                                               \
		args_copy(argv, first, &ap);                                                       \
	} while (0)

EXPORT int execl(const char *path, const char *arg, ...)
{
	char **argv;
	struct started s;
	va_list ap;

	ARGS_TO_ARGV(argv, arg, ap);
	va_end(ap);
	s = child_begin(path, environ);
	exec_begin();
	return exec_failed(real.execv(path, argv), s);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	char **argv;
	struct started s;
	va_list ap;

	ARGS_TO_ARGV(argv, arg, ap);
	va_end(ap);
	s = child_begin(file, environ);
	exec_begin();
	return exec_failed(real.execvp(file, argv), s);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char **argv, **envp;
	struct started s;
	va_list ap;

	ARGS_TO_ARGV(argv, arg, ap);
	envp = va_arg(ap, char **);
	va_end(ap);
	s = child_begin(path, envp);
	exec_begin();
	return exec_failed(real.execve(path, argv, envp), s);
}
