/* SPDX-License-Identifier: MIT */
/* Children by the ways that no hook sees: raw clone and clone3, with and without shared memory. */
#include "guest.h"

#include <linux/sched.h>
#include <sched.h>
#include <spawn.h>

pid_t __vfork(void);
int __clone(int (*f)(void *), void *stack, int flags, void *arg, ...);

#define CHILD_STACK (128u << 10)
#define DEPTH_BYTES 2048u
#define LEAKED	    3

static int leaked[LEAKED];

/* Closes all, and takes their numbers for sockets of its own. */
static int close_and_open(void *arg)
{
	int own[LEAKED];

	(void)arg;
	for (int i = 0; i < LEAKED; i++)
		if (close(leaked[i]) != 0)
			return 1;
	dup2(0, leaked[0]);
	for (int i = 0; i < LEAKED; i++)
		own[i] = socket(AF_INET, SOCK_DGRAM, 0);
	close(leaked[0]);
	for (int i = 0; i < LEAKED; i++)
		if (close(own[i]) != 0)
			return 2;
	return 3;
}

/* Whoever has closed at all these depths of a stack is known to have been there. */
static __attribute__((noinline)) void close_at_depths(unsigned depth)
{
	volatile char frame[DEPTH_BYTES];

	frame[0] = (char)depth;
	if (depth)
		close_at_depths(depth - 1);
	close(socket(AF_INET, SOCK_DGRAM, frame[0] & 0));
}

#if defined(__x86_64__)
/* One system call whose child starts on a stack of its own, which holds a function and its end. */
static long clone_raw(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	long r;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "pop %%rax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "call *%%rax\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov $60, %%eax\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
}

static long clone_by_asm(char *stack, long flags, int *ended)
{
	void **top = (void **)(stack + CHILD_STACK - 56);

	top[0] = (void *)(uintptr_t)close_and_open;
	return clone_raw(SYS_clone, flags, (long)top, 0, (long)ended);
}

static long clone3_by_asm(char *stack, long flags, int *ended)
{
	void **top = (void **)(stack + CHILD_STACK - 56);
	struct clone_args args = {.flags = (uint64_t)flags & ~0xffull,
				  .exit_signal = (uint64_t)flags & 0xff,
				  .child_tid = (uintptr_t)ended,
				  .stack = (uintptr_t)stack,
				  .stack_size = CHILD_STACK - 56};

	top[0] = (void *)(uintptr_t)close_and_open;
	return clone_raw(SYS_clone3, (long)&args, sizeof(args), 0, 0);
}
#else
static long clone_by_asm(char *stack, long flags, int *ended)
{
	return clone(close_and_open, stack + CHILD_STACK, (int)flags, NULL, NULL, NULL, ended);
}
#define clone3_by_asm clone_by_asm
#endif

static long clone_by_libc(char *stack, long flags, int *ended)
{
	return clone(close_and_open, stack + CHILD_STACK, (int)flags, NULL, NULL, NULL, ended);
}

static long clone_by_libc_too(char *stack, long flags, int *ended)
{
	return __clone(close_and_open, stack + CHILD_STACK, (int)flags, NULL, NULL, NULL, ended);
}

static long vfork_by_libc(char *stack, long flags, int *ended)
{
	pid_t pid = vfork();

	(void)stack, (void)flags, (void)ended;
	if (pid == 0)
		_exit(close_and_open(NULL));
	return pid;
}

static long vfork_by_libc_too(char *stack, long flags, int *ended)
{
	pid_t pid = __vfork();

	(void)stack, (void)flags, (void)ended;
	if (pid == 0)
		_exit(close_and_open(NULL));
	return pid;
}

#if defined(__x86_64__)
/* Past all hooks, on the stack that its parent has closed on: the end has to find it out. */
static __attribute__((noinline)) long vfork_by_asm(char *stack, long flags, int *ended)
{
	long r = SYS_vfork;

	(void)stack, (void)flags, (void)ended;
	__asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
	if (r == 0) {
		for (int i = 0; i < LEAKED; i++)
			close(leaked[i]);
		_exit(3);
	}
	usleep(150000); /* a close may be under way as long */
	return r;
}
#else
#define vfork_by_asm vfork_by_libc
#endif

/* A child on our memory has one of its own, and goes on after it. */
static long vfork_nested(char *stack, long flags, int *ended)
{
	pid_t pid = vfork();

	if (pid == 0) {
		if (vfork_by_libc(stack, flags, ended) < 0)
			_exit(9);
		_exit(close_and_open(NULL));
	}
	return pid;
}

static int may_go_on[2], has_begun[2];

static void *vfork_and_wait(void *arg)
{
	char byte;
	pid_t pid;

	close_at_depths(8);
	pid = vfork();
	if (pid == 0) {
		write(has_begun[1], "x", 1);
		read(may_go_on[0], &byte, 1);
		_exit(close_and_open(NULL));
	}
	*(long *)arg = pid;
	return NULL;
}

/* What other threads close while the child runs is theirs. */
static long vfork_beside(char *stack, long flags, int *ended)
{
	pthread_t t;
	long pid = -1;
	char byte;

	(void)stack, (void)flags, (void)ended;
	must(pipe(may_go_on) == 0 && pipe(has_begun) == 0, "pipe");
	must(pthread_create(&t, NULL, vfork_and_wait, &pid) == 0, "pthread_create");
	must(read(has_begun[0], &byte, 1) == 1, "begun");
	close_at_depths(8);
	must(write(may_go_on[1], "x", 1) == 1, "go on");
	pthread_join(t, NULL);
	return pid;
}

#if defined(__x86_64__)
static void close_open_and_end(void)
{
	_exit(close_and_open(NULL));
}

/* Its child returns from syscall() by its own stack. */
static long clone_by_call(char *stack, long flags, int *ended)
{
	void **top = (void **)(stack + CHILD_STACK - 64);

	top[0] = (void *)(uintptr_t)close_open_and_end;
	return syscall(SYS_clone, flags, top, NULL, ended, NULL);
}
#else
#define clone_by_call clone_by_libc
#endif

/* On a part of the caller's stack, where that has closed before. */
static long clone_nested_by(long (*way)(char *, long, int *), long flags, int *ended)
{
	char nested[CHILD_STACK] __attribute__((aligned(16)));

	return way(nested, flags, ended);
}

static long clone_nested(char *stack, long flags, int *ended)
{
	(void)stack;
	return clone_nested_by(clone_by_libc, flags, ended);
}

static long clone_nested_too(char *stack, long flags, int *ended)
{
	(void)stack;
	return clone_nested_by(clone_by_libc_too, flags, ended);
}

static long clone_nested_by_call(char *stack, long flags, int *ended)
{
	(void)stack;
	return clone_nested_by(clone_by_call, flags, ended);
}

/* No stack of its own: a fork past all its handlers. */
static long fork_by_call(char *stack, long flags, int *ended)
{
	long pid = syscall(SYS_clone, flags, NULL, NULL, ended, NULL);

	(void)stack;
	if (pid == 0)
		_exit(close_and_open(NULL));
	return pid;
}

static long fork_by_call3(char *stack, long flags, int *ended)
{
	struct clone_args args = {.exit_signal = (uint64_t)flags};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	(void)stack, (void)ended;
	if (pid == 0)
		_exit(close_and_open(NULL));
	return pid;
}

#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_CHILD_CLEARTID)

static const struct way {
	const char *name;
	long (*clone)(char *stack, long flags, int *ended);
	long flags;
} ways[] = {
	{"libc_memory", clone_by_libc, CLONE_VM | SIGCHLD},
	{"libc_memory_and_files", clone_by_libc, CLONE_VM | CLONE_FILES | SIGCHLD},
	{"libc_thread", clone_by_libc, THREAD_FLAGS},
	{"asm_memory", clone_by_asm, CLONE_VM | SIGCHLD},
	{"asm_memory_and_files", clone_by_asm, CLONE_VM | CLONE_FILES | SIGCHLD},
	{"asm_thread", clone_by_asm, THREAD_FLAGS},
	{"asm_vfork", vfork_by_asm, SIGCHLD},
	{"clone3_memory", clone3_by_asm, CLONE_VM | SIGCHLD},
	{"clone3_vfork", clone3_by_asm, CLONE_VM | CLONE_VFORK | SIGCHLD},
	{"clone3_thread", clone3_by_asm, THREAD_FLAGS},
	{"libc_vfork", clone_by_libc, CLONE_VM | CLONE_VFORK | SIGCHLD},
	{"libc_nested", clone_nested, CLONE_VM | CLONE_VFORK | SIGCHLD},
	{"libc_nested_too", clone_nested_too, CLONE_VM | CLONE_VFORK | SIGCHLD},
	{"call_nested", clone_nested_by_call, CLONE_VM | CLONE_VFORK | SIGCHLD},
	{"libc_too", clone_by_libc_too, CLONE_VM | SIGCHLD},
	{"vfork", vfork_by_libc, SIGCHLD},
	{"vfork_too", vfork_by_libc_too, SIGCHLD},
	{"vfork_nested", vfork_nested, SIGCHLD},
	{"vfork_beside", vfork_beside, SIGCHLD},
	{"call_memory", clone_by_call, CLONE_VM | SIGCHLD},
	{"call", fork_by_call, SIGCHLD},
	{"call3", fork_by_call3, SIGCHLD},
};

static void wait_for_end(const struct way *way, long pid, const int *ended)
{
	int status = 0;

	if (way->flags & CLONE_THREAD) {
		while (__atomic_load_n(ended, __ATOMIC_ACQUIRE))
			syscall(SYS_sched_yield);
		return;
	}
	must(waitpid((pid_t)pid, &status, 0) == pid, "waitpid");
	printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/* Leaks three, which a child of the way ARG closes, in its own table or in ours. */
int guest_clone(int argc, char **argv)
{
	char *stack =
		mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sockaddr_in addr;
	const struct way *way = ways;
	int listener = listen_any(&addr), ended = 1;
	long pid;

	while (argc > 0 && strcmp(way->name, argv[0]) != 0)
		must(++way < ways + sizeof(ways) / sizeof(ways[0]), "no such way");
	for (int i = 0; i < LEAKED; i++)
		leaked[i] = leak_one(listener, &addr);
	close_at_depths(2 * CHILD_STACK / DEPTH_BYTES);
	pid = way->clone(stack, way->flags, &ended);
	must(pid > 0, "clone");
	wait_for_end(way, pid, &ended);
	for (int i = 0; i < LEAKED; i++)
		printf("%s\n", fcntl(leaked[i], F_GETFD) < 0 ? "closed" : "open");
	serve_one(listener, &addr);
	return 0;
}

/* What is done to the child's table is not done to ours. */
int guest_spawn(int argc, char **argv)
{
	char *const command[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
				 (char *)(uintptr_t) "exit 6", NULL};
	posix_spawn_file_actions_t actions;
	struct sockaddr_in addr;
	int listener = listen_any(&addr), status;
	pid_t pid;

	(void)argc, (void)argv;
	for (int i = 0; i < LEAKED; i++)
		leaked[i] = leak_one(listener, &addr);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, leaked[0]);
	posix_spawn_file_actions_adddup2(&actions, listener, leaked[1]);
	posix_spawn_file_actions_adddup2(&actions, 0, leaked[2]);
	must(posix_spawn(&pid, "/bin/sh", &actions, NULL, command, environ) == 0, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	serve_one(listener, &addr);
	return 0;
}
