/*
 * leak_on_error: an otherwise correct accept loop that forgets close() where a request is bad.
 *
 * The fault:  refuse() says no and waits politely until the client has hung up. Then the loop goes
 *             on to the next client, and nobody closes this socket.
 * TCP:        the client's FIN has come and our kernel has ACKed it, but our own FIN is sent only
 *             by close(). So the connection stays in CLOSE_WAIT until the server ends: one for each
 *             bad request, each with its descriptor.
 * The fix:    close(fd) after refuse(fd).
 *
 * clients:  5 good, 3 bad, 12 good
 * stop:     SIGTERM
 * finds:    error: close-wait (eof-ignored): 3 sockets opened in accept_client
 * says:     17 others opened here were closed in main (leak_on_error.c:
 * says:     its siblings are closed in main (leak_on_error.c:
 */
#include "example.h"

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

static void refuse(int fd)
{
	char rest[64];

	say(fd, "what?\n");
	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

/* Returns whether all that the client asked for was good. */
static bool serve(int fd)
{
	char line[64];

	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line))
			return false;
		say(fd, "ok\n");
	}
	return true;
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept_client(listener);

		if (!serve(fd)) {
			refuse(fd);
			continue; /* the fault: no close(fd) */
		}
		close(fd);
	}
}
