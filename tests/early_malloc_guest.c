/* SPDX-License-Identifier: MIT */
/* A program on the allocator of early_malloc.c; it leaves a socket open. */
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	puts(fd >= 0 ? "open" : "FAILED");
	return 3;
}
