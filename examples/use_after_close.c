/*
 * use_after_close: an error path that closes the connection, and a caller that goes on with it.
 *
 * The fault:  refuse() says no and closes. serve() does not know, and says good-bye on a number
 *             that is nobody's any more.
 * TCP:        here write() fails with EBADF. In a server with threads, or one that opens a file
 *             in between, the number has a new owner by then: the good-bye goes to a stranger.
 * The fix:    one owner closes: let refuse() return, and close in serve() alone.
 *
 * clients:  5 good, 3 bad
 * stop:     SIGTERM
 * finds:    warning: use-after-close: 3 calls made in serve
 * says:     write() of descriptor
 * says:     first close refuse (use_after_close.c:
 */
#include "example.h"

static void refuse(int fd)
{
	say(fd, "what?\n");
	close(fd);
}

static void serve(int fd)
{
	static const char bye[] = "bye\n";
	bool refused = false;
	char line[64];

	say(fd, "ready\n");
	while (!refused && read_line(fd, line, sizeof(line)) > 0) {
		if (is_good(line)) {
			say(fd, "ok\n");
		} else {
			refuse(fd);
			refused = true;
		}
	}
	if (refused)
		write(fd, bye, sizeof(bye) - 1); /* socklint: called here */
	else
		close(fd);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "0");

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			die("accept");
		serve(fd);
	}
}
