/* SPDX-License-Identifier: MIT */
/*
 * A server that leaks three sockets, to be built in ways that get in the shim's way. Also errs with
 * memory when told to: "freed" uses what is freed, "forgotten" loses it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static __attribute__((noinline)) int accept_client(int listener)
{
	volatile int fd = accept(listener, NULL, NULL);

	return fd;
}

static void serve(int listener, const struct sockaddr_in *addr, int forget)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), fd;
	char byte;

	if (connect(client, (const struct sockaddr *)addr, sizeof(*addr)) != 0)
		exit(98);
	fd = accept_client(listener);
	close(client);
	if (read(fd, &byte, 1) != 0)
		exit(97);
	if (!forget)
		close(fd);
}

static void err(const char *how)
{
	char *volatile p = malloc(77);

	p[0] = 'x';
	if (strcmp(how, "freed") == 0) {
		free(p);
		printf("%d\n", p[0]);
	}
	p = NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 16) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		return 99;
	for (int i = 0; i < 4; i++)
		serve(listener, &addr, i < 3);
	printf("served\n");
	fflush(stdout);
	if (argc > 1)
		err(argv[1]);
	return 0;
}
