/*
 * correct: a threaded server without a fault. Each way out of a connection passes close().
 *
 * It is stopped while clients are connected and others come and go. A socket that is open at that
 * moment is no leak: its thread waits on it, and would have closed it. socklint must say nothing.
 *
 * clients:  10 good, 3 bad, 3 reset, 3 silent, 5 hold, 4 busy
 * stop:     SIGTERM
 * finds:    nothing
 */
#include "example.h"

#include <pthread.h>

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	return fd;
}

static void serve(int fd)
{
	char line[64];

	say(fd, "ready\n");
	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line)) {
			say(fd, "what?\n");
			return;
		}
		say(fd, "ok\n");
	}
}

static void *handle(void *arg)
{
	int fd = (int)(intptr_t)arg;

	serve(fd);
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
