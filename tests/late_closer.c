/* SPDX-License-Identifier: MIT */
/*
 * A library that has sockets before main and closes them when the program has ended: in its
 * destructor, in what it told atexit(), and in what is called after all destructors.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int __cxa_atexit(void (*f)(void *), void *arg, void *dso);

void late_closer_is_here(void);

static int at_destructor = -1, at_exit = -1, after_all = -1;

static void close_at_exit(void)
{
	close(at_exit);
}

static void close_after_all(void *arg)
{
	(void)arg;
	close(after_all);
}

/* One end of a connection whose other end was closed, which this end knows. */
static int half_dead(int listener, const struct sockaddr_in *addr)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	char byte;

	if (connect(client, (const struct sockaddr *)addr, sizeof(*addr)) != 0)
		_exit(90);
	server = accept(listener, NULL, NULL);
	close(client);
	if (read(server, &byte, 1) != 0)
		_exit(91);
	return server;
}

__attribute__((constructor)) static void open_early(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	const char *which = getenv("LATE_CLOSER");

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&addr, len) != 0 || listen(listener, 5) != 0 ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) != 0)
		_exit(92);
	if (which && strstr(which, "destructor"))
		at_destructor = half_dead(listener, &addr);
	if (which && strstr(which, "atexit"))
		at_exit = half_dead(listener, &addr);
	if (which && strstr(which, "last"))
		after_all = half_dead(listener, &addr);
	if (at_exit >= 0)
		atexit(close_at_exit);
	if (after_all >= 0)
		__cxa_atexit(close_after_all, NULL, NULL);
	close(listener);
}

__attribute__((destructor)) static void close_late(void)
{
	if (at_destructor >= 0)
		close(at_destructor);
}

void late_closer_is_here(void)
{
}
