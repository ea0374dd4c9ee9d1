/* SPDX-License-Identifier: MIT */
/*
 * A test of somebody's: serves two connections, and with "leak" or "ask" forgets the first. "ask"
 * asks the library itself what is open.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <socklint.h>

static int listener;
static struct sockaddr_in addr;

static __attribute__((noinline)) int take(void)
{
	volatile int fd = accept(listener, NULL, NULL);

	return fd;
}

static int serve(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), fd;
	char byte;

	if (connect(client, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	fd = take();
	close(client);
	return read(fd, &byte, 1) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "close";
	struct socklint_checkpoint since = socklint_checkpoint();
	struct socklint_leak leak;
	socklen_t len = sizeof(addr);
	int first, second;

	addr.sin_family = AF_INET;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 4) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		return 1;
	first = serve();
	if (!strcmp(what, "close"))
		close(first);
	second = serve();
	if (first < 0 || second < 0)
		return 1;
	close(second);
	if (!strcmp(what, "ask"))
		printf("%d socket leaks\n", (int)socklint_leaks_since(&since, &leak, 1));
	close(listener);
	return 0;
}
