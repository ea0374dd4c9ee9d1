/*
 * held_elsewhere: keeps three clients at most, and has a helper that holds all it was born with.
 *
 * The fault:  with the third client the server forks a helper, and that one does not close what it
 *             inherits: it has a descriptor of each connection that was open then.
 * TCP:        when a fourth client comes the server closes the oldest connection, and rightly so.
 *             But the kernel sends our FIN only when the last descriptor is closed, and one is
 *             left in the helper: the client sees nothing. When it hangs up itself the socket will
 *             be in CLOSE_WAIT, in a process that does not know it.
 * The fix:    close the listener and all connections in the child, after fork().
 *
 * That the youngest of the three is not reported has its reason: a child is often forked to serve
 * the connection that has just come.
 *
 * clients:  6 hold
 * stop:     SIGTERM
 * finds:    warning: held-elsewhere (child): 2 sockets opened in accept_client
 * says:     closed by held_elsewhere[
 * says:     in hang_up (held_elsewhere.c:
 * says:     it never used this socket
 */
#include "example.h"

#include <poll.h>
#include <signal.h>

#define MAX_CLIENTS 3

static struct pollfd set[1 + MAX_CLIENTS]; /* the listener, then the clients, oldest first */
static nfds_t nr_set;
static int lifeline[2]; /* the helper reads, and sees an end when the server has ended */

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

static void hang_up(nfds_t i)
{
	close(set[i].fd);
	nr_set--;
	memmove(&set[i], &set[i + 1], (nr_set - i) * sizeof(set[0]));
}

/* What it is good for does not matter: it has a socket of its own, and lives with the server. */
static void help(void)
{
	int statistics = socket(AF_INET, SOCK_DGRAM, 0);
	char byte;

	close(lifeline[1]);
	while (read(lifeline[0], &byte, 1) > 0)
		;
	close(statistics);
	_exit(0);
}

static void start_helper(void)
{
	if (pipe(lifeline))
		die("pipe");
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		help(); /* the fault: it closes nothing of what it inherited */
	}
	close(lifeline[0]);
}

static void admit(int fd)
{
	if (nr_set > MAX_CLIENTS)
		hang_up(1);
	set[nr_set++] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (nr_set > MAX_CLIENTS && !lifeline[1])
		start_helper();
}

static void serve(nfds_t i)
{
	char line[64];

	if (read_line(set[i].fd, line, sizeof(line)) > 0)
		say(set[i].fd, is_good(line) ? "ok\n" : "what?\n");
	else
		hang_up(i);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	signal(SIGCHLD, SIG_IGN); /* the kernel reaps the helper */
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
			admit(accept_client(listener));
	}
}
