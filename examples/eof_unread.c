/*
 * eof_unread: greets its subscribers, keeps them in a list, and never reads from any of them.
 *
 * The fault:  the server has only ever to send, so it was written without a read. Nobody waits on
 *             the sockets either: it cannot notice that a subscriber has left.
 * TCP:        the subscriber's FIN lies in the receive queue as an EOF that nobody reads. Our
 *             kernel has ACKed it; our own FIN waits for a close() that never comes. The socket
 *             stays in CLOSE_WAIT.
 * The fix:    watch the sockets (poll for POLLIN or POLLRDHUP), read, and close at EOF.
 *
 * clients:  7 silent
 * stop:     SIGTERM
 * finds:    error: close-wait (eof-unread): 7 sockets opened in accept_subscriber
 */
#include "example.h"

#define MAX_SUBSCRIBERS 200

static int subscribers[MAX_SUBSCRIBERS];

static int accept_subscriber(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	return fd;
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (int nr = 0;; nr = (nr + 1) % MAX_SUBSCRIBERS) {
		subscribers[nr] = accept_subscriber(listener);
		say(subscribers[nr], "ready\n"); /* the first news; then it is forgotten */
	}
}
