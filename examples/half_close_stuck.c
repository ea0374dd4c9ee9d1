/*
 * half_close_stuck: says goodbye by shutdown(SHUT_WR) and leaves the rest to the client.
 *
 * The fault:  after the last answer the server shuts its half, so that the client sees the end of
 *             the answer, and puts the connection into a list of "closing" ones that nobody looks
 *             at.
 * TCP:        shutdown(SHUT_WR) sends our FIN, the client's kernel ACKs it: FIN_WAIT2. The next
 *             step is the client's, and as long as we hold the descriptor the kernel waits for its
 *             FIN without any time-out. Had the server called close(), 60 s would be the limit.
 * The fix:    read until the client's end has come, with a time-out, then close(fd).
 *
 * clients:  3 bad, 4 hold, 2 bad
 * stop:     SIGTERM
 * finds:    warning: half-close-stuck (not-awaited): 4 sockets opened in accept_client
 * says:     since our FIN was sent
 * says:     FIN_WAIT2, which has no time-out
 */
#include "example.h"

#define MAX_CLOSING 200

static int closing[MAX_CLOSING];
static int nr_closing;

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

/* One request for each connection. Returns whether it was good. */
static bool serve(int fd)
{
	char line[64];
	bool good = read_line(fd, line, sizeof(line)) > 0 && is_good(line);

	say(fd, good ? "ok\n" : "what?\n");
	return good;
}

static void say_goodbye(int fd)
{
	shutdown(fd, SHUT_WR);
	closing[nr_closing++ % MAX_CLOSING] = fd; /* the fault: nobody comes back to it */
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept_client(listener);

		if (serve(fd))
			say_goodbye(fd);
		else
			close(fd);
	}
}
