/* SPDX-License-Identifier: MIT */
/* Programs of several processes: forks from anywhere, daemons, prefork servers, exec chains. */
#include "guest.h"

#include <grp.h>
#include <link.h>
#include <sys/time.h>

#define FORKING_THREADS 4
#define WORKERS		4
#define WORKER_ROUNDS	25
#define WORKER_LEAKS	5

/* ---- forks in threads ---- */

static struct sockaddr_in fork_addr;
static int fork_listener;

static void *fork_again_and_again(void *arg)
{
	int n = (int)(intptr_t)arg, good = 0, status;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			serve_one(fork_listener, &fork_addr);
			close(fork_listener);
			_exit(7);
		}
		close(socket_at_depth(i % 50));
		good += waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
			WEXITSTATUS(status) == 7;
	}
	return (void *)(intptr_t)good;
}

int guest_fork_in_threads(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 20, good = 0;
	pthread_t t[FORKING_THREADS];

	fork_listener = listen_any(&fork_addr);
	for (int i = 0; i < FORKING_THREADS; i++)
		pthread_create(&t[i], NULL, fork_again_and_again, (void *)(intptr_t)n);
	for (int i = 0; i < FORKING_THREADS; i++) {
		void *result;

		pthread_join(t[i], &result);
		good += (int)(intptr_t)result;
	}
	printf("%d of %d children came back\n", good, n * FORKING_THREADS);
	close(fork_listener);
	return 0;
}

/* ---- forks while another thread's first socket is recorded ---- */

static pthread_barrier_t both_ready;

static void *open_first(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&both_ready);
	close(socket_at_depth(1));
	return NULL;
}

/* Descriptors that the program did not open. */
static int strangers(void)
{
	char link[40], to[300];
	int n = 0;

	for (int fd = 3; fd < 40; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(link, to, sizeof(to) - 1);

		to[len > 0 ? len : 0] = '\0';
		n += len > 0 && strncmp(to, "socket:", 7) != 0;
	}
	return n;
}

static _Noreturn void fork_beside_a_thread(int round)
{
	int status = 0;
	pthread_t t;

	pthread_barrier_init(&both_ready, NULL, 2);
	must(pthread_create(&t, NULL, open_first, NULL) == 0, "thread");
	pthread_barrier_wait(&both_ready);
	for (volatile int i = 0; i < round % 40 * 1000; i++)
		;
	if (fork() == 0)
		_exit(strangers());
	wait(&status);
	pthread_join(t, NULL);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

int guest_fork_beside(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 100, found = 0, status;

	for (int i = 0; i < n; i++) {
		if (fork() == 0)
			fork_beside_a_thread(i);
		wait(&status);
		found += WIFEXITED(status) ? WEXITSTATUS(status) : 99;
	}
	printf("%d descriptors of nobody's in %d children\n", found, n);
	return 0;
}

/* ---- forks while another thread has the loader's lock, as profilers do ---- */

static int hold_on(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info, (void)size, (void)arg;
	usleep(200);
	return 0;
}

static void *list_modules(void *arg)
{
	for (;;)
		dl_iterate_phdr(hold_on, NULL);
	return arg;
}

/* A child that hangs is ended by the alarm. */
int guest_fork_beside_loader(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 20, good = 0, status;
	int fd = socket_at_depth(1);
	pthread_t t;

	must(pthread_create(&t, NULL, list_modules, NULL) == 0, "thread");
	for (int i = 0; i < n; i++) {
		if (fork() == 0) {
			alarm(30);
			close(socket_at_depth(2 + i % 9));
			_exit(7);
		}
		wait(&status);
		good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
		if (WIFSIGNALED(status))
			break;
	}
	close(fd);
	printf("%d of %d children came back\n", good, n);
	return 0;
}

/* ---- forks in a signal handler ---- */

static volatile sig_atomic_t forks_left, forks_good, in_forked_child, forks_status;

static void fork_in_handler(int sig)
{
	int status;
	pid_t pid;

	(void)sig;
	if (in_forked_child || forks_left <= 0)
		return;
	forks_left--;
	pid = fork();
	if (pid == 0) { /* goes on where the signal came, perhaps in the middle of a hook */
		in_forked_child = 1;
		return;
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7)
		forks_good++;
	else
		forks_status = status;
}

static void fork_soon(long us)
{
	struct itimerval once = {{0, 0}, {0, us}};

	if (!in_forked_child)
		setitimer(ITIMER_REAL, &once, NULL);
}

/* The frame is of another size each time: so no stack is known, and births are long. */
static __attribute__((noinline)) int socket_in_room(unsigned size)
{
	volatile char *room = alloca(16 + size % 512 * 16);
	volatile int fd;

	room[0] = 0;
	fd = socket_at_depth(30 + room[0]);
	return fd;
}

/*
 * Sockets by all ways in and out, until every fork was made. Those in whose birth a fork may have
 * come are kept if ARG says so ("60+"): another number in each run.
 */
int guest_fork_in_handler(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 60, pair[2], pid = getpid();

	forks_left = n;
	listen_any(&fork_addr); /* stays, for something to be told */
	signal(SIGALRM, fork_in_handler);
	for (unsigned i = 0; forks_left > 0 || getpid() != pid; i++) {
		if (i % 4)
			fork_soon(1 + i * 13 % 150);
		int left = forks_left, fd = socket_in_room(i), copy = dup(fd);
		bool keeps = left != forks_left; /* forked in the middle of its birth, perhaps */

		if (i % 4 == 0)
			fork_soon(1 + i * 7 % 50);
		must(fd >= 0 && copy >= 0, "socket");
		must(dup2(fd, 900) == 900 && dup2(fd, 900) == 900, "dup2");
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
		write(pair[0], "x", 1);
		read(pair[1], &pair[0] + 2 * (fd < 0), 0);
		close(pair[0]);
		close(pair[1]);
		must(close(copy) == 0 && close(900) == 0, "close");
		must(keeps ? listen(fd, 1) == 0 : close(fd) == 0, "listen or close");
		if (in_forked_child)
			_exit(close(socket_at_depth(3)) == 0 ? 7 : 8);
	}
	fork_soon(0);
	for (int fd = 4; fd < 900 && !strchr(argc > 0 ? argv[0] : "", '+'); fd++)
		close(fd);
	printf("%d of %d children came back, others: %x\n", (int)forks_good, n,
	       (unsigned)forks_status);
	print_sockets();
	return 0;
}

/* ---- daemons and prefork servers ---- */

/* Forks twice by hand; the first process stays until the daemon has ended, for the test's sake. */
int guest_double_fork(int argc, char **argv)
{
	struct sockaddr_in addr;
	int done[2], status;
	char byte;

	(void)argc, (void)argv;
	must(pipe(done) == 0, "pipe");
	if (fork() == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		must(chdir("/") == 0, "chdir");
		int listener = listen_any(&addr);

		for (int i = 0; i < 3; i++)
			leak_one(listener, &addr);
		serve_one(listener, &addr);
		exit(0);
	}
	close(done[1]);
	wait(&status);
	printf("the daemon said %zd\n", read(done[0], &byte, 1)); /* its end */
	return 0;
}

static void become_nobody(void)
{
	must(chroot("/var/empty") == 0 || chroot("/usr/share/empty") == 0 ||
		     chroot("/proc/self/fdinfo") == 0,
	     "chroot");
	must(chdir("/") == 0 && setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0,
	     "privileges");
}

static _Noreturn void work(int nr, int listener, const struct sockaddr_in *addr)
{
	int leaks = nr == 2 ? WORKER_LEAKS : 0;

	become_nobody();
	for (int i = 0; i < WORKER_ROUNDS; i++)
		if (i < leaks)
			leak_one(listener, addr);
		else
			serve_one(listener, addr);
	_exit(0);
}

/* The master binds as root; its workers are nobody, in an empty root. One of them leaks. */
int guest_prefork(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), good = 0, status;

	(void)argc, (void)argv;
	for (int i = 0; i < WORKERS; i++)
		if (fork() == 0)
			work(i, listener, &addr);
	while (wait(&status) > 0)
		good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%d workers ended well\n", good);
	close(listener);
	return 0;
}

/* ---- exec ---- */

/* ARG images more; each but the last has a socket, unless ARG2 says none. */
int guest_exec_chain(int argc, char **argv)
{
	int left = argc > 0 ? atoi(argv[0]) : 0;
	char next[12];

	if (left > 0) {
		if (argc < 2)
			must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0, "socket");
		snprintf(next, sizeof(next), "%d", left - 1);
		execl("/proc/self/exe", "guest", "exec_chain", next, argv[1], (char *)NULL);
		must(false, "exec");
	}
	leak_three();
	printf("the last image\n");
	return 0;
}

/* Three sockets of one place, left open or not. */
static __attribute__((noinline)) void serve_three(bool closes)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 3; i++) {
		int fd = leak_one(listener, &addr);

		if (closes)
			close(fd);
	}
	close(listener);
}

/* An image that would have had nothing to tell lives on, and leaks. */
int guest_exec_fails(int argc, char **argv)
{
	char *args[] = {argv[-1], NULL};

	(void)argc;
	for (volatile int round = 0; round < 3;
	     round++) { /* not unrolled: each comes by one stack */
		serve_three(round < 2);
		execv("/no/such", args);
	}
	printf("lives on\n");
	return 0;
}

/* The C library's own ways to start a shell, while sockets are open. */
int guest_shell(int argc, char **argv)
{
	char line[40] = "";
	FILE *f;

	(void)argc, (void)argv;
	leak_three();
	printf("system: %d\n", WEXITSTATUS(system("exit 3")));
	printf("nested: %d\n", WEXITSTATUS(system("sh -c 'sh -c \"exit 4\"; exit $?'")));
	f = popen("sh -c 'echo deep'", "r");
	must(f && fgets(line, sizeof(line), f), "popen");
	printf("popen: %s", line);
	printf("pclose: %d\n", pclose(f));
	return 0;
}

/* ---- ends under running threads ---- */

static void *serve_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		serve_one(fork_listener, &fork_addr);
	return NULL;
}

static _Noreturn void end_under_threads(int round)
{
	pthread_attr_t detached;
	pthread_t t;

	fork_listener = listen_any(&fork_addr);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 3; i++)
		must(pthread_create(&t, &detached, serve_for_ever, NULL) == 0, "thread");
	usleep((unsigned)(round % 40) * 50);
	exit(9);
}

/* Detached threads accept and close while exit() runs. */
int guest_exit_under_threads(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 20, good = 0, status;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			end_under_threads(i);
		must(waitpid(pid, &status, 0) == pid, "waitpid");
		good += WIFEXITED(status) && WEXITSTATUS(status) == 9;
	}
	printf("%d of %d ended well\n", good, n);
	return 0;
}
