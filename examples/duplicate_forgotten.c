/*
 * duplicate_forgotten: a server that makes a second descriptor of a connection, for its log.
 *
 * The fault:  complain() duplicates the descriptor of a client that asked nonsense, to say more to
 *             it later, and nothing is ever said or closed.
 * TCP:        serve() closes "the connection", but that was one of two descriptors. The kernel
 *             sends our FIN only with the last: the client stays connected to a server that
 *             believes to be rid of it. When it hangs up the socket will be in CLOSE_WAIT.
 * The fix:    close(again) as well; or no dup() at all.
 *
 * clients:  4 good, 3 stray, 5 good
 * stop:     SIGTERM
 * finds:    warning: held-elsewhere (duplicate): 3 sockets opened in accept_client
 * says:     in serve (duplicate_forgotten.c:
 */
#include "example.h"

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	return fd;
}

static int complain(int fd)
{
	int again = dup(fd);

	say(again, "what?\n");
	return again; /* the fault: nobody takes it */
}

static void serve(int fd)
{
	char line[64];

	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line)) {
			complain(fd);
			break;
		}
		say(fd, "ok\n");
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;)
		serve(accept_client(listener));
}
