/*
 * never_accepted: a poll loop that pauses its listener, and forgets to go on.
 *
 * The fault:  a bad request is taken for the beginning of an attack. For a while the server wants
 *             no new clients, so it takes the listener out of its poll set, but no timer ever puts
 *             it back.
 * TCP:        the kernel goes on to complete handshakes and queues the new connections at the
 *             listener. Their clients are connected, send, and wait for an answer; when they hang
 *             up, their connections are in CLOSE_WAIT, and there is no descriptor to close.
 * The fix:    put the listener back after the pause; or close it, so that clients are refused.
 *
 * clients:  4 good, 1 bad, 3 knock
 * stop:     SIGTERM
 * finds:    warning: never-accepted (stopped): 1 listener opened in open_listener
 * says:     3 connections in its queue, of 16 at most
 * says:     since the last accept() was
 */
#include "example.h"

#include <poll.h>

#define MAX_CLIENTS 200

/* set[0] is the listener. */
static struct pollfd set[1 + MAX_CLIENTS];
static nfds_t nr_set;

static int open_listener(const char *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* socklint: opened here */

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 16))
		die("listen");
	printf("listening on 127.0.0.1:%d\n", ntohs(local_address(fd).sin_port));
	fflush(stdout);
	return fd;
}

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || nr_set > MAX_CLIENTS)
		die("accept");
	say(fd, "ready\n");
	set[nr_set++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void hang_up(nfds_t i)
{
	close(set[i].fd);
	set[i] = set[--nr_set];
}

static void serve(nfds_t i)
{
	char line[64];

	if (read_line(set[i].fd, line, sizeof(line)) <= 0) {
		hang_up(i);
	} else if (is_good(line)) {
		say(set[i].fd, "ok\n");
	} else {
		say(set[i].fd, "what?\n");
		hang_up(i);
		set[0].events = 0; /* the fault: for a while, and nothing ends the while */
	}
}

int main(int argc, char **argv)
{
	int listener = open_listener(argc > 1 ? argv[1] : "0");

	set[nr_set++] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
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
