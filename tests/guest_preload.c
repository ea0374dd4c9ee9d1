/* SPDX-License-Identifier: MIT */
/* Programs for a bare preload, and leaks to be found. */
#include "guest.h"

void leak_three(void)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
}

int guest_daemon(int argc, char **argv)
{
	must(daemon(1, 1) == 0, "daemon");
	leak_three();
	if (argc > 0) { /* tells the test that it is done */
		int fd = open(argv[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		must(fd >= 0 && write(fd, "done", 4) == 4, "mark");
	}
	return 0;
}

int guest_leak_in_child(int argc, char **argv)
{
	int status;

	(void)argc, (void)argv;
	if (fork() == 0) {
		leak_three();
		exit(0);
	}
	wait(&status);
	return 0;
}

/* A child looks at a socket of its parent's through a number of its own. */
int guest_dup_in_child(int argc, char **argv)
{
	int fd = socket_at_depth(0), status;

	(void)argc, (void)argv;
	if (fork() == 0) {
		close(dup(fd));
		exit(0);
	}
	wait(&status);
	close(fd);
	return 0;
}

static __attribute__((noinline)) int close_at_depth(int depth, int fd)
{
	volatile int r;

	r = depth > 0 ? close_at_depth(depth - 1, fd) : close(fd);
	return r;
}

/* Told by a byte to begin, a child that may not record closes what it inherited. */
int guest_child_refused(int argc, char **argv)
{
	int spare[8], start[2];
	char byte = 0;

	(void)argc, (void)argv;
	for (int i = 0; i < 8; i++)
		spare[i] = socket_at_depth(0);
	must(pipe(start) == 0, "pipe");
	if (fork() == 0) {
		must(read(start[0], &byte, 1) == 1, "read");
		for (int i = 0; i < 8; i++)
			close_at_depth(i, spare[i]);
		_exit(0);
	}
	for (int i = 0; i < 130; i++) /* in new pages of the recording */
		socket_at_depth(0);
	leak_three();
	must(write(start[1], &byte, 1) == 1, "write");
	wait(NULL);
	return 0;
}

static int inherited[2];

static void renew_sockets(void)
{
	close(inherited[0]);
	close(inherited[1]);
	inherited[0] = socket(AF_INET, SOCK_STREAM, 0);
}

/* Libraries begin anew in a forked child: before fork() has returned. */
int guest_atfork(int argc, char **argv)
{
	int status;

	(void)argc, (void)argv;
	inherited[0] = socket(AF_INET, SOCK_STREAM, 0);
	inherited[1] = socket(AF_INET, SOCK_STREAM, 0);
	pthread_atfork(NULL, NULL, renew_sockets);
	if (fork() == 0) {
		close(inherited[0]);
		close(socket(AF_INET, SOCK_STREAM, 0));
		_exit(4);
	}
	wait(&status);
	close(inherited[0]);
	close(inherited[1]);
	printf("child %d\n", WEXITSTATUS(status));
	return 0;
}

/* Ends up in malloc() above, with the loader's lock held. */
static void *stop_in_dlopen(void *arg)
{
	(void)arg;
	stop_in_malloc = true;
	dlopen("/no/such/library.so", RTLD_NOW);
	return NULL;
}

int guest_killed_while_loading(int argc, char **argv)
{
	pthread_t t;

	(void)argc, (void)argv;
	leak_three();
	pthread_create(&t, NULL, stop_in_dlopen, NULL);
	usleep(100000);
	kill(getpid(), SIGTERM);
	return 0;
}

/* What kills no first process of a namespace does not wake it either. */
int guest_first_of_namespace(int argc, char **argv)
{
	int status;
	pid_t pid;

	(void)argc, (void)argv;
	must(unshare(CLONE_NEWPID) == 0, "unshare");
	pid = fork();
	if (pid == 0)
		_exit(poll(NULL, 0, 500) == 0 ? 5 : 6);
	usleep(100000);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	return 0;
}

static void on_child(int sig)
{
	static const char said[] = "SIGCHLD\n";

	(void)sig;
	if (write(1, said, sizeof(said) - 1) < 0)
		_exit(98);
}

int guest_watch_children(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGCHLD, on_child);
	leak_three();
	return 0;
}

/* A server that makes its client's connection descriptor 2. */
int guest_client_on_stderr(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), client = connect_to(&addr);
	int server = accept_client(listener);
	char buf[4096];
	long got = 0, n;

	(void)argc, (void)argv;
	dup2(server, 2);
	close(server);
	leak_three();
	if (fork() == 0) { /* reads what the client is sent, to the end */
		close(2);
		close(listener);
		while ((n = read(client, buf, sizeof(buf))) > 0)
			got += n;
		printf("the client was sent %ld bytes\n", got);
		fflush(stdout);
		_exit(0);
	}
	close(client);
	return 0;
}

/* Closes one socket twice, then opens sockets until there are no more descriptors. */
int guest_mistakes(int argc, char **argv)
{
	struct rlimit limit = {64, 64};
	int fd = socket(AF_INET, SOCK_STREAM, 0), n = 0;

	(void)argc, (void)argv;
	close(fd);
	close(fd);
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		n++;
	printf("%d sockets, then: %s\n", n, strerror(errno));
	return 0;
}

/* N exchanges over one connection: no birth, no death. */
int guest_exchange(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), client = connect_to(&addr);
	int server = accept_client(listener), n = argc > 0 ? atoi(argv[0]) : 100;
	char byte = 0;

	for (int i = 0; i < n; i++) {
		must(write(client, &byte, 1) == 1 && read(server, &byte, 1) == 1, "there");
		must(send(server, &byte, 1, 0) == 1 && recv(client, &byte, 1, 0) == 1, "back");
	}
	close(client);
	close(server);
	return 0;
}

/* N connections from the same places. */
int guest_serve(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), n = argc > 0 ? atoi(argv[0]) : 100;

	for (int i = 0; i < n; i++)
		serve_one(listener, &addr);
	close(listener);
	return 0;
}

/* N sockets open at once, of several stacks: the recording must grow again and again. */
int guest_crowd(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 100, good = 0;

	for (int i = 0; i < n; i++)
		good += socket_at_depth(i % 100) >= 0;
	printf("%d sockets\n", good);
	return 0;
}

int guest_leak(int argc, char **argv)
{
	(void)argc, (void)argv;
	leak_three();
	printf("leaked\n");
	return 3;
}

/* The same past all destructors: socket_wrapper's closes whatever is open. */
int guest_leak_and_leave(int argc, char **argv)
{
	(void)argc, (void)argv;
	leak_three();
	printf("leaked\n");
	fflush(stdout);
	_exit(3);
}

int guest_clean(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	for (int i = 0; i < 100; i++)
		serve_one(listener, &addr);
	close(listener);
	printf("clean\n");
	return 0;
}

/* Leaks three, says so on stdout, and waits to be looked at or killed. */
int guest_leak_and_wait(int argc, char **argv)
{
	int seconds = argc > 0 ? atoi(argv[0]) : 100;

	leak_three();
	printf("ready\n");
	fflush(stdout);
	sleep((unsigned)seconds);
	return 0;
}

/* Leaks three and stays at work for a while, so that the last sign of life comes long after. */
int guest_leak_late(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	for (int i = 0; i < 15; i++) {
		usleep(100000);
		serve_one(listener, &addr);
	}
	printf("ready\n");
	fflush(stdout);
	sleep(20);
	return 0;
}
