/* SPDX-License-Identifier: MIT */
/*
 * The worst case: a server that does nothing but open and close. One connection per request; the
 * client closes first, so the server reads the EOF.
 *
 *	echo THREADS [IDLE [WORK]]	prints its port, serves until its input ends; holds IDLE
 *					sockets more, computes WORK us per request. THREADS 0: a
 *					new thread for each connection
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BYTES 64

static int listener;
static uint64_t work_ns;

static void must(long r)
{
	if (r < 0)
		err(1, "bench/echo");
}

static uint64_t clock_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- the server ---- */

static void work(void)
{
	uint64_t end = clock_of(CLOCK_THREAD_CPUTIME_ID) + work_ns;

	while (work_ns && clock_of(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void serve_one(int fd)
{
	char buf[BYTES];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		work();
		must(send(fd, buf, (size_t)n, MSG_NOSIGNAL));
	}
	close(fd);
}

static void *serve_in_thread(void *fd)
{
	serve_one((int)(intptr_t)fd);
	return NULL;
}

static void *serve(void *arg)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		must(fd);
		serve_one(fd);
	}
	return arg;
}

static void *serve_by_threads(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		must(fd);
		must(-pthread_create(&thread, &attr, serve_in_thread, (void *)(intptr_t)fd));
	}
	return arg;
}

static void hold_idle(int nr)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < nr; i++)
		must(socket(AF_INET, SOCK_STREAM, 0));
}

static int server(int threads, int idle)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	pthread_t thread;
	char c;

	hold_idle(idle);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(listener, (struct sockaddr *)&a, sizeof(a)));
	must(listen(listener, 128));
	must(getsockname(listener, (struct sockaddr *)&a, &len));
	for (int i = 0; i < threads; i++)
		must(-pthread_create(&thread, NULL, serve, NULL));
	if (!threads)
		must(-pthread_create(&thread, NULL, serve_by_threads, NULL));
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	long n[3] = {0};

	if (argc < 2)
		errx(2, "usage: echo THREADS [IDLE [WORK]]");
	for (int i = 0; i < 3 && argc > i + 1; i++)
		n[i] = strtol(argv[i + 1], NULL, 10);
	work_ns = (uint64_t)n[2] * 1000;
	return server((int)n[0], (int)n[1]);
}
