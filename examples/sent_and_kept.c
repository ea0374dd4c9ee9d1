/*
 * sent_and_kept: one process accepts and sends the connections to a worker (SCM_RIGHTS), which
 * forgets some.
 *
 * The fault:  the worker returns from serve() without close() where a request is bad.
 * TCP:        the accepting process has closed its descriptor, as it should. The one in the worker
 *             is the last: without it closed no FIN is sent, and the client is connected to nobody.
 *             When it hangs up the socket will be in CLOSE_WAIT.
 * The fix:    close(fd) on each way out of serve().
 *
 * clients:  4 good, 3 stray, 5 good
 * stop:     SIGTERM
 * finds:    warning: held-elsewhere (receiver): 3 sockets opened in accept_client
 * says:     closed by sent_and_kept[
 * says:     sent in send_away (sent_and_kept.c:
 */
#include "example.h"

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static int accept_client(int listener)
{
	int fd = accept(listener, NULL, NULL); /* socklint: opened here */

	if (fd < 0)
		die("accept");
	return fd;
}

static void send_away(int to, int fd)
{
	struct iovec byte = {"", 1};
	union control control = {.head = {.cmsg_len = CMSG_LEN(sizeof(fd)),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS}};
	struct msghdr msg = {.msg_iov = &byte,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(to, &msg, 0) != 1)
		die("sendmsg");
}

static int receive(int from)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
		exit(0); /* the other side has ended */
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void serve(int fd)
{
	char line[64];

	say(fd, "ready\n");
	while (read_line(fd, line, sizeof(line)) > 0) {
		if (!is_good(line)) {
			say(fd, "what?\n");
			return; /* the fault: no close(fd) */
		}
		say(fd, "ok\n");
	}
	close(fd);
}

static void work(int from)
{
	for (;;)
		serve(receive(from));
}

int main(int argc, char **argv)
{
	int channel[2], listener;
	pid_t worker;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel))
		die("socketpair");
	worker = fork();
	if (worker < 0)
		die("fork");
	if (worker == 0) {
		close(channel[0]);
		work(channel[1]);
	}
	close(channel[1]);
	listener = listen_on(argc > 1 ? argv[1] : "0");
	for (;;) {
		int fd = accept_client(listener);

		send_away(channel[0], fd);
		close(fd); /* the worker's now */
	}
}
