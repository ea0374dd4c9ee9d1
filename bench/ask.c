/* SPDX-License-Identifier: MIT */
/*
 * The client of the servers that are measured: as many requests as each line of its input says, as
 * fast as they are answered, and in the same pattern each time. Every thread writes a request to
 * each of its connections, then reads all the answers.
 *
 *	ask keep PORT THREADS CONNECTIONS REQUEST	connections stay open, from line to line too
 *	ask close ...					a new one for each request; we close it
 *	ask eof ...					the server closes it
 *
 * REQUEST's \r and \n are what they stand for in C. Answers each line by requests per second.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX	64
#define CONNECTIONS_MAX 64
#define ANSWER_MAX	65536
#define QUIET_MS	20 /* the first answer is over */

enum mode { KEEP, CLOSE, END_OF_FILE };

static enum mode mode;
static uint16_t port;
static char request[4096];
static size_t request_bytes, answer_bytes; /* 0: up to the EOF */
static bool is_http;
static int connections;

struct client {
	pthread_t thread;
	uint32_t from, to;
	int fds[CONNECTIONS_MAX];
	char answer[ANSWER_MAX];
};

static struct client all[THREADS_MAX];

static void must(long r)
{
	if (r < 0)
		err(1, "bench/ask");
}

/* From many addresses: the closed ones wait in TIME_WAIT, and no one has ports enough. */
static int connect_from(uint32_t i)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr = {htonl(0x7f000002u + i % 60000u)}};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	must(fd);
	must(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)));
	must(bind(fd, (struct sockaddr *)&from, sizeof(from)));
	must(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	return fd;
}

static void write_request(int fd)
{
	must(send(fd, request, request_bytes, 0));
}

/* A server that refuses is quick. */
static void answer_begins(const char *buf, size_t n)
{
	if (!n || (is_http && (n < 12 || memcmp(buf + 8, " 200", 4) != 0)))
		errx(1, "no good answer: %.*s", n < 40 ? (int)n : 40, buf);
}

static void read_answer(int fd, char *buf)
{
	size_t got = 0;
	ssize_t n;

	while (!answer_bytes || got < answer_bytes) {
		n = recv(fd, buf, answer_bytes ? answer_bytes - got : ANSWER_MAX, 0);
		must(n);
		if (!got)
			answer_begins(buf, (size_t)n);
		if (n == 0 && !answer_bytes)
			return;
		if (n == 0)
			errx(1, "the server has closed the connection");
		got += (size_t)n;
	}
}

/* How long are answers? All that comes until nothing has come for a while. */
static void learn_answer(void)
{
	int fd = connect_from(0);
	struct pollfd p = {fd, POLLIN, 0};
	ssize_t n;

	if (mode == END_OF_FILE) {
		must(close(fd));
		return;
	}
	write_request(fd);
	while (poll(&p, 1, answer_bytes ? QUIET_MS : 10000) > 0) {
		n = recv(fd, all[0].answer, ANSWER_MAX, 0);
		must(n);
		if (n == 0)
			break;
		answer_bytes += (size_t)n;
	}
	if (!answer_bytes || answer_bytes > ANSWER_MAX)
		errx(1, "no answer, or too long a one");
	must(close(fd));
}

static void ask_all(struct client *c, int nr, uint32_t i)
{
	for (int k = 0; k < nr; k++) {
		if (c->fds[k] < 0)
			c->fds[k] = connect_from(i + (uint32_t)k);
		write_request(c->fds[k]);
	}
	for (int k = 0; k < nr; k++) {
		read_answer(c->fds[k], c->answer);
		if (mode == KEEP)
			continue;
		must(close(c->fds[k]));
		c->fds[k] = -1;
	}
}

static void *client(void *arg)
{
	struct client *c = arg;
	uint32_t left;

	for (uint32_t i = c->from; i < c->to; i += (uint32_t)connections) {
		left = c->to - i;
		ask_all(c, left < (uint32_t)connections ? (int)left : connections, i);
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void take_request(const char *s)
{
	for (; *s && request_bytes < sizeof(request); s++) {
		char c = *s;

		if (c == '\\' && (s[1] == 'r' || s[1] == 'n'))
			c = *++s == 'r' ? '\r' : '\n';
		request[request_bytes++] = c;
	}
}

static bool take_mode(const char *name)
{
	const char *const names[] = {"keep", "close", "eof"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(name, names[i])) {
			mode = (enum mode)i;
			return true;
		}
	return false;
}

/* From the address after the last one. */
static void ask(uint32_t times, uint32_t threads)
{
	static uint32_t next;

	for (uint32_t i = 0; i < threads; i++) {
		all[i].from = next + (uint32_t)((uint64_t)times * i / threads);
		all[i].to = next + (uint32_t)((uint64_t)times * (i + 1) / threads);
	}
	next += times;
	if (threads == 1) {
		client(&all[0]);
		return;
	}
	for (uint32_t i = 0; i < threads; i++)
		must(-pthread_create(&all[i].thread, NULL, client, &all[i]));
	for (uint32_t i = 0; i < threads; i++)
		must(-pthread_join(all[i].thread, NULL));
}

int main(int argc, char **argv)
{
	uint32_t times, threads;
	double began;
	char line[64];

	if (argc != 6 || !take_mode(argv[1]))
		errx(2, "usage: ask keep|close|eof PORT THREADS CONNECTIONS REQUEST");
	port = (uint16_t)atoi(argv[2]);
	threads = (uint32_t)atoi(argv[3]);
	connections = atoi(argv[4]);
	if (threads < 1 || threads > THREADS_MAX || connections < 1 ||
	    connections > CONNECTIONS_MAX)
		errx(2, "1 to 64 threads and connections");
	take_request(argv[5]);
	is_http = !strncmp(argv[5], "GET /", 5);
	for (uint32_t i = 0; i < threads; i++)
		memset(all[i].fds, -1, sizeof(all[i].fds));
	learn_answer();
	while (fgets(line, sizeof(line), stdin)) {
		times = (uint32_t)strtoul(line, NULL, 10);
		began = seconds();
		ask(times, threads);
		printf("%.1f\n", times / (seconds() - began));
		fflush(stdout);
	}
	return 0;
}
