/* SPDX-License-Identifier: MIT */
/* Guests that use descriptors wrongly. */
#include "guest.h"

#include <setjmp.h>
#include <sys/uio.h>

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
	must(readv(fd, &iov, 1) < 0 && errno == EBADF, "readv");
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

/* A range of ports, of which a part is to be used up; at most as long as a test may take. */
static int ports_of_range(int percent)
{
	int lo = 0, hi = 0;
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

	must(f && fscanf(f, "%d %d", &lo, &hi) == 2, "port range");
	fclose(f);
	return (hi - lo + 1) / 100 * percent;
}

/* Connections that the client closes first, by so many per cent of the ports; or the server. */
int guest_hurried_client(int argc, char **argv)
{
	bool server_first = argc > 0 && !strcmp(argv[0], "server_first");
	bool aborts = argc > 0 && !strcmp(argv[0], "aborts"); /* as haproxy does: no TIME_WAIT */
	const struct linger at_once = {1, 0};
	int n = server_first ? 200 : ports_of_range(argc > 0 && !aborts ? atoi(argv[0]) : 55);
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < n; i++) {
		int client = connect_to(&addr), server = accept_client(listener);

		if (server_first)
			close(server);
		if (aborts)
			setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(client);
		if (!server_first)
			close(server);
	}
	return 0;
}

static __attribute__((noinline)) void close_with_rest(int server)
{
	char byte;

	must(read(server, &byte, 1) == 1, "read");
	close(server);
}

/* What the client has sent lies unread: all of it, none, or the client had closed before. */
int guest_unread_at_close(int argc, char **argv)
{
	bool whole = argc > 0 && !strcmp(argv[0], "read");
	bool client_first = argc > 0 && !strcmp(argv[0], "client_first");
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 10; i++) {
		int client = connect_to(&addr), server = accept_client(listener);

		must(write(client, "rest", whole ? 1 : 4) > 0, "write");
		if (client_first)
			close(client);
		close_with_rest(server);
		if (!client_first)
			close(client);
	}
	close(listener);
	return 0;
}

static int reader_fd;
static sigjmp_buf reader_out;
static uint32_t reader_left;
static int reader_tid;

static void *block_in_read(void *how)
{
	char byte;

	__atomic_store_n(&reader_tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	if (!sigsetjmp(reader_out, 1))
		(void)!read(reader_fd, &byte, 1);
	__atomic_store_n(&reader_left, 1, __ATOMIC_RELEASE);
	if (how)
		pause();
	return NULL;
}

static void jump_out(int sig)
{
	(void)sig;
	siglongjmp(reader_out, 1);
}

static void nothing_to_do(int sig)
{
	(void)sig;
}

static void sleep_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

static __attribute__((noinline)) void close_under(int fd)
{
	must(close(fd) == 0, "close");
}

/* As the JVM closes: another file takes the number, a signal wakes who is blocked. */
static void close_like_jvm(int fd, pthread_t reader)
{
	int marker = open("/dev/null", O_RDONLY);

	must(dup2(marker, fd) == fd, "dup2");
	pthread_kill(reader, SIGUSR2);
}

/* "0 0x5 ...": the call that it is in, and its descriptor. */
static bool is_blocked(void)
{
	char path[64], line[64] = "", wanted[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", reader_tid);
	snprintf(wanted, sizeof(wanted), "%d 0x%x ", SYS_read, reader_fd);
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		(void)!read(fd, line, sizeof(line) - 1);
	close(fd);
	return !strncmp(line, wanted, strlen(wanted));
}

static void wait_until_blocked(void)
{
	for (int i = 0; i < 5000; i++) {
		if (__atomic_load_n(&reader_tid, __ATOMIC_ACQUIRE) && is_blocked())
			return;
		sleep_ms(10);
	}
	must(false, "a blocked thread");
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A handler has made it leave its read. */
static void wait_until_left(pthread_t reader)
{
	pthread_kill(reader, SIGUSR2);
	while (!__atomic_load_n(&reader_left, __ATOMIC_ACQUIRE))
		sleep_ms(10);
}

#define TOO_SLOW 75 /* for the test: to be done again */

/*
 * A thread is blocked in a read of a socket that another one closes. "stay": it stays there;
 * "late": until 1.2 s later; "data": it returns at once; "jvm", "shutdown", "cancel": it is made
 * to; "jump": it had left by a jump before.
 */
int guest_closed_under_reader(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "stay";
	bool jump = !strcmp(how, "jump");
	struct sigaction act = {.sa_handler = jump ? jump_out : nothing_to_do};
	struct sockaddr_in addr;
	int listener = listen_any(&addr), client = connect_to(&addr);
	bool late = !strcmp(how, "late"), in_time;
	bool returns = strcmp(how, "stay") != 0 && !late && !jump;
	pthread_t reader;
	uint64_t closed;

	reader_fd = accept_client(listener);
	sigaction(SIGUSR2, &act, NULL);
	must(pthread_create(&reader, NULL, block_in_read, jump ? &act : NULL) == 0, "thread");
	wait_until_blocked();
	if (jump)
		wait_until_left(reader);
	if (!strcmp(how, "shutdown"))
		shutdown(reader_fd, SHUT_RDWR);
	closed = now_ms();
	if (!strcmp(how, "jvm"))
		close_like_jvm(reader_fd, reader);
	else
		close_under(reader_fd);
	if (!strcmp(how, "cancel"))
		pthread_cancel(reader);
	if (!strcmp(how, "data"))
		must(write(client, "x", 1) == 1, "write");
	if (returns)
		pthread_join(reader, NULL);
	in_time = !returns || now_ms() < closed + 900;
	sleep_ms(1200);
	if (late) {
		must(write(client, "x", 1) == 1, "write");
		pthread_join(reader, NULL);
	}
	return in_time ? 0 : TOO_SLOW;
}

/* Closes a second after the peer has, or so many milliseconds. */
int guest_late_close(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), server = leak_one(listener, &addr);

	sleep_ms(argc > 0 ? atoi(argv[0]) : 1050);
	close(server);
	close(listener);
	return 0;
}
