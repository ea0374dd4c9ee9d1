/* SPDX-License-Identifier: MIT */
/*
 * Connections that come to their end in the program's sight: by a FIN, by a reset, by its own
 * shutdown; learnt by each function of the C library's that can say so.
 */
#include "guest.h"

#include <sys/uio.h>

ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags, void *from, void *len);

static char byte[1] = "x";
static struct iovec iov = {byte, 1};
static struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
static struct mmsghdr many;

#define DOOR(name, call)                                                                           \
	static long by_##name(int fd)                                                              \
	{                                                                                          \
		return call;                                                                       \
	}

DOOR(read, read(fd, byte, 1))
DOOR(readv, readv(fd, &iov, 1))
DOOR(recv, recv(fd, byte, 1, 0))
DOOR(recvfrom, recvfrom(fd, byte, 1, 0, NULL, NULL))
DOOR(recvmsg, recvmsg(fd, &msg, 0))
DOOR(recvmmsg, recvmmsg(fd, &many, 1, 0, NULL))
DOOR(read_chk, __read_chk(fd, byte, 1, 1))
DOOR(recv_chk, __recv_chk(fd, byte, 1, 1, 0))
DOOR(recvfrom_chk, __recvfrom_chk(fd, byte, 1, 1, 0, NULL, NULL))
DOOR(write, write(fd, byte, 1))
DOOR(writev, writev(fd, &iov, 1))
DOOR(send, send(fd, byte, 1, MSG_NOSIGNAL))
DOOR(sendto, sendto(fd, byte, 1, MSG_NOSIGNAL, NULL, 0))
DOOR(sendmsg, sendmsg(fd, &msg, 0))
DOOR(sendmmsg, sendmmsg(fd, &many, 1, 0))
DOOR(sendfile, sendfile(fd, open("/proc/self/exe", O_RDONLY), NULL, 1))
DOOR(shutdown_read, shutdown(fd, SHUT_RD))
DOOR(shutdown_write, shutdown(fd, SHUT_WR))
DOOR(shutdown_both, shutdown(fd, SHUT_RDWR))

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, by_##name                                                                   \
	}

static const struct door {
	const char *name;
	long (*go)(int fd);
} doors[] = {
	ROW(read),     ROW(readv),	   ROW(recv),		ROW(recvfrom),	    ROW(recvmsg),
	ROW(recvmmsg), ROW(read_chk),	   ROW(recv_chk),	ROW(recvfrom_chk),  ROW(write),
	ROW(writev),   ROW(send),	   ROW(sendto),		ROW(sendmsg),	    ROW(sendmmsg),
	ROW(sendfile), ROW(shutdown_read), ROW(shutdown_write), ROW(shutdown_both),
};

/* The kernel says so when the peer's segment is here. */
static void await(int fd, short event)
{
	struct pollfd p = {fd, event, 0};

	must(poll(&p, 1, 10000) == 1 && (p.revents & event), "the end");
}

static void peer_leaves(const char *how, int fd, int client)
{
	struct linger reset = {1, 0};

	if (!strcmp(how, "reset"))
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(client);
	await(fd, POLLRDHUP);
	if (!strcmp(how, "pipe")) { /* it is not there for what we say */
		must(write(fd, byte, 1) == 1, "write");
		await(fd, POLLERR);
	}
}

/* stream HOW DOOR: the peer leaves by "fin" or "reset", "stays", or leaves by "pipe". */
int guest_stream(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), client = connect_to(&addr), fd = accept_client(listener);
	long r = -1;

	must(argc > 1, "how, and by which door");
	signal(SIGPIPE, SIG_IGN);
	many.msg_hdr = msg;
	if (strcmp(argv[0], "stays"))
		peer_leaves(argv[0], fd, client);
	errno = 0;
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		if (!strcmp(doors[i].name, argv[1]))
			r = doors[i].go(fd);
	printf("%ld %d\nfd %d\n", r, errno, fd);
	return 0;
}
