/*
 * peer_silent: says goodbye, and waits for the client to do the same, for as long as that takes.
 *
 * The fault:  after the answer to a bad request the server shuts its half and goes on to poll, as
 *             it should. But there is no time-out: a client that never hangs up is never dropped.
 * TCP:        our FIN is sent and acknowledged: FIN_WAIT2. What is missing is the client's FIN.
 *             Had the descriptor been closed the kernel would wait for 60 s; while it is open there
 *             is no limit. Clients that hang, or want to do harm, take all descriptors.
 * The fix:    remember when shutdown() was called, and close(fd) some seconds later.
 *
 * How long is too long is the user's to say: a minute, unless he says --max-dwell.
 *
 * clients:  4 good, 3 stray, 5 good
 * options:  --max-dwell=0.5
 * stop:     SIGTERM
 * finds:    warning: half-close-stuck (peer-silent): 3 sockets opened in accept_client
 * says:     since our FIN was sent
 */
#include "example.h"

#include <poll.h>

#define MAX_CLIENTS 100

static struct pollfd set[1 + MAX_CLIENTS]; /* the listener, then the clients */
static nfds_t nr_set;

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	if (nr_set == 1 + MAX_CLIENTS) {
		close(fd);
		return;
	}
	say(fd, "ready\n");
	set[nr_set++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void serve(nfds_t i)
{
	char line[64];

	if (read_line(set[i].fd, line, sizeof(line)) <= 0) {
		close(set[i].fd);
		set[i] = set[--nr_set];
	} else if (is_good(line)) {
		say(set[i].fd, "ok\n");
	} else {
		say(set[i].fd, "what?\n");
		shutdown(set[i].fd, SHUT_WR); /* the fault: no time-out from here on */
	}
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	set[nr_set++] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(set, nr_set, -1) < 0)
			die("poll");
		for (nfds_t i = nr_set - 1; i > 0; i--)
			if (set[i].revents)
				serve(i);
		if (set[0].revents)
			accept_client(listener);
	}
}
