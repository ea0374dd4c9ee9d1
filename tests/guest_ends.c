/* SPDX-License-Identifier: MIT */
/* The ways to end, and signals. */
#include "guest.h"

static void on_signal(int sig)
{
	static const char said[] = "my own handler\n";

	(void)sig;
	if (write(1, said, sizeof(said) - 1) < 0)
		_exit(98);
	_exit(5);
}

/* Cleans up, then dies of the signal: the kernel has put the default action back. */
static void on_signal_again(int sig)
{
	raise(sig);
}

static void on_exit_say(void)
{
	printf("atexit ran\n");
	fflush(stdout);
}

int guest_end(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "return";
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
	atexit(on_exit_say);
	printf("ending by %s\n", how);
	fflush(stdout);
	if (!strcmp(how, "exit"))
		exit(41);
	if (!strcmp(how, "_exit"))
		_exit(42);
	if (!strcmp(how, "_Exit"))
		_Exit(43);
	if (!strcmp(how, "quick_exit"))
		quick_exit(44);
	if (!strcmp(how, "syscall"))
		syscall(SYS_exit_group, 45);
	if (!strcmp(how, "exec"))
		execl("/bin/sh", "sh", "-c", "exit 46", (char *)NULL);
	if (!strcmp(how, "exec_alone"))
		execle("/bin/sh", "sh", "-c", "exit 46", (char *)NULL, (char *[]){NULL});
	if (!strcmp(how, "handler")) {
		signal(SIGTERM, on_signal);
		raise(SIGTERM);
	}
	if (!strcmp(how, "resethand")) {
		sigaction(SIGTERM,
			  &(struct sigaction){.sa_handler = on_signal_again,
					      .sa_flags = SA_RESETHAND},
			  NULL);
		kill(getpid(), SIGTERM);
	}
	if (!strcmp(how, "pause"))
		pause();
	if (atoi(how))
		kill(getpid(), atoi(how));
	return 40;
}

/* ---- the same sockets, ended in each way ---- */

static volatile sig_atomic_t told;

static void on_signal_flag(int sig)
{
	(void)sig;
	told = 1;
}

static void on_signal_default_again(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

static void handle(void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};

	sigaction(SIGTERM, &sa, NULL);
	kill(getpid(), SIGTERM);
}

/* Goes into the memory cgroup `dir` and takes more than it has. */
static void run_out_of_memory(const char *dir)
{
	char path[300], pid[20];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, pid, strlen(pid)) > 0, "cgroup");
	for (int i = 0; i < 256; i++)
		memset(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0),
		       1, 1 << 20);
}

static void end_by(const char *how, char *arg)
{
	if (!strcmp(how, "exit"))
		exit(41);
	if (!strcmp(how, "_exit"))
		_exit(42);
	if (!strcmp(how, "_Exit"))
		_Exit(43);
	if (!strcmp(how, "quick_exit"))
		quick_exit(44);
	if (!strcmp(how, "syscall"))
		syscall(SYS_exit_group, 45);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "crash"))
		*(volatile int *)(uintptr_t)8 = 1;
	if (!strcmp(how, "exec_static"))
		execl(arg, arg, "exit", "46", (char *)NULL);
	if (!strcmp(how, "exec_cleared"))
		execle("/bin/sh", "sh", "-c", "exit 47", (char *)NULL, (char *[]){NULL});
	if (!strcmp(how, "handler_exits"))
		handle(on_signal, 0);
	if (!strcmp(how, "handler_flag"))
		handle(on_signal_flag, SA_RESTART);
	if (!strcmp(how, "handler_once"))
		handle(on_signal_again, SA_RESETHAND);
	if (!strcmp(how, "handler_again"))
		handle(on_signal_default_again, 0);
	if (!strcmp(how, "out_of_memory"))
		run_out_of_memory(arg);
	if (atoi(how))
		kill(getpid(), atoi(how));
}

/*
 * A server that leaks three, keeps two clients and serves others for longer than the grace of a
 * program that is stopped from outside. Its end comes right after its last client.
 */
int guest_ended(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), kept[2], clients[2];
	char byte = 'x';

	must(argc > 0, "how");
	for (int i = 0; i < 2; i++) {
		clients[i] = connect_to(&addr);
		kept[i] = accept_client(listener);
	}
	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	if (!strncmp(argv[0], "exec", 4)) /* an exec ends this one */
		fcntl(leak_one(listener, &addr), F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < 13; i++) {
		usleep(100000);
		serve_one(listener, &addr);
		must(write(clients[i % 2], &byte, 1) == 1 && read(kept[i % 2], &byte, 1) == 1,
		     "exchange");
	}
	end_by(argv[0], argc > 1 ? argv[1] : NULL);
	return told ? 48 : 40;
}

static void on_signal_count(int sig)
{
	(void)sig;
	told++;
}

/* Says how often it was told to stop: what comes twice comes within the time it waits. */
int guest_count_signals(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGTERM, on_signal_count);
	signal(SIGINT, on_signal_count);
	printf("ready\n");
	fflush(stdout);
	for (int i = 0; i < 1000 && !told; i++)
		usleep(20000);
	for (int i = 0; i < 50; i++)
		usleep(10000);
	printf("told %d times\n", (int)told);
	return 0;
}

static const char *disposition(sighandler_t h)
{
	return h == SIG_DFL ? "default" : h == SIG_IGN ? "ignored" : h == on_signal ? "mine" : "?";
}

static volatile sig_atomic_t told_by;

static void on_signal_info(int sig, siginfo_t *info, void *context)
{
	if (sig == info->si_signo && context)
		told_by = info->si_pid;
}

/* Its own handlers are as they were set, and are handed what there is to know. */
static void own_handler(int sig)
{
	struct sigaction sa = {.sa_sigaction = on_signal_info, .sa_flags = SA_SIGINFO | SA_RESTART},
			 old;

	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(sig, &sa, NULL);
	sigaction(sig, &(struct sigaction){.sa_handler = on_signal_flag}, &old);
	printf("%d: %s flags %x mask %d,", sig, old.sa_sigaction == on_signal_info ? "mine" : "?",
	       old.sa_flags & ~0x04000000, sigismember(&old.sa_mask, SIGUSR2));
	sigaction(sig, &old, &sa);
	printf(" %s flags %x,", sa.sa_handler == on_signal_flag ? "mine" : "?",
	       sa.sa_flags & ~0x04000000);
	told_by = 0;
	kill(getpid(), sig);
	printf(" told by %s,", told_by == getpid() ? "itself" : "?");
	signal(sig, on_signal_flag);
	told = 0;
	raise(sig);
	printf(" flag %d, %s\n", (int)told, signal(sig, SIG_DFL) == on_signal_flag ? "mine" : "?");
}

static volatile sig_atomic_t strange, exchanged;

static void on_exchanged(int sig)
{
	strange |= sig != SIGTERM;
}

static void on_exchanged_info(int sig, siginfo_t *info, void *context)
{
	strange |=
		sig != SIGTERM || !context || info->si_signo != SIGTERM || info->si_pid != getpid();
}

static void *exchange_handlers(void *arg)
{
	struct sigaction info = {.sa_sigaction = on_exchanged_info, .sa_flags = SA_SIGINFO},
			 plain = {.sa_handler = on_exchanged};

	(void)arg;
	for (int i = 0; i < 20000; i++)
		sigaction(SIGTERM, i % 2 ? &plain : &info, NULL);
	exchanged = 1;
	return NULL;
}

/* Each handler is called as it was set, also while another takes its place. */
int guest_exchanged_handlers(int argc, char **argv)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	close(socket(AF_INET, SOCK_STREAM, 0));
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_exchanged}, NULL);
	must(pthread_create(&thread, NULL, exchange_handlers, NULL) == 0, "pthread_create");
	while (!exchanged)
		kill(getpid(), SIGTERM);
	pthread_join(thread, NULL);
	printf("%s\n", strange ? "a handler was called in a strange way" : "as they were set");
	return 0;
}

/* On x86 the kernel hands its context to any handler, though the program did not ask for it. */
static void on_context(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
#ifdef __x86_64__
	told = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] != 0;
#else
	(void)context;
#endif
}

int guest_context_unasked(int argc, char **argv)
{
	sighandler_t h = (sighandler_t)(uintptr_t)on_context;

	(void)argc;
	(void)argv;
	signal(SIGTERM, h);
	kill(getpid(), SIGTERM);
	printf("signal: %d\n", (int)told);
	told = 0;
	sigaction(SIGINT, &(struct sigaction){.sa_handler = h}, NULL);
	kill(getpid(), SIGINT);
	printf("sigaction: %d\n", (int)told);
	return 0;
}

int guest_signals(int argc, char **argv)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct sigaction sa, old;

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++) {
		int s = sigs[i];

		memset(&old, 0xff, sizeof(old));
		sigaction(s, NULL, &old);
		printf("%d: %s flags %x,", s, disposition(old.sa_handler), old.sa_flags);
		printf(" %s,", disposition(signal(s, on_signal)));
		printf(" %s,", disposition(signal(s, SIG_DFL)));
		printf(" %s,", disposition(signal(s, SIG_IGN)));
		sa = (struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_RESTART};
		sigaction(s, &sa, &old);
		printf(" %s,", disposition(old.sa_handler));
		sigaction(s, NULL, &old);
		printf(" %s flags %x,", disposition(old.sa_handler), old.sa_flags & ~0x04000000);
		printf(" %s\n", disposition(sigset(s, SIG_DFL)));
	}
	for (int i = 0; i < 4; i++)
		own_handler(sigs[i]);
	if (fork() == 0) {
		sigaction(SIGTERM, NULL, &old);
		printf("in a child: %s\n", disposition(old.sa_handler));
		fflush(stdout);
		kill(getpid(), SIGTERM);
		_exit(1);
	}
	int status;
	wait(&status);
	printf("child died of %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 0;
}

static int cleaned;

static void clean_up(void *arg)
{
	(void)arg;
	cleaned++;
}

static void *block_in(void *arg)
{
	char byte;

	pthread_cleanup_push(clean_up, NULL);
	if (arg)
		accept(thread_listener, NULL, NULL);
	else
		recv(connect_to(&thread_addr), &byte, 1, 0);
	pthread_cleanup_pop(0);
	return NULL;
}

int guest_cancel(int argc, char **argv)
{
	(void)argc, (void)argv;
	thread_listener = listen_any(&thread_addr);
	for (int i = 0; i < 2; i++) {
		void *result;
		pthread_t t;

		pthread_create(&t, NULL, block_in, i ? NULL : &cleaned);
		usleep(100000);
		pthread_cancel(t);
		pthread_join(t, &result);
		printf("cancelled: %d, cleaned up: %d\n", result == PTHREAD_CANCELED, cleaned);
	}
	return 0;
}
