/* SPDX-License-Identifier: MIT */
/*
 * What all examples share: how to listen, to read a line and to answer. The faults stand in the
 * examples themselves; nothing in here opens or closes a connection.
 *
 * The protocol: the server greets ("ready"), the client sends lines, each is answered by "ok" or,
 * where it is not "hello", by "what?". The client hangs up when it has had enough.
 */
#ifndef SOCKLINT_EXAMPLE_H
#define SOCKLINT_EXAMPLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Binds to 127.0.0.1:PORT; "0" lets the kernel choose. */
static inline int bind_to(const char *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	return fd;
}

static inline struct sockaddr_in local_address(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		die("getsockname");
	return addr;
}

/* Says "listening on 127.0.0.1:PORT" as the first line of stdout: clients wait for it. */
static inline void start_listening(int fd)
{
	if (listen(fd, 128))
		die("listen");
	printf("listening on 127.0.0.1:%d\n", ntohs(local_address(fd).sin_port));
	fflush(stdout);
}

static inline int listen_on(const char *port)
{
	int fd = bind_to(port);

	start_listening(fd);
	return fd;
}

static inline bool say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Reads up to the end of a line. Returns 1, 0 at EOF, or -1. Byte by byte: simple, not quick. */
static inline int read_line(int fd, char *line, size_t size)
{
	size_t nr = 0;
	ssize_t got;

	while ((got = read(fd, line + nr, 1)) == 1 && line[nr] != '\n') {
		if (nr < size - 1)
			nr++;
	}
	line[nr] = '\0';
	return (int)got;
}

static inline bool is_good(const char *line)
{
	return !strcmp(line, "hello");
}

#endif
