/* SPDX-License-Identifier: MIT */
/* Guests that use descriptors wrongly. */
#include "guest.h"

static __attribute__((noinline)) void close_first(int fd)
{
	must(close(fd) == 0, "close");
}

static __attribute__((noinline)) void close_again(int fd)
{
	must(close(fd) < 0 && errno == EBADF, "close again");
}

/* A mistake, three times. */
int guest_double_close(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		close_first(fd);
		close_again(fd);
	}
	return 0;
}

/* No mistake: all numbers are closed, whatever they hold. */
int guest_close_loop(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 20; i++)
		close(socket_at_depth(i % 3));
	for (int i = 0; i < 5; i++)
		socket_at_depth(i);
	for (int fd = 3; fd < 40; fd++)
		close(fd);
	for (int fd = 40; fd >= 3; fd--)
		close(fd);
	return 0;
}

/* The number held a socket, then a file: it is the file that is closed twice. */
int guest_double_close_of_file(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)argc, (void)argv;
	close_first(fd);
	must(open("/dev/null", O_RDONLY) == fd, "open");
	close_first(fd);
	close_again(fd);
	return 0;
}

static __attribute__((noinline)) void use_again(int fd)
{
	char byte = 0;

	must(read(fd, &byte, 1) < 0 && errno == EBADF, "read");
}

static __attribute__((noinline)) void write_again(int fd)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct iovec iov = {"x", 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	must(write(fd, "x", 1) < 0 && errno == EBADF, "write");
	must(send(fd, "x", 1, 0) < 0 && errno == EBADF, "send");
	must(sendmsg(fd, &msg, 0) < 0 && errno == EBADF, "sendmsg");
	must(recvmsg(fd, &msg, 0) < 0 && errno == EBADF, "recvmsg");
	must(syscall(SYS_write, fd, "x", 1) < 0 && errno == EBADF, "SYS_write");
	must(shutdown(fd, SHUT_RDWR) < 0 && errno == EBADF, "shutdown");
	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 && errno == EBADF, "connect");
}

/* In a loop that would fill any table, and by all families of calls. */
int guest_use_after_close(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)argc, (void)argv;
	close_first(fd);
	for (int i = 0; i < 1000; i++)
		use_again(fd);
	write_again(fd);
	return 0;
}

static void use_in_vfork_child(int fd)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		(void)!read(fd, &status, 1);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "vfork");
}

/* Numbers that have had another owner since, that never held a socket, or another's. */
int guest_use_of_others(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	FILE *f;

	(void)argc, (void)argv;
	use_again(-1);
	use_again(800);
	close_first(fd);
	use_in_vfork_child(fd);
	must(open("/dev/null", O_WRONLY) == fd, "open");
	use_again(fd); /* it is open, but not for reading */
	close_first(fd);
	use_again(fd);
	close_first(socket(AF_INET, SOCK_STREAM, 0));
	f = fopen("/dev/null", "r");
	must(f && fileno(f) == fd, "fopen");
	fclose(f);
	use_again(fd);
	return 0;
}

static __attribute__((noinline)) int open_many(int n)
{
	int fd = -1;

	while (n-- > 0)
		fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd;
}

/* All descriptors are used up: some by files, a few by sockets from here, most by others. */
int guest_exhausted(int argc, char **argv)
{
	struct rlimit limit = {64, 64};

	(void)argc, (void)argv;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	for (int i = 0; i < 5; i++)
		socket_at_depth(1);
	while (open("/dev/null", O_RDONLY) < 30)
		;
	must(open_many(40) < 0 && errno == EMFILE, "EMFILE");
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	return 0;
}
