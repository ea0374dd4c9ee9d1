/*
 * slow_close: a server that looks at refused connections again only when its reaper comes by.
 *
 * The fault:  a client whose request was bad is told so, and its connection goes into a list. The
 *             reaper closes all that is in the list, once in a while.
 * TCP:        the client hangs up at once. Its FIN has come, ours is sent when the reaper calls
 *             close(): that long the socket is in CLOSE_WAIT. Nothing leaks for ever. But with N
 *             bad requests a second, N times that long is the number of descriptors in use.
 * The fix:    wait for the EOF of a refused client as for any other, and close when it comes.
 *
 * What is too long is the user's to say: a minute, unless he says --max-dwell.
 *
 * clients:  6 good, 4 bad
 * options:  --max-dwell=1
 * awaits:   reaped 4
 * stop:     SIGTERM
 * finds:    warning: slow-close: 4 sockets opened in accept_client
 * says:     close reap (slow_close.c:
 */
#include "example.h"

#include <poll.h>

#define MAX_REFUSED 200
#define REAP_MS	    2500

static int refused[MAX_REFUSED];
static int nr_refused;

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

static void reap(void)
{
	int nr = nr_refused;

	while (nr_refused)
		close(refused[--nr_refused]);
	if (nr) {
		printf("reaped %d\n", nr);
		fflush(stdout);
	}
}

static void refuse(int fd)
{
	say(fd, "what?\n");
	if (nr_refused == MAX_REFUSED)
		reap();
	refused[nr_refused++] = fd;
}

static void serve(int fd)
{
	char line[64];

	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line)) {
			refuse(fd);
			return; /* the fault: nobody looks for its EOF */
		}
		say(fd, "ok\n");
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct pollfd waits = {.fd = listen_on(argc > 1 ? argv[1] : "0"), .events = POLLIN};

	for (;;) {
		if (poll(&waits, 1, REAP_MS))
			serve(accept_client(waits.fd));
		else
			reap();
	}
}
