/*
 * descriptors_exhausted: a server that leaks until accept() fails, and only then is looked at.
 *
 * The fault:  a client that hangs up before its first request is counted, and not closed.
 * TCP:        each such connection is in CLOSE_WAIT and holds a descriptor. Here there are enough
 *             for 12 of them (RLIMIT_NOFILE; elsewhere it is 1024, and takes days). With the last
 *             one gone accept() fails with EMFILE. The kernel still completes the handshakes: new
 *             clients are connected, ask, and wait for an answer that nobody gives.
 * The fix:    close(fd) where the EOF is read. To run better at the limit is not the fix.
 *
 * The server tries again after a while, as good ones do. Until then the client that came too late
 * is in the queue.
 *
 * clients:  4 good, 12 silent, 1 knock
 * stop:     SIGTERM
 * finds:    error: close-wait (eof-ignored): 12 sockets opened in accept_client
 * finds:    warning: descriptors-exhausted: 1 call failed in accept_client
 * says:     accept() failed with EMFILE
 * says:     descriptors (RLIMIT_NOFILE)
 * says:     12 were sockets opened in accept_client (descriptors_exhausted.c:
 * says:     1 was a socket opened in bind_to (example.h:
 */
#include "example.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#define MAX_CLIENTS 12

/* As many as make so many clients possible: some may be open from the start. */
static void allow_few_descriptors(rlim_t clients)
{
	struct rlimit few;

	if (getrlimit(RLIMIT_NOFILE, &few))
		die("getrlimit");
	for (few.rlim_cur = 0; clients; few.rlim_cur++)
		clients -= fcntl((int)few.rlim_cur, F_GETFD) < 0;
	if (setrlimit(RLIMIT_NOFILE, &few))
		die("setrlimit");
}

/* Returns -1 where there is no descriptor left. */
static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here, or failed */

	if (fd < 0 && errno != EMFILE)
		die("accept");
	return fd;
}

static void serve(int fd)
{
	static int nr_silent;
	char line[64];
	int asked = 0;

	say(fd, "ready\n");
	while (read_line(fd, line, sizeof(line)) > 0) {
		say(fd, is_good(line) ? "ok\n" : "what?\n");
		asked++;
	}
	if (!asked) {
		nr_silent++;
		return; /* the fault: no close(fd) */
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	allow_few_descriptors(MAX_CLIENTS);
	for (;;) {
		int fd = accept_client(listener);

		if (fd < 0)
			sleep(30);
		else
			serve(fd);
	}
}
