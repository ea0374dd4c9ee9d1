/* SPDX-License-Identifier: MIT */
/*
 * What "socklint selftest" runs under the shim: a server and its clients in one thread. Built with
 * debug information and never optimised away, since its lines are part of the proof.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "message.h"
#include "selftest.h"

#define TIMEOUT_S 5

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(union address *a, sa_family_t family)
{
	memset(a, 0, sizeof(*a));
	a->any.sa_family = family;
	if (family == AF_INET6) {
		a->v6.sin6_addr = in6addr_loopback;
		return sizeof(a->v6);
	}
	a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(a->v4);
}

static int listen_on(sa_family_t family, union address *a, socklen_t *len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*len = loopback(a, family);
	if (fd < 0)
		return -1;
	if (!bind(fd, &a->any, *len) && !listen(fd, 2) && !getsockname(fd, &a->any, len))
		return fd;
	close(fd);
	return -1;
}

__attribute__((noinline, visibility("default"))) int selftest_take(int listener)
{
	return accept(listener, NULL, NULL);
}

/* The peer goes away, and our end of the connection has read so. */
static int take_one_that_left(int listener, const union address *a, socklen_t len)
{
	const struct timeval patience = {.tv_sec = TIMEOUT_S};
	int client = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char byte;

	if (client < 0 || connect(client, &a->any, len))
		return -1;
	fd = selftest_take(listener);
	close(client);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return -1;
	return read(fd, &byte, 1) ? -1 : fd;
}

/* The second connection is the proof that the server is through with the first. */
int selftest_serve(bool leaks)
{
	union address a;
	socklen_t len;
	int listener = listen_on(AF_INET, &a, &len), first, second;

	if (listener < 0)
		listener = listen_on(AF_INET6, &a, &len);
	if (listener < 0) {
		complain("listening on the loopback address: %s", strerror(errno));
		return 1;
	}
	first = take_one_that_left(listener, &a, len);
	if (first >= 0 && !leaks)
		close(first);
	second = take_one_that_left(listener, &a, len);
	if (first < 0 || second < 0) {
		complain("a connection over loopback: %s", strerror(errno));
		return 1;
	}
	close(second);
	close(listener);
	return 0;
}
