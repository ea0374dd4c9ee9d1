/* SPDX-License-Identifier: MIT */
/* A library that is loaded and unloaded; TAKE is the name that only its debug information knows. */
#include <stddef.h>
#include <sys/socket.h>

int take(int listener);

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
