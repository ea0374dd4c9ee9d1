/* SPDX-License-Identifier: MIT */
/* Programs that resist: system call filters of every kind. */
#include "guest.h"
#include <ucontext.h>

/* What these programs call themselves, the C library's own calls included. */
static const int own_calls[] = {
	SYS_read,
	SYS_write,
	SYS_accept,
	SYS_close,
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_getsockname,
	SYS_exit,
	SYS_exit_group,
	SYS_wait4,
	SYS_clone,
	SYS_clone3,
	SYS_futex,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_mmap,
	SYS_munmap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_getrandom,
	SYS_prlimit64,
	SYS_sched_getaffinity,
	SYS_rt_sigreturn,
	SYS_clock_nanosleep,
	SYS_newfstatat,
	SYS_prctl,
	SYS_kill,
};

#define NR_OWN_CALLS (sizeof(own_calls) / sizeof(own_calls[0]))

static struct sock_filter filter_code[2 * NR_OWN_CALLS + 2];
static struct sock_fprog filter = {0, filter_code};

static void filter_make(const char *action)
{
	unsigned verdict = !strcmp(action, "errno")  ? SECCOMP_RET_ERRNO | EPERM
			   : !strcmp(action, "trap") ? SECCOMP_RET_TRAP
						     : SECCOMP_RET_KILL_PROCESS;

	filter_code[filter.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
								 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < NR_OWN_CALLS; i++) {
		filter_code[filter.len++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)own_calls[i], 0, 1);
		filter_code[filter.len++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	filter_code[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	static char line[] = "trapped 000\n";

	(void)sig, (void)context;
	for (int i = 0, nr = info->si_syscall; i < 3; i++, nr /= 10)
		line[10 - i] = (char)('0' + nr % 10);
	if (write(1, line, sizeof(line) - 1) < 0)
		_exit(98);
}

/* As a program does that has no use for a C library: nobody can notice. */
static long by_instruction(long nr, long a, long b, void *c)
{
#if defined(__x86_64__)
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
#else
	return syscall(nr, a, b, c);
#endif
}

static void filter_install(const char *how)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	long r;

	sigaction(SIGSYS, &sa, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!strcmp(how, "prctl"))
		r = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
	else if (!strcmp(how, "threads"))
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			    &filter);
	else if (!strcmp(how, "instruction"))
		r = by_instruction(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
	else
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
	must(r == 0, "filter");
}

static bool threads_end;

static void *open_and_close(void *arg)
{
	sigset_t before, after;

	(void)arg;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	for (int i = 0; !__atomic_load_n(&threads_end, __ATOMIC_RELAXED); i++)
		close(socket_at_depth(i % 50));
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	must(!memcmp(&before, &after, sizeof(before)), "the same signals as before");
	return NULL;
}

static void leak_and_serve(void)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
}

/* filtered HOW ACTION [before|worker|again]: a filter by every door, and what it does to others. */
int guest_filtered(int argc, char **argv)
{
	const char *when = argc > 2 ? argv[2] : "";
	pthread_t threads[3];
	pid_t pid = getpid();
	int status = 0;

	must(argc > 1, "how and what");
	printf("filtered\n");
	fflush(stdout);
	filter_make(argv[1]);
	if (strcmp(when, "before"))
		leak_and_serve();
	if (!strcmp(argv[0], "threads"))
		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, open_and_close, NULL);
	filter_install(argv[0]);
	if (!strcmp(argv[0], "threads")) {
		usleep(50000);
		__atomic_store_n(&threads_end, true, __ATOMIC_RELAXED);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
	}
	if (!strcmp(when, "worker") && fork() == 0) {
		leak_and_serve();
		_exit(0);
	}
	if (!strcmp(when, "worker"))
		wait(&status);
	leak_and_serve();
	if (!strcmp(when, "again")) { /* asks what there is, as some do, and is ended by others */
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL);
		kill(pid, SIGTERM);
	}
	return WEXITSTATUS(status);
}

/* ---- a plugin in another language ---- */

static int listener_for_plugin;

/* Called by the plugin, whose frames lie around ours. */
static int use_socket(void)
{
	return socket_at_depth(3);
}

static void *block_in_plugin(void *arg)
{
	void (*block)(int) = (void (*)(int))(uintptr_t)dlsym(arg, "plugin_block");

	must(block != NULL, "plugin_block");
	block(listener_for_plugin);
	return NULL;
}

/* plugin PATH: what it throws is caught in it, and what is cancelled in it cleans up. */
int guest_plugin(int argc, char **argv)
{
	void *plugin = argc > 0 ? dlopen(argv[0], RTLD_NOW | RTLD_LOCAL) : NULL;
	int (*throws)(int (*)(void)), (*cleaned_up)(void);
	struct sockaddr_in addr;
	pthread_t t;
	void *result;

	listener_for_plugin = listen_any(&addr);
	must(plugin != NULL, "dlopen");
	throws = (int (*)(int (*)(void)))(uintptr_t)dlsym(plugin, "plugin_throws");
	cleaned_up = (int (*)(void))(uintptr_t)dlsym(plugin, "plugin_cleaned_up");
	for (int i = 0; i < 3; i++)
		printf("caught: %d\n", throws(use_socket));
	pthread_create(&t, NULL, block_in_plugin, plugin);
	usleep(100000);
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("cancelled: %d, cleaned up: %d\n", result == PTHREAD_CANCELED, cleaned_up());
	leak_and_serve();
	return 0;
}
