/*
 * eof_ignored: a poll loop that takes "read returned 0" for "nothing more to do with it".
 *
 * The fault:  at EOF the connection is taken out of the poll set, and only that. Where a request is
 *             bad the server hangs up itself, and there it does call close().
 * TCP:        "read returned 0" is the peer's FIN. Our half of the connection is still open, and
 *             only close() sends our FIN: the socket stays in CLOSE_WAIT. It is in no poll set any
 *             more, so nobody will ever look at it again.
 * The fix:    close(fd) wherever a connection leaves the set.
 *
 * clients:  6 good, 2 bad, 2 good, 2 bad
 * stop:     SIGTERM
 * finds:    error: close-wait (eof-ignored): 8 sockets opened in accept_client
 */
#include "example.h"

#include <poll.h>

#define MAX_CLIENTS 200

/* set[0] is the listener. */
static struct pollfd set[1 + MAX_CLIENTS];
static nfds_t nr_set;

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	set[nr_set++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void forget(nfds_t i)
{
	set[i] = set[--nr_set];
}

static void hang_up(nfds_t i)
{
	close(set[i].fd);
	forget(i);
}

static void serve(nfds_t i)
{
	char line[64];
	int got = read_line(set[i].fd, line, sizeof(line));

	if (got == 0) {
		forget(i); /* the fault: hang_up(i) it should be */
	} else if (got < 0) {
		hang_up(i);
	} else if (is_good(line)) {
		say(set[i].fd, "ok\n");
	} else {
		say(set[i].fd, "what?\n");
		hang_up(i);
	}
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	set[nr_set++] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		/* A full set accepts no more: they wait in the kernel's queue. */
		set[0].events = nr_set <= MAX_CLIENTS ? POLLIN : 0;
		if (poll(set, nr_set, -1) < 0)
			die("poll");
		/* Downwards: what leaves the set is replaced by one that was looked at. */
		for (nfds_t i = nr_set - 1; i > 0; i--) {
			if (set[i].revents)
				serve(i);
		}
		if (set[0].revents)
			accept_client(listener);
	}
}
