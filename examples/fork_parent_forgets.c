/*
 * fork_parent_forgets: a forking server whose parent keeps what it has handed to a child.
 *
 * The fault:  after fork() the connection has two descriptors, one in each process. The child
 *             closes its own; the parent forgets the other.
 * TCP:        the kernel sends our FIN only when the *last* descriptor of a socket is closed. The
 *             child's close() therefore sends nothing; when the client hangs up, the connection
 *             stays in CLOSE_WAIT, held by a parent that never meant to read from it.
 * The fix:    close(fd) in the parent, after fork().
 *
 * clients:  6 good
 * stop:     SIGTERM
 * finds:    error: close-wait (eof-unread): 6 sockets opened in accept_client
 */
#include "example.h"

#include <signal.h>

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

/* One request for each connection. */
static void serve(int fd)
{
	char line[64];

	if (read_line(fd, line, sizeof(line)) > 0)
		say(fd, is_good(line) ? "ok\n" : "what?\n");
}

static void serve_in_child(int listener, int fd)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return; /* the fault: the parent does not close(fd) */
	close(listener);
	serve(fd);
	close(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	signal(SIGCHLD, SIG_IGN); /* the kernel reaps the children */
	for (;;)
		serve_in_child(listener, accept_client(listener));
}
