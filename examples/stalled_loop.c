/*
 * stalled_loop: an event loop that waits for a backend, and for nothing else meanwhile.
 *
 * The fault:  a bad request is reported to an auditor, and serve() waits for his answer. The
 *             auditor hangs. So does serve(), and with it the loop of all connections.
 * TCP:        the client reads its answer and hangs up. Its FIN is acknowledged by the kernel, and
 *             the socket is in CLOSE_WAIT; the close() is there, but the loop does not come to it.
 *             Each client that gives up from now on adds a socket, until no descriptor is left.
 * The fix:    SO_RCVTIMEO for the auditor's socket, or make it one more descriptor of the loop.
 *
 * What is too long is the user's to say: a minute, unless he says --max-dwell.
 *
 * clients:  5 good, 1 bad
 * options:  --max-dwell=1
 * stop:     SIGTERM
 * finds:    warning: stalled-loop: 1 socket opened in accept_client
 * says:     it is inside a call on fd
 * says:     opened in hire_auditor (stalled_loop.c:
 */
#include "example.h"

#include <sys/epoll.h>

static int set, auditor[2];

static void hire_auditor(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, auditor))
		die("socketpair");
}

static void audit(const char *line)
{
	char answer[16];

	say(auditor[0], line);
	if (read(auditor[0], answer, sizeof(answer)) < 0) /* the fault: for ever, if need be */
		die("read");
}

static void watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	watch(fd);
}

static void serve(int fd)
{
	char line[64];

	if (read_line(fd, line, sizeof(line)) <= 0) {
		close(fd);
		return;
	}
	if (is_good(line)) {
		say(fd, "ok\n");
		return;
	}
	say(fd, "what?\n");
	audit(line);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		die("epoll_create1");
	hire_auditor();
	watch(listener);
	for (;;) {
		struct epoll_event event;

		if (epoll_wait(set, &event, 1, -1) != 1)
			die("epoll_wait");
		if (event.data.fd == listener)
			accept_client(listener);
		else
			serve(event.data.fd);
	}
}
