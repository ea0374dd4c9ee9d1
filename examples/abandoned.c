/*
 * abandoned: an event loop with EPOLLONESHOT that forgets to arm a connection again.
 *
 * The fault:  with EPOLLONESHOT an event is told once, and the handler must arm the descriptor for
 *             the next. serve() does so after a good request, and not after a bad one.
 * TCP:        nothing is wrong yet, both sides are connected (ESTABLISHED). But nobody waits for
 *             this client any more: its next request is not read, and when it hangs up nobody will
 *             see the EOF. Then the socket will be in CLOSE_WAIT, until the server ends.
 * The fix:    arm() on each way out of serve(), or close(fd).
 *
 * clients:  3 good, 4 stray, 5 good, 2 hold
 * stop:     SIGTERM
 * finds:    warning: abandoned: 4 sockets opened in accept_client
 * says:     EPOLLONESHOT
 */
#include "example.h"

#include <sys/epoll.h>

static int set;

static void arm(int fd, int how)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};

	if (epoll_ctl(set, how, fd, &event))
		die("epoll_ctl");
}

static void accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	say(fd, "ready\n");
	arm(fd, EPOLL_CTL_ADD);
}

static void serve(int fd)
{
	char line[64];

	if (read_line(fd, line, sizeof(line)) <= 0) {
		close(fd);
		return;
	}
	if (!is_good(line)) {
		say(fd, "what?\n");
		return; /* the fault: not armed again, and not closed */
	}
	say(fd, "ok\n");
	arm(fd, EPOLL_CTL_MOD);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		die("epoll_create1");
	arm(listener, EPOLL_CTL_ADD);
	for (;;) {
		struct epoll_event event;

		if (epoll_wait(set, &event, 1, -1) != 1)
			die("epoll_wait");
		if (event.data.fd != listener) {
			serve(event.data.fd);
			continue;
		}
		accept_client(listener);
		arm(listener, EPOLL_CTL_MOD);
	}
}
