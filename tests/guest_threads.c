/* SPDX-License-Identifier: MIT */
/* Threads that end, race for numbers, and are interrupted in the middle of a hook. */
#include "guest.h"

#include <limits.h>
#include <setjmp.h>
#include <sys/time.h>

#define RACERS	   64
#define RACE_LOW   200 /* numbers that all of them dup2 onto, each its own */
#define STORM_JUMP 1
#define STORM_WORK 0

/* All descriptors that are sockets, in order: what the table of lives must say too. */
void print_sockets(void)
{
	printf("sockets:");
	for (int fd = 3; fd < 4096; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			printf(" %d", fd);
	}
	printf("\n");
	fflush(stdout);
}

static sem_t has_served;

static void *end_by_exit(void *arg)
{
	serve_one(thread_listener, &thread_addr);
	sem_post(&has_served);
	pthread_exit(arg);
}

/* Threads that end by pthread_exit(), every other one detached. */
int guest_thread_exit(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 100;

	thread_listener = listen_any(&thread_addr);
	sem_init(&has_served, 0, 0);
	for (int i = 0; i < n; i++) {
		void *result = NULL;
		pthread_t t;

		must(pthread_create(&t, NULL, end_by_exit, &has_served) == 0, "thread");
		if (i % 2)
			pthread_detach(t);
		else
			pthread_join(t, &result);
		must(i % 2 || result == &has_served, "pthread_exit");
	}
	for (int i = 0; i < n; i++)
		sem_wait(&has_served);
	close(thread_listener);
	printf("served %d\n", n);
	pthread_exit(NULL); /* the last one: the process ends as by exit(0) */
}

/* ---- a handler that interrupts hooks ---- */

static volatile sig_atomic_t ticks, ticks_wanted, may_jump;
static sigjmp_buf back;

static void work_in_handler(int sig)
{
	int e = errno, fd, pair[2];

	(void)sig;
	if (ticks >= ticks_wanted)
		return;
	ticks++;
	fd = socket_at_depth((int)ticks % 40);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		write(pair[0], "x", 1);
		close(pair[1]);
		close(pair[0]);
	}
	if (fd >= 0)
		close(fd);
	errno = e;
}

static void jump_in_handler(int sig)
{
	(void)sig;
	if (ticks >= ticks_wanted)
		return;
	ticks++;
	if (may_jump)
		siglongjmp(back, 1);
}

static void tick(void (*handler)(int), int n)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 300}, {0, 300}};

	ticks_wanted = n;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void stop_ticking(void)
{
	struct itimerval never = {{0, 0}, {0, 0}};

	setitimer(ITIMER_REAL, &never, NULL);
}

/* One round through every hook of a life, on ever new stacks. */
static void all_hooks(unsigned i)
{
	int fd = socket_at_depth((int)(i % 400)), copy = dup(fd), pair[2];
	char byte;

	dup2(fd, 100);
	dup2(copy, 100);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		write(pair[0], "x", 1);
		recv(pair[1], &byte, 1, 0);
		shutdown(pair[0], SHUT_WR);
		read(pair[1], &byte, 1);
		close(pair[0]);
		close(pair[1]);
	}
	close(through_jit(socket_at_depth, (int)(i % 300)));
	close(100);
	close(copy);
	close(fd);
}

int guest_handler_storm(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 1000, kept = socket_at_depth(0);

	tick(work_in_handler, n);
	for (unsigned i = 0; ticks < ticks_wanted; i++)
		all_hooks(i);
	stop_ticking();
	must(kept == 3, "socket");
	print_sockets();
	return 0;
}

/* How often this thread has gone to sleep: what it loses to others does not count. */
static long naps(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_THREAD, &usage) == 0, "getrusage");
	return usage.ru_nvcsw;
}

static void close_all_above(int low)
{
	for (int fd = low; fd < 256; fd++)
		close(fd);
}

static long naps_in_fork(void)
{
	long before = naps(), after;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(close(socket_at_depth(2)) == 0 ? 7 : 8);
	after = naps();
	must(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7, "child");
	return after - before;
}

/*
 * A handler jumps out of whatever it interrupted. After that all must be as before: stacks are
 * walked, a fork waits for nobody, and a child walks stacks too.
 */
int guest_jump_storm(int argc, char **argv)
{
	struct sockaddr_in addr;
	volatile unsigned i = 0;
	volatile long best = LONG_MAX;
	int listener;

	listen_any(&addr);
	tick(jump_in_handler, argc > 0 ? atoi(argv[0]) : 500);
	while (ticks < ticks_wanted) {
		if (sigsetjmp(back, 1) == 0) {
			may_jump = 1;
			all_hooks(i++);
		}
		may_jump = 0;
		close_all_above(3);
	}
	stop_ticking();
	listener = listen_any(&addr);
	for (int k = 0; k < 10; k++) {
		long n = naps_in_fork();

		best = n < best ? n : best;
	}
	printf("a fork waits: %s\n", best ? "yes" : "no");
	for (int k = 0; k < 3; k++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
	print_sockets();
	return 0;
}

/* Out of fork() itself, in the parent. */
int guest_jump_out_of_fork(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	tick(jump_in_handler, argc > 0 ? atoi(argv[0]) : 100);
	while (ticks < ticks_wanted) {
		if (sigsetjmp(back, 1) == 0) {
			may_jump = 1;
			if (fork() == 0)
				_exit(0);
		}
		may_jump = 0;
	}
	stop_ticking();
	while (wait(NULL) > 0)
		;
	usleep(150000); /* longer than any fork takes */
	for (int k = 0; k < 3; k++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
	print_sockets();
	return 0;
}

/* ---- many threads, the same numbers ---- */

static pthread_barrier_t start_line;

/* Opens and closes what all open and close; and dup2s over a living number that is its own. */
static void *race(void *arg)
{
	int own = RACE_LOW + (int)(intptr_t)arg, pair[2];

	pthread_barrier_wait(&start_line);
	for (int i = 0; i < 60; i++) {
		int fd = socket_at_depth(i % 20);

		must(fd >= 0 && dup2(fd, own) == own, "dup2");
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
		must(dup2(pair[0], own) == own && close(fd) == 0, "close");
		must(close(pair[0]) == 0 && close(pair[1]) == 0, "close");
	}
	if ((intptr_t)arg % 8)
		must(close(own) == 0, "close");
	return NULL;
}

int guest_race(int argc, char **argv)
{
	pthread_t t[RACERS];

	(void)argc, (void)argv;
	pthread_barrier_init(&start_line, NULL, RACERS);
	for (int i = 0; i < RACERS; i++)
		must(pthread_create(&t[i], NULL, race, (void *)(intptr_t)i) == 0, "thread");
	for (int i = 0; i < RACERS; i++)
		pthread_join(t[i], NULL);
	print_sockets();
	return 0;
}
