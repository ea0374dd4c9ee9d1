/*
 * closed_under_reader: a thread for each client, and a janitor that closes what has been idle.
 *
 * The fault:  the janitor calls close() on a connection whose thread is blocked in read().
 * TCP:        close() takes the number away, but the thread inside read() holds the socket. So the
 *             kernel sends no FIN: the client believes that it is connected, the thread sleeps on
 *             until the client says or ends something, and then works with a number that has
 *             another owner by then.
 * The fix:    the janitor calls shutdown(fd, SHUT_RDWR): the FIN is sent, read() returns 0, and
 *             the thread closes, as after each client.
 *
 * clients:  3 good, 2 hold
 * awaits:   client 4 was idle
 * awaits:   client 5 was idle
 * stop:     SIGTERM
 * finds:    warning: closed-under-reader: 2 sockets closed in drop_idle
 * says:     was blocked in a call on descriptor
 * says:     opened accept_client (closed_under_reader.c:
 */
#include "example.h"

#include <pthread.h>
#include <time.h>

#define MAX_CLIENTS 100
#define IDLE_MS	    500

struct client {
	int fd;		 /* -1: none */
	long idle_since; /* ms; 0: it has not asked yet, or is being answered */
};

static struct client clients[MAX_CLIENTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	return fd;
}

static void drop_idle(struct client *c)
{
	if (c->fd >= 0 && c->idle_since && c->idle_since + IDLE_MS < now_ms()) {
		close(c->fd); /* socklint: closed here, the fault: its thread is inside read() */
		c->fd = -1;
		printf("client %d was idle\n", (int)(c - clients) + 1);
		fflush(stdout);
	}
}

static void *janitor(void *arg)
{
	for (;;) {
		pthread_mutex_lock(&lock);
		for (int i = 0; i < MAX_CLIENTS; i++)
			drop_idle(&clients[i]);
		pthread_mutex_unlock(&lock);
		usleep(10000);
	}
	return arg;
}

static void set_idle(struct client *c, long since)
{
	pthread_mutex_lock(&lock);
	c->idle_since = since;
	pthread_mutex_unlock(&lock);
}

/* Its own number: the janitor may have taken away the client's. */
static void *serve(void *arg)
{
	struct client *c = arg;
	int fd = c->fd;
	char line[64];

	say(fd, "ready\n");
	while (read_line(fd, line, sizeof(line)) > 0) {
		set_idle(c, 0);
		say(fd, is_good(line) ? "ok\n" : "what?\n");
		set_idle(c, now_ms());
	}
	pthread_mutex_lock(&lock);
	if (c->fd == fd) {
		close(fd);
		c->fd = -1;
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void start(struct client *c, int fd)
{
	pthread_t thread;

	*c = (struct client){fd, 0};
	if (pthread_create(&thread, NULL, serve, c) || pthread_detach(thread))
		die("thread");
}

int main(int argc, char **argv)
{
	int listener, next = 0;
	pthread_t thread;

	for (int i = 0; i < MAX_CLIENTS; i++)
		clients[i].fd = -1;
	listener = listen_on(argc > 1 ? argv[1] : "0");
	if (pthread_create(&thread, NULL, janitor, NULL))
		die("thread");
	for (;;) {
		int fd = accept_client(listener);

		pthread_mutex_lock(&lock);
		start(&clients[next++ % MAX_CLIENTS], fd);
		pthread_mutex_unlock(&lock);
	}
}
