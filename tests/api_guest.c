/* SPDX-License-Identifier: MIT */
/*
 * A program that speaks with socklint by its header: `api_guest SCENARIO`. It holds with the shim
 * and without: where there is none, nothing is ever found. Says at its end which it was.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_guest.h"
#include "socklint.h"

static int listener;
static struct sockaddr_in listener_address;

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* What is expected under the shim; without it that is nothing. */
static int seen(int n)
{
	return socklint_present() ? n : 0;
}

static int nr_stuck(const struct socklint_checkpoint *since)
{
	return socklint_leaks_since(since, NULL, 0);
}

static int nr_open(const struct socklint_checkpoint *since)
{
	return socklint_open_since(since, NULL, 0);
}

struct pair {
	int client, server;
};

__attribute__((noinline)) static int accept_one(void)
{
	int fd = accept(listener, NULL, NULL);

	must(fd >= 0);
	return fd;
}

static struct pair pair_open(void)
{
	struct pair p = {socket(AF_INET, SOCK_STREAM, 0), -1};
	const void *address = &listener_address;

	must(p.client >= 0);
	must(connect(p.client, (const struct sockaddr *)address, sizeof(listener_address)) == 0);
	p.server = accept_one();
	return p;
}

/* The client hangs up; returns when the FIN is here. */
static int hung_up(void)
{
	struct pair p = pair_open();
	char c;

	close(p.client);
	must(recv(p.server, &c, 1, 0) == 0);
	return p.server;
}

static void listen_somewhere(void)
{
	socklen_t len = sizeof(listener_address);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	listener_address.sin_family = AF_INET;
	listener_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(listener, (struct sockaddr *)(void *)&listener_address, len) == 0);
	must(listen(listener, 128) == 0);
	must(getsockname(listener, (struct sockaddr *)(void *)&listener_address, &len) == 0);
}

/* ---- scenarios --------------------------------------------------------------------------- */

static void scenario_stuck(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	struct socklint_leak leak = {.fd = -7};
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int fd, e;

	must(nr_stuck(&before) == 0);
	fd = hung_up();
	must(getpeername(fd, (struct sockaddr *)(void *)&peer, &len) == 0);
	errno = e = ELOOP;
	must(socklint_leaks_since(&before, &leak, 1) == seen(1) && errno == e);
	if (socklint_present()) {
		must(leak.fd == fd && leak.state == TCP_CLOSE_WAIT && leak.family == AF_INET);
		must(leak.type == SOCK_STREAM && leak.opened_ns &&
		     !strcmp(leak.opened_by, "accept"));
		must(leak.peer.port == ntohs(peer.sin_port) && leak.peer.family == AF_INET);
		must(leak.local.port == ntohs(listener_address.sin_port));
		must(!memcmp(leak.peer.ip, &peer.sin_addr, 4) && leak.nr_frames >= 2);
		must((uintptr_t)leak.frames[0] - (uintptr_t)accept_one < 200);
	} else {
		must(leak.fd == -7);
	}
	must(nr_stuck_elsewhere(&before) == seen(1));
	close(fd);
	must(nr_stuck(&before) == 0 && nr_open(&before) == 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	must(socklint_leaks_since(&before, &leak, 1) == seen(1));
	must(!socklint_present() || (leak.state == TCP_CLOSE && leak.peer.family == 0));
	close(fd);
}

static void scenario_open(void)
{
	struct socklint_checkpoint before = socklint_checkpoint(), later;
	struct pair p = pair_open();
	int unix_pair[2];

	must(nr_stuck(&before) == 0 && nr_open(&before) == seen(2));
	later = socklint_checkpoint();
	must(nr_open(&later) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair) == 0);
	must(nr_stuck(&later) == 0 && nr_open(&later) == seen(2));
	close(unix_pair[0]);
	must(nr_stuck(&later) == 0 && nr_open(&later) == seen(1));
	close(unix_pair[1]);
	close(p.client);
	close(p.server);
	must(nr_open(&before) == 0);
}

static void scenario_keep(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	int fd = hung_up(), copy, e;

	errno = e = ELOOP;
	must(socklint_keep(-1, "no descriptor") == 0 && socklint_keep(9999, "not open") == 0);
	must(socklint_keep(0, "no socket") == 0 && nr_stuck(&before) == seen(1));
	must(socklint_keep(fd, "for a test") == seen(1) && nr_stuck(&before) == 0);
	must(nr_open(&before) == 0 && errno == e);
	copy = dup(fd); /* the same socket */
	must(nr_stuck(&before) == 0);
	close(fd);
	must(nr_stuck(&before) == 0);
	close(copy);
	must(hung_up() == fd); /* another one in the same number */
	must(nr_stuck(&before) == seen(1));
	copy = dup(fd);
	must(copy < fd); /* all its numbers are marked by any of them */
	must(socklint_keep(fd, NULL) == seen(1) && nr_stuck(&before) == 0);
	close(fd);
	close(copy);
}

static void scenario_dup(void)
{
	int old = hung_up(), copy, fd;
	struct socklint_checkpoint before = socklint_checkpoint();
	struct socklint_leak leak = {.fd = -1};

	copy = dup(old);
	must(nr_open(&before) == 0); /* opened before, under another number */
	fd = hung_up();
	close(old);
	must(dup2(fd, old) == old);
	must(socklint_leaks_since(&before, &leak, 1) == seen(1));
	must(!socklint_present() || leak.fd == old);
	close(old);
	must(socklint_leaks_since(&before, &leak, 1) == seen(1));
	must(!socklint_present() || leak.fd == fd);
	close(fd);
	close(copy);
	must(nr_open(&before) == 0);
}

static void scenario_room(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	struct socklint_leak leaks[4];
	int fds[5];

	memset(leaks, 0x55, sizeof(leaks));
	for (int i = 0; i < 5; i++)
		fds[i] = socket(AF_INET6, SOCK_STREAM, 0);
	must(socklint_leaks_since(&before, leaks, 2) == seen(5));
	if (socklint_present())
		must(leaks[0].fd == fds[0] && leaks[1].fd == fds[1]);
	must(leaks[2].fd == 0x55555555);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

/* Headers of another age: a smaller struct, and a larger one. */
static void scenario_sizes(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	unsigned char small[2 * 16], large[2 * 1000];
	socklint_leaks_fn *leaks;
	int fds[2] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_STREAM, 0)}, fd;

	if (!socklint_find("socklint_leaks_v1", &leaks))
		return;
	memset(small, 0x55, sizeof(small));
	memset(large, 0x55, sizeof(large));
	must(leaks(&before, SOCKLINT_STUCK, (struct socklint_leak *)(void *)small, 16, 1) == 2);
	memcpy(&fd, small, sizeof(fd));
	must(fd == fds[0] && small[16] == 0x55);
	must(leaks(&before, SOCKLINT_STUCK, (struct socklint_leak *)(void *)large, 1000, 2) == 2);
	memcpy(&fd, large + 1000, sizeof(fd));
	must(fd == fds[1] && large[999] == 0 && large[1999] == 0);
	close(fds[0]);
	close(fds[1]);
}

#define THREADS 4

static void *open_and_close(void *leaked)
{
	for (int i = 0; i < 300; i++) {
		int fd = hung_up();

		if (i % 3 == 0)
			must(socklint_keep(fd, i % 2 ? "odd" : "even") == seen(1));
		close(fd);
	}
	*(int *)leaked = hung_up();
	return NULL;
}

static void scenario_threads(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	struct socklint_leak leaks[4 * THREADS];
	pthread_t threads[THREADS];
	int leaked[THREADS];

	for (int i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, open_and_close, &leaked[i]) == 0);
	for (int i = 0; i < 200; i++) {
		int n = socklint_open_since(&before, leaks, 4 * THREADS);

		must(n >= 0 && n <= 2 * THREADS);
	}
	for (int i = 0; i < THREADS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	must(nr_stuck(&before) == seen(THREADS) && nr_open(&before) == seen(THREADS));
	for (int i = 0; i < THREADS; i++)
		close(leaked[i]);
	must(nr_open(&before) == 0);
}

static void child_looks(const struct socklint_checkpoint *before, int inherited)
{
	struct socklint_checkpoint own = socklint_checkpoint();
	int fd;

	must(nr_open(&own) == 0 && nr_stuck(before) == seen(1));
	fd = hung_up();
	must(nr_stuck(&own) == seen(1) && nr_stuck(before) == seen(2));
	must(socklint_keep(inherited, "by the child") == seen(1));
	must(nr_stuck(before) == seen(1));
	close(fd);
	must(nr_stuck(before) == 0);
	exit(0);
}

static void scenario_fork(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	int fd = hung_up(), status;

	for (int by_raw_call = 0; by_raw_call < 2; by_raw_call++) {
		pid_t pid;

		fflush(stdout);
		pid = by_raw_call ? (pid_t)syscall(SYS_fork) : fork();
		if (pid == 0)
			child_looks(&before, fd);
		must(waitpid(pid, &status, 0) == pid && status == 0);
	}
	must(nr_stuck(&before) == seen(1)); /* what the child kept, it kept for itself */
	close(fd);
}

/* It shares our memory, and what it says is not ours. */
static void scenario_vfork(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	int fd = hung_up(), status;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(socklint_keep(fd, "by a vfork child"));
	must(waitpid(pid, &status, 0) == pid && status == 0);
	must(nr_stuck(&before) == seen(1));
	close(fd);
}

/* Past every hook. */
static void close_unseen(int fd)
{
#ifdef __x86_64__
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "0"(SYS_close), "D"(fd) : "rcx", "r11", "memory");
	must(r == 0);
#else
	close(fd);
#endif
}

static void scenario_unseen(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	int fd = hung_up();

	close_unseen(fd);
	must(nr_open(&before) == 0);
}

/* The kernel may not be asked any more: what was read tells. */
static void scenario_sealed(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &allow};
	struct socklint_leak leak = {.fd = -1};
	int fd = hung_up();

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	must(socklint_leaks_since(&before, &leak, 1) == seen(1));
	must(!socklint_present() || (leak.fd == fd && leak.state == TCP_CLOSE_WAIT));
}

static volatile int in_handler;
static socklint_leaks_fn *look; /* dlsym() is nothing for a handler */

static void look_in_handler(int sig)
{
	struct socklint_checkpoint nothing = {0, {0, 0, 0}};
	struct socklint_leak leak;

	(void)sig;
	if (look)
		in_handler += look(&nothing, SOCKLINT_OPEN, &leak, sizeof(leak), 1) >= 1;
}

/* Wherever a handler comes down while the program opens and closes: it returns, and sees. */
static void scenario_signals(void)
{
	struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};

	socklint_find("socklint_leaks_v1", &look);
	signal(SIGALRM, look_in_handler);
	must(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (int i = 0; i < 2000 || in_handler < seen(20); i++)
		close(socket(AF_INET, SOCK_STREAM, 0));
	must(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

/* ---- for the report ---------------------------------------------------------------------- */

__attribute__((noinline)) static void serve(const char *reason)
{
	int fd = hung_up();

	if (reason) {
		socklint_keep(fd, "a reason that was given up");
		socklint_keep(fd, reason);
	}
}

/* A bug, were it not meant. */
static void scenario_leaks_kept(void)
{
	static const char long_reason[] =
		"123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
		"123456789 123456789 123456789 123456789 123456789 123456789";

	for (int i = 0; i < 8; i++) /* three of them for no reason */
		serve(i == 7 ? long_reason : i % 3 == 0 ? "" : "a pool of connections");
}

static void scenario_leaks(void)
{
	for (int i = 0; i < 8; i++)
		serve(i == 3 ? "a pool of connections" : NULL);
}

/* More of them than the shim can remember reasons for, most of them gone. */
static void scenario_many_kept(void)
{
	for (int i = 0; i < 1000; i++) {
		int fd = hung_up();

		must(socklint_keep(fd, "for a moment") == seen(1));
		close(fd);
	}
	serve("the last of many");
}

/* Only the parent says so; only the child has it at the end. */
static void scenario_kept_by_parent(void)
{
	int to_child[2], fds[3];
	char c;

	must(pipe(to_child) == 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = hung_up();
		socklint_keep(fds[i], "the child's");
	}
	if (fork() == 0) {
		close(to_child[1]);
		must(read(to_child[0], &c, 1) == 0); /* the parent has ended */
		close(socket(AF_INET, SOCK_STREAM, 0));
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* An earlier image says so; the next has it at the end. */
static void scenario_kept_by_exec(void)
{
	for (int i = 0; i < 3; i++)
		serve("the next image's");
	must(execl("/proc/self/exe", "api_guest", "room", (char *)NULL) == 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{"stuck", scenario_stuck},
	{"open", scenario_open},
	{"keep", scenario_keep},
	{"dup", scenario_dup},
	{"room", scenario_room},
	{"sizes", scenario_sizes},
	{"threads", scenario_threads},
	{"fork", scenario_fork},
	{"vfork", scenario_vfork},
	{"unseen", scenario_unseen},
	{"signals", scenario_signals},
	{"sealed", scenario_sealed},
	{"leaks", scenario_leaks},
	{"leaks_kept", scenario_leaks_kept},
	{"many_kept", scenario_many_kept},
	{"kept_by_exec", scenario_kept_by_exec},
	{"kept_by_parent", scenario_kept_by_parent},
};

int main(int argc, char **argv)
{
	must(called_before_all_else());
	listen_somewhere();
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (argc > 1 && !strcmp(argv[1], scenarios[i].name)) {
			scenarios[i].run();
			printf("%s: %s\n", argv[1], socklint_present() ? "present" : "absent");
			return 0;
		}
	fprintf(stderr, "usage: api_guest SCENARIO\n");
	return 2;
}
