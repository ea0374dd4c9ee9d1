/*
 * reset_on_close: a server that refuses a request before it has read all of it, and closes.
 *
 * The fault:  refuse() says no at the first byte that is wrong. The rest of the request lies in
 *             the receive queue when the socket is closed.
 * TCP:        with data unread the kernel sends a RST, not a FIN: it must tell the client that
 *             something was thrown away. The RST makes the client drop what it has not read yet:
 *             the refusal may be lost, and all that it sees is "connection reset by peer".
 * The fix:    a lingering close: shutdown(fd, SHUT_WR) after the answer, read to the EOF (but not
 *             for ever), then close(fd).
 *
 * clients:  10 good, 5 cut
 * stop:     SIGTERM
 * finds:    warning: reset-on-close: 5 sockets opened in main
 * says:     5 of 5 had unread data
 */
#include "example.h"

static void refuse(int fd)
{
	say(fd, "what?\n");
	close(fd); /* the fault: the rest of the line has not been read */
}

static void serve(int fd)
{
	char line[64];

	say(fd, "ready\n");
	while (read(fd, line, 1) == 1) {
		if (line[0] == '?') {
			refuse(fd);
			return;
		}
		read_line(fd, line, sizeof(line));
		say(fd, "ok\n");
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept(listener, NULL, NULL); /* socklint: opened here */

		if (fd < 0)
			die("accept");
		serve(fd);
	}
}
