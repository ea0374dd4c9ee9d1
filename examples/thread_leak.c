/*
 * thread_leak: a thread for each connection, and one way out of the thread that forgets close().
 *
 * The fault:  handle() returns early where the request is bad. The thread ends, and with it the
 *             only variable that knew the descriptor.
 * TCP:        the end of a thread closes nothing. When the client hangs up, its FIN is ACKed and
 *             the socket stays in CLOSE_WAIT; the EOF lies unread, as nobody is left to read it.
 * The fix:    one way out for all: close(fd) at the end of handle().
 *
 * clients:  4 good, 3 bad, 5 good
 * stop:     SIGTERM
 * finds:    error: close-wait (eof-unread): 3 sockets opened in accept_client
 */
#include "example.h"

#include <pthread.h>

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	return fd;
}

static void *handle(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char line[64];

	say(fd, "ready\n");
	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line)) {
			say(fd, "what?\n");
			return NULL; /* the fault: no close(fd) */
		}
		say(fd, "ok\n");
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept_client(listener);
		pthread_t thread;

		if (pthread_create(&thread, NULL, handle, (void *)(intptr_t)fd)) {
			close(fd);
			continue;
		}
		pthread_detach(thread);
	}
}
