/*
 * shutdown_for_close: calls shutdown(SHUT_RDWR) and takes that for a close().
 *
 * The fault:  hang_up() shuts both directions and leaves the descriptor open.
 * TCP:        nothing is stuck on the wire: shutdown() sends our FIN, the client sends its own, and
 *             the connection is over (state CLOSE). But shutdown() never frees a descriptor. ss and
 *             netstat show nothing, and yet the server runs into its limit of descriptors.
 * The fix:    close(fd) after, or instead of, shutdown(fd, SHUT_RDWR).
 *
 * clients:  6 good, 2 bad
 * stop:     SIGTERM
 * finds:    error: shutdown-not-closed: 8 sockets opened in accept_client
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

/* One request for each connection. */
static void serve(int fd)
{
	char line[64];

	if (read_line(fd, line, sizeof(line)) > 0)
		say(fd, is_good(line) ? "ok\n" : "what?\n");
}

static void hang_up(int fd)
{
	shutdown(fd, SHUT_RDWR); /* the fault: no close(fd) */
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept_client(listener);

		serve(fd);
		hang_up(fd);
	}
}
