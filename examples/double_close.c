/*
 * double_close: an error path that closes the connection, and a caller that closes it again.
 *
 * The fault:  refuse() says no and closes. serve() knows nothing of it and closes as well, as it
 *             does after each client.
 * TCP:        here the second close() fails with EBADF, and nobody looks. In a server with threads
 *             the number may have a new owner between the two: then it is another's connection
 *             that is closed, and that client sees a FIN, or a RST, in the middle of its answer.
 * The fix:    one owner closes: let refuse() return, and close in serve() alone.
 *
 * clients:  5 good, 3 bad
 * stop:     SIGTERM
 * finds:    warning: double-close: 3 calls made in serve
 * says:     first close refuse (double_close.c:
 */
#include "example.h"

static void refuse(int fd)
{
	say(fd, "what?\n");
	close(fd);
}

static void serve(int fd)
{
	char line[64];

	say(fd, "ready\n");
	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line)) {
			refuse(fd);
			break;
		}
		say(fd, "ok\n");
	}
	close(fd); /* socklint: closed here, for the second time */
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			die("accept");
		serve(fd);
	}
}
