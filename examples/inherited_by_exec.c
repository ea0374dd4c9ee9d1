/*
 * inherited_by_exec: starts a helper program that gets all connections of the server.
 *
 * The fault:  accept() makes descriptors that survive exec. With its third client the server starts
 *             a helper, and that program has three connections it knows nothing of.
 * TCP:        nothing is stuck yet. But from now on the server's close() ends none of the three:
 *             the kernel sends our FIN when the last descriptor is closed, and the helper runs on.
 * The fix:    accept4(listener, NULL, NULL, SOCK_CLOEXEC). The listener has it already.
 *
 * clients:  3 hold
 * stop:     SIGTERM
 * finds:    note: inherited-by-exec: 3 sockets opened in accept_client
 * says:     it never used this socket
 */
#include "example.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#define MAX_CLIENTS 200
#define HELP_AT	    3

/* set[0] is the listener. */
static struct pollfd set[1 + MAX_CLIENTS];
static nfds_t nr_set;

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0 || nr_set > MAX_CLIENTS)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

/* What it is good for does not matter: it has a socket of its own, and lives with the server. */
static int help(void)
{
	char byte;

	if (socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0)
		die("socket");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

/* Its stdin is a pipe from the server, which ends when the server does. */
static void start_helper(void)
{
	int pipefd[2];

	if (pipe(pipefd) || fcntl(pipefd[1], F_SETFD, FD_CLOEXEC))
		die("pipe");
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		dup2(pipefd[0], STDIN_FILENO);
		execl("/proc/self/exe", "helper", "help", NULL);
		_exit(127);
	}
	close(pipefd[0]);
}

static void serve(nfds_t i)
{
	char line[64];

	if (read_line(set[i].fd, line, sizeof(line)) > 0) {
		say(set[i].fd, is_good(line) ? "ok\n" : "what?\n");
		return;
	}
	close(set[i].fd);
	set[i] = set[--nr_set];
}

int main(int argc, char **argv)
{
	int listener;

	if (argc > 1 && !strcmp(argv[1], "help"))
		return help();
	listener = listen_on(argc > 1 ? argv[1] : "0");
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
		if (!set[0].revents)
			continue;
		set[nr_set++] = (struct pollfd){.fd = accept_client(listener), .events = POLLIN};
		if (nr_set == 1 + HELP_AT)
			start_helper();
	}
}
