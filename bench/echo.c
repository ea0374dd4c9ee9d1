/* SPDX-License-Identifier: MIT */
/*
 * The worst case: a server that does nothing but open and close. One connection per request; the
 * client closes first, so the server reads the EOF.
 *
 *	echo serve [THREADS]	prints its port and serves until its standard input ends
 *	echo ask PORT TIMES	prints connections per second
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
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BYTES 64

static int listener;

static void must(long r)
{
	if (r < 0)
		err(1, "bench/echo");
}

static void *serve(void *arg)
{
	char buf[BYTES];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n;

		must(fd);
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
			must(send(fd, buf, (size_t)n, MSG_NOSIGNAL));
		close(fd);
	}
	return arg;
}

static int server(int threads)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	pthread_t thread;
	char c;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(listener, (struct sockaddr *)&a, sizeof(a)));
	must(listen(listener, 128));
	must(getsockname(listener, (struct sockaddr *)&a, &len));
	for (int i = 0; i < threads; i++)
		must(-pthread_create(&thread, NULL, serve, NULL));
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	_exit(0);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* From many addresses: the closed ones wait in TIME_WAIT, and no one has ports enough. */
static void ask(int port, uint32_t i)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr = {htonl(0x7f000002u + i % 60000u)}};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	char buf[BYTES] = "";

	must(fd);
	must(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)));
	must(bind(fd, (struct sockaddr *)&from, sizeof(from)));
	must(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	must(send(fd, buf, sizeof(buf), 0));
	must(recv(fd, buf, sizeof(buf), MSG_WAITALL));
	must(close(fd));
}

int main(int argc, char **argv)
{
	uint32_t times = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	uint64_t began;

	if (argc > 1 && !strcmp(argv[1], "serve"))
		return server(argc > 2 ? atoi(argv[2]) : 1);
	if (!times)
		errx(2, "usage: echo serve [THREADS] | echo ask PORT TIMES");
	began = now_ns();
	for (uint32_t i = 0; i < times; i++)
		ask(atoi(argv[2]), i);
	printf("%.1f\n", times * 1e9 / (double)(now_ns() - began));
}
