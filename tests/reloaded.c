/* SPDX-License-Identifier: MIT */
/*
 * A library that is loaded and unloaded; TAKE and DRAIN are names that only its debug information
 * knows.
 */
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

int take(int listener);
int drain(int fd);
int open_and_close(void);

static __attribute__((noinline)) int TAKE(int listener)
{
	volatile int fd = accept(listener, NULL, NULL);

	return fd;
}

int take(int listener)
{
	volatile int fd = TAKE(listener);

	return fd;
}

static __attribute__((noinline)) int DRAIN(int fd)
{
	char byte;
	volatile int r = (int)recv(fd, &byte, 1, 0);

	return r;
}

/* Reads to the end of what the peer sent, which is nothing, and once more. */
int drain(int fd)
{
	volatile int r = DRAIN(fd) + DRAIN(fd);

	return r;
}

#ifdef LARGER
int sum_of_squares(int n);

int sum_of_squares(int n)
{
	return n ? n * n + sum_of_squares(n - 1) : 0;
}
#endif

int open_and_close(void)
{
	volatile int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return close(fd);
}
