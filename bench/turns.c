/* SPDX-License-Identifier: MIT */
/*
 * Threads that work on different descriptors, one after the other: turns THREADS. bench/sharing
 * reads where they write. Each turn begins with a write to `turn`, and so does what main does
 * between two. Prints how many turns there are before those that count, and all, the address of
 * `turn`, and what is mapped.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recording.h"

#define WARM	  60 /* lives until a thread has all that is its own */
#define ROUNDS	  6
#define LIVES	  4
#define UNCOUNTED 2
#define MAX	  16

static volatile uint64_t turn;

static struct worker {
	pthread_t thread;
	sem_t begins, over;
	int plugs[2];
	int listener, set;
	struct sockaddr_in addr;
} workers[MAX];

static void must(long r)
{
	if (r < 0)
		err(1, "bench/turns");
}

static void worker_open(struct worker *w)
{
	socklen_t len = sizeof(w->addr);

	w->addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	w->listener = socket(AF_INET, SOCK_STREAM, 0);
	must(w->listener);
	must(bind(w->listener, (struct sockaddr *)&w->addr, len));
	must(listen(w->listener, 8));
	must(getsockname(w->listener, (struct sockaddr *)&w->addr, &len));
	w->set = epoll_create1(0);
	must(w->set);
}

static void wait_for(struct worker *w, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
	struct pollfd p = {fd, POLLIN, 0};

	must(poll(&p, 1, -1));
	must(epoll_ctl(w->set, EPOLL_CTL_ADD, fd, &event));
	must(epoll_wait(w->set, &event, 1, -1));
}

static void live(struct worker *w)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), fd;
	char byte = 0;

	must(client);
	must(connect(client, (struct sockaddr *)&w->addr, sizeof(w->addr)));
	fd = accept(w->listener, NULL, NULL);
	must(fd);
	must(send(client, &byte, 1, 0));
	wait_for(w, fd);
	must(recv(fd, &byte, 1, 0));
	must(write(fd, &byte, 1));
	must(read(client, &byte, 1));
	must(close(client));
	must(recv(fd, &byte, 1, 0));
	must(close(fd));
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		must(sem_wait(&w->begins));
		for (int k = 0; k < (i == 0 ? WARM : LIVES); k++)
			live(w);
		must(sem_post(&w->over));
	}
	return NULL;
}

/* Numbers of its own: the lowest that are free, for the others' are plugged. */
static void plug(const int *fds)
{
	for (int i = 0; i < 2; i++)
		if (open("/dev/null", O_RDONLY) != fds[i])
			errx(1, "another number is free");
}

static void take_turn(struct worker *w)
{
	turn++;
	must(sem_post(&w->begins));
	must(sem_wait(&w->over));
	turn++;
}

static void maps_print(int nr)
{
	char line[4096];
	FILE *f = fopen("/proc/self/maps", "re");

	printf("%d %d %lx %zx\n", UNCOUNTED * nr, ROUNDS * nr, (unsigned long)&turn,
	       offsetof(struct rec_header, last_seen_ns));
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stdout);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 2;

	if (nr < 1 || nr > MAX)
		errx(2, "usage: turns THREADS");
	for (int i = 0; i < nr; i++) {
		struct worker *w = &workers[i];

		worker_open(w);
		must(sem_init(&w->begins, 0, 0));
		must(sem_init(&w->over, 0, 0));
		must(-pthread_create(&w->thread, NULL, work, w));
	}
	for (int i = 0; i < 2 * nr; i++) {
		workers[i / 2].plugs[i % 2] = open("/dev/null", O_RDONLY);
		must(workers[i / 2].plugs[i % 2]);
	}
	for (int i = 0; i < ROUNDS * nr; i++) {
		struct worker *w = &workers[i % nr];

		must(close(w->plugs[0]));
		must(close(w->plugs[1]));
		take_turn(w);
		plug(w->plugs);
	}
	maps_print(nr);
	fflush(stdout);
	return 0;
}
