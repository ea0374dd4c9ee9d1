/* SPDX-License-Identifier: MIT */
/*
 * What one call costs: hooks NAME TIMES [FRAMES [wall]]. Prints nanoseconds of CPU time per call;
 * of time, where another process does the watching while this one waits. bench/run runs it with the
 * shim and without; the difference is the shim's, everything else is in both.
 *
 * It must do nothing between two calls that could vary from run to run.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 128 /* bytes that a socket pair holds whatever its buffers */
#define FDS   8

static int pair[2];
static char buf[BATCH];

static uint64_t began; /* a bench may move it, after its preparations */
static clockid_t watch = CLOCK_PROCESS_CPUTIME_ID;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(watch, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void must(long r)
{
	if (r < 0)
		err(1, "bench/hooks");
}

static void pair_make(void)
{
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

/* One send per BATCH calls beside those measured. */
#define INPUT_BENCH(name, call)                                                                    \
	static void name(long times)                                                               \
	{                                                                                          \
		pair_make();                                                                       \
		for (long i = 0; i < times; i++) {                                                 \
			if (i % BATCH == 0)                                                        \
				must(send(pair[1], buf, BATCH, 0));                                \
			must(call);                                                                \
		}                                                                                  \
	}

#define OUTPUT_BENCH(name, call)                                                                   \
	static void name(long times)                                                               \
	{                                                                                          \
		pair_make();                                                                       \
		for (long i = 0; i < times; i++) {                                                 \
			must(call);                                                                \
			if (i % BATCH == BATCH - 1)                                                \
				must(recv(pair[1], buf, BATCH, 0));                                \
		}                                                                                  \
	}

INPUT_BENCH(bench_recv, recv(pair[0], buf, 1, 0))
INPUT_BENCH(bench_read, read(pair[0], buf, 1))
OUTPUT_BENCH(bench_send, send(pair[0], buf, 1, 0))
OUTPUT_BENCH(bench_write, write(pair[0], buf, 1))

/* Several sockets in turn, as a server has them: what is remembered of the last does not help. */
static void bench_recv_turns(long times)
{
	int pairs[FDS][2];

	for (int k = 0; k < FDS; k++)
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[k]));
	for (long i = 0; i < times; i++) {
		if (i % (FDS * BATCH) == 0)
			for (int k = 0; k < FDS; k++)
				must(send(pairs[k][1], buf, BATCH, 0));
		must(recv(pairs[i % FDS][0], buf, 1, 0));
	}
}

/* Of no socket: what a program pays that reads files. */
static void bench_read_file(long times)
{
	int fds[2];

	must(pipe(fds));
	for (long i = 0; i < times; i++) {
		if (i % BATCH == 0)
			must(write(fds[1], buf, BATCH));
		must(read(fds[0], buf, 1));
	}
}

static void bench_poll(long times, int nr)
{
	struct pollfd fds[FDS];

	pair_make();
	must(send(pair[1], buf, 1, 0));
	for (int i = 0; i < nr; i++)
		fds[i] = (struct pollfd){dup(pair[0]), POLLIN, 0};
	for (long i = 0; i < times; i++)
		must(poll(fds, (nfds_t)nr, 0));
}

static void bench_poll1(long times)
{
	bench_poll(times, 1);
}

static void bench_poll8(long times)
{
	bench_poll(times, FDS);
}

static void bench_select(long times)
{
	struct timeval now = {0, 0};
	fd_set in;

	pair_make();
	for (long i = 0; i < times; i++) {
		FD_ZERO(&in);
		FD_SET(pair[0], &in);
		must(select(pair[0] + 1, &in, NULL, NULL, &now));
	}
}

static int set_make(struct epoll_event *event)
{
	int set = epoll_create1(0);

	pair_make();
	must(send(pair[1], buf, 1, 0));
	must(set);
	*event = (struct epoll_event){.events = EPOLLIN, .data = {.fd = pair[0]}};
	must(epoll_ctl(set, EPOLL_CTL_ADD, pair[0], event));
	return set;
}

static void bench_epoll_wait(long times)
{
	struct epoll_event event, got[FDS];
	int set = set_make(&event);

	for (long i = 0; i < times; i++)
		must(epoll_wait(set, got, FDS, 0));
}

static void bench_epoll_ctl(long times)
{
	struct epoll_event event;
	int set = set_make(&event);

	for (long i = 0; i < times; i++)
		must(epoll_ctl(set, EPOLL_CTL_MOD, pair[0], &event));
}

static void one_life(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	must(fd);
	must(close(fd));
}

static void bench_life(long times)
{
	for (long i = 0; i < times; i++)
		one_life();
}

/* One is left open, so that the recording stays. */
static void bench_life_left(long times)
{
	bench_life(times);
	must(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int frames; /* that a life is to have on its stack */

__attribute__((noinline)) static int life_at_depth(int left)
{
	if (left <= 0)
		one_life();
	else
		life_at_depth(left - 1);
	__asm__ volatile("" ::: "memory"); /* no tail call */
	return left;
}

/* Below it are the thread's start and its caller. */
static void *life_in_thread(void *arg)
{
	life_at_depth(frames - 5);
	return arg;
}

static void bench_life_thread(long times)
{
	for (long i = 0; i < times; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, life_in_thread, NULL) ||
		    pthread_join(thread, NULL))
			errx(1, "no thread");
	}
}

/* A bare thread, to be taken off the one above. */
static void *nothing(void *arg)
{
	return arg;
}

static void bench_thread(long times)
{
	for (long i = 0; i < times; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
			errx(1, "no thread");
	}
}

/* A child that ends at once, of a process with many sockets: with as many as it may, up to these.
 */
#define MANY 18000

static void bench_fork_many(long times)
{
	struct rlimit limit;
	int nr = 0, status;

	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	while (nr < MANY && socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		nr++;
	began = now_ns();
	for (long i = 0; i < times; i++) {
		pid_t pid = fork();

		must(pid);
		if (pid == 0)
			_exit(0);
		must(waitpid(pid, &status, 0));
	}
}

static const struct {
	const char *name;
	void (*run)(long times);
} benches[] = {
	{"recv", bench_recv},		{"recv_turns", bench_recv_turns},
	{"read", bench_read},		{"read_file", bench_read_file},
	{"send", bench_send},		{"write", bench_write},
	{"poll1", bench_poll1},		{"poll8", bench_poll8},
	{"select", bench_select},	{"epoll_wait", bench_epoll_wait},
	{"epoll_ctl", bench_epoll_ctl}, {"life", bench_life},
	{"life_left", bench_life_left}, {"life_thread", bench_life_thread},
	{"thread", bench_thread},	{"fork_many", bench_fork_many},
};

static void run(void (*bench)(long), long times)
{
	bench(times / 100 + 1); /* warm */
	began = now_ns();
	bench(times);
	printf("%.2f\n", (double)(now_ns() - began) / (double)times);
}

/* Calls it with so many more frames on the stack. */
__attribute__((noinline)) static int deep(int left, void (*bench)(long), long times)
{
	if (left <= 0)
		run(bench, times);
	else
		deep(left - 1, bench, times);
	__asm__ volatile("" ::: "memory"); /* no tail call */
	return left;
}

int main(int argc, char **argv)
{
	long times = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

	frames = argc > 3 ? atoi(argv[3]) : 0;
	if (argc > 4)
		watch = CLOCK_MONOTONIC;
	/* main's caller and its caller, main, deep(0), run, the bench and, in a life, one more */
	for (size_t i = 0; times && i < sizeof(benches) / sizeof(benches[0]); i++)
		if (strcmp(benches[i].name, argv[1]) == 0)
			return deep(frames - 8, benches[i].run, times) == -1000;
	errx(2, "usage: hooks NAME TIMES [FRAMES [wall]]");
}
