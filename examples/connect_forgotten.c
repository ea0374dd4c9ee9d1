/*
 * connect_forgotten: a client that tries again when connect() fails, each time with a new socket.
 *
 * The fault:  the socket of the attempt that failed is not closed.
 * TCP:        there never was a connection: the server's kernel answered the SYN with a reset, and
 *             the socket is in state CLOSE. What leaks is the descriptor, one per attempt.
 * The fix:    close(fd) before the next attempt.
 *
 * The service that comes up late is played by the program itself: its socket has an address from
 * the start, but it listens only when three attempts have failed.
 *
 * clients:  none
 * stop:     itself
 * finds:    error: descriptor-leak: 3 sockets opened in try_connect
 */
#include "example.h"

#define LATE 3

/* Returns a connected socket, or -1. */
static int try_connect(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* socklint: opened here */

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return -1; /* the fault: no close(fd) */
	return fd;
}

/* The good half: what both sides do once they are connected. */
static void talk(int fd, int service)
{
	int peer = accept(service, NULL, NULL);
	char line[64];

	if (peer < 0)
		die("accept");
	say(fd, "hello\n");
	if (read_line(peer, line, sizeof(line)) > 0)
		printf("connected, the service has read: %s\n", line);
	close(peer);
	close(fd);
}

int main(int argc, char **argv)
{
	int service = bind_to(argc > 1 ? argv[1] : "0");
	struct sockaddr_in addr = local_address(service);
	int fd;

	for (int failed = 0; (fd = try_connect(&addr)) < 0;) {
		if (++failed == LATE)
			start_listening(service);
		usleep(20000);
	}
	talk(fd, service);
	close(service);
	return 0;
}
