/* SPDX-License-Identifier: MIT */
/*
 * Sockets that are made and used by syscall() alone, or inside a FILE, or where no hook looks.
 */
#include "guest.h"

#include <netinet/tcp.h>

static int raw_listen(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET};
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(syscall(SYS_bind, fd, addr, len) == 0 && syscall(SYS_listen, fd, 9) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)addr, &len) == 0, "getsockname");
	return fd;
}

static int raw_connect(const struct sockaddr_in *addr)
{
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	must(syscall(SYS_connect, fd, addr, sizeof(*addr)) == 0, "connect");
	return fd;
}

__attribute__((noinline)) static int raw_accept(int listener, bool four)
{
#ifdef SYS_accept
	volatile int fd = (int)(four ? syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC)
				     : syscall(SYS_accept, listener, NULL, NULL));
#else
	volatile int fd = (int)syscall(SYS_accept4, listener, NULL, NULL, 0);
#endif

	must(fd >= 0, "accept");
	return fd;
}

static void read_to_the_end(const char *how, int fd)
{
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	long r = -1;
	int p[2];

	if (!strcmp(how, "read"))
		r = syscall(SYS_read, fd, &byte, 1);
	if (!strcmp(how, "readv"))
		r = syscall(SYS_readv, fd, &iov, 1);
	if (!strcmp(how, "recvfrom"))
		r = syscall(SYS_recvfrom, fd, &byte, 1, 0, NULL, NULL);
	if (!strcmp(how, "recvmsg"))
		r = syscall(SYS_recvmsg, fd, &msg, 0);
	if (!strcmp(how, "recvmmsg")) {
		struct mmsghdr many = {.msg_hdr = msg};

		r = syscall(SYS_recvmmsg, fd, &many, 1, 0, NULL);
		must(many.msg_len == 0, "no bytes");
	}
	if (!strcmp(how, "raw_splice"))
		r = pipe(p) == 0 ? syscall(SYS_splice, fd, NULL, p[1], NULL, 10, 0) : -1;
	if (!strcmp(how, "splice"))
		r = pipe(p) == 0 ? splice(fd, NULL, p[1], NULL, 10, 0) : -1;
	printf("%s %ld\n", how, r);
}

/* Three connections, opened and read to the end by raw calls, and forgotten. */
int guest_raw_leak(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = raw_listen(&addr);

	for (int i = 0; i < 4; i++) {
		int client = raw_connect(&addr), server = raw_accept(listener, i % 2);

		must(syscall(SYS_close, client) == 0, "close");
		read_to_the_end(argc > 0 ? argv[0] : "read", server);
		if (i == 3)
			syscall(SYS_close, server);
	}
	return 0;
}

/* One socket, on which `guest raw HOW` makes one raw call. */
int guest_raw(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = raw_listen(&addr), client = raw_connect(&addr), fd, pair[2];
	const char *how = argc > 0 ? argv[0] : "";
	struct iovec iov = {(char *)"x", 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	errno = 0;
	fd = raw_accept(listener, false);
	if (!strcmp(how, "socketpair")) {
		must(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
		fd = pair[1];
	}
	if (!strcmp(how, "dup"))
		fd = (int)syscall(SYS_dup, fd);
	if (!strcmp(how, "dup3"))
		fd = (int)syscall(SYS_dup3, fd, 50, O_CLOEXEC);
	if (!strcmp(how, "fcntl"))
		fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 60);
	if (!strcmp(how, "shutdown"))
		must(syscall(SYS_shutdown, fd, SHUT_WR) == 0, "shutdown");
	if (!strcmp(how, "write"))
		must(syscall(SYS_write, fd, "x", 1) == 1, "write");
	if (!strcmp(how, "writev"))
		must(syscall(SYS_writev, fd, &iov, 1) == 1, "writev");
	if (!strcmp(how, "sendto"))
		must(syscall(SYS_sendto, fd, "x", 1, 0, NULL, 0) == 1, "sendto");
	if (!strcmp(how, "sendmsg"))
		must(syscall(SYS_sendmsg, fd, &msg, 0) == 1, "sendmsg");
	if (!strcmp(how, "sendmmsg"))
		must(syscall(SYS_sendmmsg, fd, &(struct mmsghdr){.msg_hdr = msg}, 1, 0) == 1,
		     "sendmmsg");
	if (!strcmp(how, "sendfile"))
		must(syscall(SYS_sendfile, fd, open("/proc/self/exe", O_RDONLY), NULL, 1) == 1,
		     "sendfile");
	if (!strcmp(how, "raw_splice"))
		must(pipe(pair) == 0 && write(pair[1], "x", 1) == 1 &&
			     syscall(SYS_splice, pair[0], NULL, fd, NULL, 1, 0) == 1,
		     "splice");
	if (!strcmp(how, "splice"))
		must(pipe(pair) == 0 && write(pair[1], "x", 1) == 1 &&
			     splice(pair[0], NULL, fd, NULL, 1, 0) == 1,
		     "splice");
	if (!strcmp(how, "connect"))
		fd = client;
	if (!strcmp(how, "listen"))
		fd = listener;
	errno = 0;
	printf("%ld", syscall(SYS_accept4, fd + 500, NULL, NULL, 0));
	printf(" %d", errno);
	printf(" %ld", syscall(SYS_read, 999, pair, 1));
	printf(" %d\nfd %d\n", errno, fd);
	return 0;
}

/* ---- a server that speaks through FILEs ---- */

static int busy_for_good[2];

/* The client leaves; the work that it asked for goes on until the program ends. */
static void work(int client)
{
	char byte;

	close(client);
	must(read(busy_for_good[0], &byte, 1) >= 0, "work");
}

struct job {
	int fd;
	int client;
	FILE *f;
	bool long_one;
	bool forgets;
};

static void *serve_job(void *arg)
{
	struct job *job = arg;
	FILE *f = job->f ? job->f : fdopen(job->fd, "r+");
	char line[80];

	must(fgets(line, sizeof(line), f) != NULL, "fgets");
	if (job->long_one)
		work(job->client);
	must(fprintf(f, "answer\n") > 0 && fflush(f) == 0, "answer");
	must(read(job->client, line, sizeof(line)) == 7 && close(job->client) == 0, "close");
	if (!job->forgets)
		fclose(f);
	return NULL;
}

static void next_client(struct job *job, int listener, const struct sockaddr_in *addr)
{
	job->client = connect_to(addr);
	job->fd = accept_client(listener);
	must(write(job->client, "ask\n", 4) == 4, "write");
}

/* Until the peer's FIN was there for longer than the report's grace: it may come late, sent anew.
 */
static void wait_for_fin(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	for (int i = 0; i < 1000; i++) {
		must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0, "TCP_INFO");
		if (info.tcpi_state == TCP_CLOSE_WAIT && info.tcpi_last_ack_recv > 1200)
			return;
		usleep(20000);
	}
	must(false, "FIN");
}

/*
 * A thread for each of six connections. HOW: who makes the FILE ("worker": the thread itself;
 * "handed": the accepting one), and of the first three "busy": they are at work until the end, or
 * "forgets": their FILE is never closed. "single": all in one thread.
 */
int guest_stdio_server(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "worker";
	bool handed = strstr(how, "handed"), busy = strstr(how, "busy");
	static struct job jobs[6];
	struct sockaddr_in addr;
	int listener = listen_any(&addr);
	pthread_t t;

	signal(SIGPIPE, SIG_IGN);
	must(pipe(busy_for_good) == 0, "pipe");
	for (int i = 0; i < 6; i++) {
		struct job *job = &jobs[i];

		next_client(job, listener, &addr);
		job->f = handed ? fdopen(job->fd, "r+") : NULL;
		job->long_one = busy && i < 3;
		job->forgets = !busy && i < 3;
		if (strstr(how, "single")) {
			serve_job(job);
			continue;
		}
		must(pthread_create(&t, NULL, serve_job, job) == 0, "pthread_create");
		if (!job->long_one)
			pthread_join(t, NULL);
	}
	for (int i = 0; i < 3; i++)
		wait_for_fin(jobs[i].fd);
	printf("done\n");
	fflush(stdout);
	if (strstr(how, "waits"))
		pause();
	return 0;
}

/* ---- doors that no hook sees ---- */

int guest_inline_close(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++)
		close_unseen(leak_one(listener, &addr));
	serve_one(listener, &addr);
	return 0;
}

int guest_uring(int argc, char **argv)
{
	char params[120] = {0};
	unsigned entries = argc > 0 ? 0 : 4; /* with an argument: refused anywhere */
	long fd = syscall(SYS_io_uring_setup, entries, params);

	(void)argv;
	printf("io_uring %s\n", fd >= 0 ? "works" : "is refused");
	close((int)fd);
	close(socket(AF_INET, SOCK_STREAM, 0));
	return 0;
}

/* ---- libraries that find libraries ---- */

static void *load(const char *name, int mode, const char *what)
{
	void *h = dlopen(name, mode);

	if (h)
		printf("%s: loaded\n", what);
	else
		printf("%s: %s\n", what, dlerror());
	return h;
}

/* DIR holds libplugin.so, whose RUNPATH leads it to a library that nobody else finds. */
int guest_plugins(int argc, char **argv)
{
	int mode = argc > 1 && !strcmp(argv[1], "deepbind") ? RTLD_NOW | RTLD_DEEPBIND : RTLD_NOW;
	char path[500];
	int (*plugin)(void);
	void *h;

	close(socket(AF_INET, SOCK_STREAM, 0));
	snprintf(path, sizeof(path), "%s/libplugin.so", argc > 0 ? argv[0] : ".");
	load("libplugin_inner.so", RTLD_NOW, "inner library from here");
	load(path, RTLD_NOW | RTLD_NOLOAD, "plugin that is not loaded yet");
	load(NULL, RTLD_NOW, "the program itself");
	if (argc > 1 && !strcmp(argv[1], "namespace"))
		h = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
	else
		h = load(path, mode, "plugin");
	must(h != NULL, "plugin");
	*(void **)&plugin = dlsym(h, "plugin");
	printf("plugin says %d\n", plugin());
	load(path, RTLD_NOW | RTLD_NOLOAD, "plugin that is loaded");
	load("/no/such/library.so", RTLD_LAZY, "missing");
	return 0;
}

/* ---- programs that are started ---- */

#define TRUE "/bin/true"

static void in_child(const char *how)
{
	char **volatile nowhere = (char **)8;
	static char preload_of_another[] = "LD_PRELOAD=";
	char *argv[] = {(char *)"true", NULL}, *none[] = {NULL},
	     *other[] = {preload_of_another, NULL};

	if (!strcmp(how, "execve"))
		execve(TRUE, argv, none);
	if (!strcmp(how, "execve_null"))
		execve(TRUE, argv, NULL);
	if (!strcmp(how, "execve_other"))
		execve(TRUE, argv, other);
	if (!strcmp(how, "execve_bad"))
		execve(TRUE, argv, nowhere);
	if (!strcmp(how, "execle"))
		execle(TRUE, "true", (char *)NULL, none);
	if (!strcmp(how, "execvpe"))
		execvpe(TRUE, argv, none);
	if (!strcmp(how, "fexecve"))
		fexecve(open(TRUE, O_RDONLY | O_CLOEXEC), argv, none);
	if (!strcmp(how, "failed"))
		execve("/no/such/program", argv, none);
	clearenv();
	if (!strcmp(how, "clearenv"))
		execv(TRUE, argv);
	_exit(9);
}

/* Starts /bin/true twice, in the way HOW. */
int guest_children(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "";
	char *args[] = {(char *)"true", NULL}, *none[] = {NULL};
	int status = 0;
	pid_t pid;

	close(socket(AF_INET, SOCK_STREAM, 0));
	for (int i = 0; i < 2; i++) {
		if (!strcmp(how, "posix_spawn")) {
			must(posix_spawn(&pid, TRUE, NULL, NULL, args, none) == 0, how);
		} else if (!strcmp(how, "posix_spawnp")) {
			must(posix_spawnp(&pid, TRUE, NULL, NULL, args, none) == 0, how);
		} else if (!strcmp(how, "system")) {
			clearenv();
			printf("%d\n", system("exit 0"));
			continue;
		} else if (!strcmp(how, "vfork")) {
			pid = vfork();
			if (pid == 0) {
				execve(TRUE, args, none);
				_exit(9);
			}
		} else {
			pid = fork();
			if (pid == 0)
				in_child(how);
		}
		must(waitpid(pid, &status, 0) == pid, "waitpid");
		printf("%d\n", WEXITSTATUS(status));
	}
	return 0;
}
