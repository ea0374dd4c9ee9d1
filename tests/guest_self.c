/* SPDX-License-Identifier: MIT */
/* What a program can see of itself: descriptors, errno, results, addresses. */
#include "guest.h"

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void print_descriptors(const char *when)
{
	DIR *dir = opendir("/proc/self/fd");
	int fds[256], nr = 0;
	struct dirent *e;

	printf("%s:", when);
	while ((e = readdir(dir)) && nr < 256)
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir))
			fds[nr++] = atoi(e->d_name);
	closedir(dir);
	qsort(fds, (size_t)nr, sizeof(fds[0]), by_number);
	for (int i = 0; i < nr; i++) {
		struct stat st = {0};

		fstat(fds[i], &st);
		printf(" %d=%o/%d", fds[i], (unsigned)st.st_mode & S_IFMT, fcntl(fds[i], F_GETFD));
	}
	printf("\n");
}

int guest_descriptors(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener, pair[2];

	(void)argc, (void)argv;
	print_descriptors("at the start");
	listener = listen_any(&addr);
	print_descriptors("listening");
	for (int i = 0; i < 40; i++)
		close(socket_at_depth(i));
	print_descriptors("after 40 stacks");
	leak_one(listener, &addr);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	must(dup2(pair[0], 100) == 100, "dup2");
	print_descriptors("with a leak");
	if (fork() == 0) {
		print_descriptors("in a child");
		fflush(stdout);
		close(100);
		close(socket(AF_INET, SOCK_STREAM, 0));
		print_descriptors("in a child that used sockets");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	print_descriptors("after a fork");
	for (int i = 3; i < 4000; i++) /* grows the recording a few times */
		socket(AF_INET, SOCK_DGRAM, 0);
	printf("next: %d\n", socket(AF_INET, SOCK_STREAM, 0));
	return 0;
}

/* Closes whatever it does not know, then trusts every byte that arrives. */
int guest_closer(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener, bad = 0;

	(void)argc, (void)argv;
	close(socket_through_jit(3));
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	listener = listen_any(&addr);
	for (int i = 0; i < 200; i++) {
		int client = connect_to(&addr), server = accept_client(listener), extra;
		char out[2] = {(char)i, (char)(i + 1)}, in[2] = {0};

		must(write(client, out, 2) == 2, "write");
		extra = socket_through_jit(i % 100); /* cold stacks make an unwinder work */
		close(extra);
		must(read(server, in, 2) == 2, "read");
		bad += memcmp(in, out, 2) != 0;
		bad += recv(server, in, 1, MSG_DONTWAIT) != -1;
		bad += recv(client, in, 1, MSG_DONTWAIT) != -1;
		close(client);
		close(server);
	}
	printf("%d bad exchanges\n", bad);
	return 0;
}

int guest_errno(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), fd, pair[2];
	char byte;

	(void)argc, (void)argv;
#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 77;                                                                        \
		long r = (long)(call);                                                             \
		int e = errno;                                                                     \
		printf("%s: %s %d\n", #call, r < 0 ? "-" : "ok", e);                               \
	} while (0)
	SAY(fd = socket_at_depth(7));
	SAY(close(fd));
	SAY(close(fd));
	SAY(close(-1));
	SAY(read(fd, &byte, 1));
	SAY(dup(-1));
	SAY(dup2(999, listener));
	SAY(dup3(listener, listener, 0));
	SAY(dup2(listener, listener));
	SAY(accept(fd, NULL, NULL));
	SAY(accept4(listener, NULL, NULL, 0x12345678));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	SAY(recv(pair[0], &byte, 1, MSG_DONTWAIT));
	SAY(write(pair[0], "x", 1));
	SAY(read(pair[1], &byte, 1));
	SAY(shutdown(pair[0], SHUT_WR));
	SAY(read(pair[1], &byte, 1));
	SAY(send(pair[0], "x", 1, MSG_NOSIGNAL));
	SAY(fcntl(pair[0], F_DUPFD, 50));
	SAY(fcntl(50, F_GETFD));
	SAY(fcntl(51, F_GETFD));
	SAY(connect(listener, (struct sockaddr *)&addr, sizeof(addr)));
	SAY(shutdown(listener + 1, SHUT_RD));
	SAY(socket(12345, 1, 1));
	SAY(close_range(60, 50, 0));
	return 0;
}

/* What a poll() that a signal ended leaves in errno is still there in the next call. */
int guest_interrupted(int argc, char **argv)
{
	struct sockaddr_in addr;

	(void)argc, (void)argv;
	listen_any(&addr);
	errno = EINTR;
	must(through_jit(socket_at_depth, 3) >= 0, "socket");
	printf("%s\n", strerror(errno));
	return 0;
}

/* Where the kernel says EFAULT nobody may have looked before it. */
int guest_bad_pointers(int argc, char **argv)
{
	void *volatile nowhere = (void *)8;
	struct sockaddr_in addr, peer;
	int listener = listen_any(&addr), client = socket(AF_INET, SOCK_STREAM, 0);

	(void)argc, (void)argv;
	SAY(connect(client, nowhere, sizeof(addr)));
	SAY(connect(client, NULL, sizeof(addr)));
	SAY(connect(client, nowhere, 1u << 30));
	SAY(connect(client, (struct sockaddr *)&addr, sizeof(addr)));
	SAY(accept(listener, (struct sockaddr *)&peer, nowhere));
	connect_to(&addr);
	SAY(accept(listener, NULL, nowhere));
	fcntl(listener, F_SETFL, O_NONBLOCK);
	SAY(accept(listener, (struct sockaddr *)&peer, nowhere));
	SAY(accept4(-1, (struct sockaddr *)&peer, nowhere, 0));
	SAY(accept4(listener, nowhere, nowhere, SOCK_CLOEXEC));
	return 0;
}

/* Accept must fill the program's buffer as the kernel does, a short one too. */
int guest_accept_address(int argc, char **argv)
{
	struct sockaddr_in addr, peer = {0};
	int listener = listen_any(&addr);
	socklen_t len = sizeof(peer), small = 4;
	unsigned char buf[8];

	(void)argc, (void)argv;
	connect_to(&addr);
	must(accept(listener, (struct sockaddr *)&peer, &len) >= 0, "accept");
	printf("family %d len %u addr %x\n", peer.sin_family, len, ntohl(peer.sin_addr.s_addr));
	memset(buf, 0xee, sizeof(buf));
	connect_to(&addr);
	must(accept4(listener, (struct sockaddr *)buf, &small, SOCK_CLOEXEC) >= 0, "accept4");
	printf("len %u family %u beyond %x%x\n", small, buf[0], buf[4], buf[7]);
	connect_to(&addr);
	printf("no address: %d\n", accept(listener, NULL, NULL));
	connect_to(&addr);
	errno = 0;
	printf("address, no length: %d", accept(listener, (struct sockaddr *)&peer, NULL));
	printf(" %s\n", strerror(errno));
	return 0;
}
