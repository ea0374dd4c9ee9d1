/* SPDX-License-Identifier: MIT */
/* Guests that use descriptors wrongly. */
#include "guest.h"

static __attribute__((noinline)) void close_first(int fd)
{
	must(close(fd) == 0, "close");
}

static __attribute__((noinline)) void close_again(int fd)
{
	must(close(fd) < 0 && errno == EBADF, "close again");
}

/* A mistake, three times. */
int guest_double_close(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		close_first(fd);
		close_again(fd);
	}
	return 0;
}

/* No mistake: all numbers are closed, whatever they hold. */
int guest_close_loop(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 20; i++)
		close(socket_at_depth(i % 3));
	for (int i = 0; i < 5; i++)
		socket_at_depth(i);
	for (int fd = 3; fd < 40; fd++)
		close(fd);
	for (int fd = 40; fd >= 3; fd--)
		close(fd);
	return 0;
}

/* The number held a socket, then a file: it is the file that is closed twice. */
int guest_double_close_of_file(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)argc, (void)argv;
	close_first(fd);
	must(open("/dev/null", O_RDONLY) == fd, "open");
	close_first(fd);
	close_again(fd);
	return 0;
}
