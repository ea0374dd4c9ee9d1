/*
 * closed_at_end: forgets some of its connections, and tidies up nicely when it is stopped.
 *
 * The fault:  where a request was bad the server says no and waits for the client to hang up. Then
 *             it takes the connection out of the poll set, and leaves it in its table. SIGTERM
 *             makes it close the listener and all that is left in the table: the end hides the
 *             leak.
 * TCP:        for as long as the server runs, each bad request leaves a socket in CLOSE_WAIT. That
 *             a test which starts it and stops it sees none of them says nothing about a server
 *             that runs for months.
 * The fix:    hang_up(i) where the EOF of a refused client is read.
 *
 * The two clients that are connected at the end are closed by the same loop, and rightly so.
 *
 * clients:  6 good, 3 bad, 4 good, 2 hold
 * stop:     SIGTERM handled
 * finds:    warning: closed-at-end: 3 sockets closed in tidy_up
 * says:     10 others opened there were closed at most
 */
#include "example.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#define MAX_CLIENTS 200

struct connection {
	int fd;
	bool refused;
};

static struct connection table[MAX_CLIENTS]; /* of all connections */
static struct pollfd set[1 + MAX_CLIENTS];   /* set[0] is the listener, set[1 + i] is table[i]'s */
static int nr_table;
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || nr_table == MAX_CLIENTS)
		die("accept");
	say(fd, "ready\n");
	table[nr_table++] = (struct connection){.fd = fd};
	set[nr_table] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void hang_up(int i)
{
	close(table[i].fd);
	table[i].fd = -1;
	set[1 + i].fd = -1;
}

static void serve(int i)
{
	char line[64];

	if (read_line(table[i].fd, line, sizeof(line)) <= 0) {
		if (table[i].refused)
			set[1 + i].fd = -1; /* the fault: hang_up(i) it should be */
		else
			hang_up(i);
	} else if (is_good(line)) {
		say(table[i].fd, "ok\n");
	} else {
		say(table[i].fd, "what?\n");
		table[i].refused = true;
	}
}

static void tidy_up(int listener)
{
	close(listener);
	for (int i = 0; i < nr_table; i++) {
		if (table[i].fd >= 0)
			close(table[i].fd); /* socklint: closed here */
	}
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	set[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	while (!stopped) {
		if (poll(set, (nfds_t)nr_table + 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			die("poll");
		}
		for (int i = 0; i < nr_table; i++) {
			if (set[1 + i].fd >= 0 && set[1 + i].revents)
				serve(i);
		}
		if (set[0].revents)
			accept_client(listener);
	}
	tidy_up(listener);
	return 0;
}
