/* SPDX-License-Identifier: MIT */
/*
 * A program that lives hard: soak LIVES PLANTED. Threads open and close LIVES sockets in all, among
 * them TCP connections that end in order or by a reset; now and then it forks, starts a thread that
 * soon ends, has no descriptor left, and all the time a signal's handler opens and closes one as
 * well. PLANTED accepted connections are forgotten. Prints "early" at 100,000 lives, at the end
 * what it has counted, and waits at both for a line.
 *
 * What it will ever do it has done before the 100,000th: then its recording need not grow.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS		8u
#define EARLY		100000u
#define CONNECT_EVERY	64u
#define RESET_EVERY	1024u
#define FORK_EVERY	2000u
#define THREAD_EVERY	500u
#define THREAD_LIVES	20u
#define EXHAUSTED_EVERY 5000u

static atomic_ullong births, deaths;
static atomic_bool early_is_over;
static uint64_t lives, planted;
static struct sockaddr_in address[THREADS];

static void must(long r)
{
	if (r < 0)
		err(1, "bench/soak");
}

/* Counts what it opens. None may be left for a while: another thread sees to that. */
static int opened(int fd)
{
	if (fd >= 0)
		births++;
	else if (errno != EMFILE)
		err(1, "bench/soak");
	return fd;
}

static void closed(int fd)
{
	must(close(fd));
	deaths++;
}

static void handler(int sig)
{
	int e = errno, fd = opened(socket(AF_UNIX, SOCK_DGRAM, 0));

	(void)sig;
	if (fd >= 0)
		closed(fd);
	errno = e;
}

/* ---- kinds of lives ---- */

static void live_in_pair(void)
{
	char byte = 'x';
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {
		opened(-1);
		return;
	}
	births += 2;
	must(write(fds[0], &byte, 1));
	must(read(fds[1], &byte, 1));
	closed(fds[0]);
	closed(fds[1]);
}

/* From so many addresses that no port is used again soon. */
static int connect_from(uint32_t net, uint64_t nr, const struct sockaddr_in *to)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr = {htonl(0x7f000000u + (net << 16) + 1u + (uint32_t)(nr % 65000u))}};
	int on = 1, fd = opened(socket(AF_INET, SOCK_STREAM, 0));

	if (fd < 0)
		return fd;
	must(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)));
	must(bind(fd, (struct sockaddr *)&from, sizeof(from)));
	must(connect(fd, (const struct sockaddr *)to, sizeof(*to)));
	return fd;
}

/* Whom the listener has, it has: where no descriptor is left he waits. */
__attribute__((noinline)) static int accept_one(int listener)
{
	int fd;

	while ((fd = opened(accept(listener, NULL, NULL))) < 0)
		usleep(100);
	return fd;
}

static void read_to_end(int fd)
{
	char buf[64];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	if (n < 0 && errno != ECONNRESET)
		err(1, "bench/soak: read");
}

static void connection(int listener, uint32_t who, uint64_t nr)
{
	const struct linger abort = {1, 0};
	int client = connect_from(8u + who, nr, &address[who]), fd;

	if (client < 0)
		return;
	fd = accept_one(listener);
	must(write(client, "hello", 5));
	if (nr % (RESET_EVERY / CONNECT_EVERY) == 0)
		must(setsockopt(client, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)));
	closed(client);
	read_to_end(fd);
	closed(fd);
}

/* The fault that is to be found. */
__attribute__((noinline)) static void forget_one(int listener, uint32_t who, uint64_t nr)
{
	int client, fd;

	while ((client = connect_from(24u + who, nr, &address[who])) < 0)
		usleep(100);
	fd = accept_one(listener);
	closed(client);
	read_to_end(fd);
}

/* It tidies up, and has lives of its own. */
static void fork_one(void)
{
	int status;
	pid_t pid = fork();

	must(pid);
	if (pid == 0) {
		closefrom(3);
		for (int i = 0; i < 10; i++)
			close(socket(AF_UNIX, SOCK_STREAM, 0));
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "bench/soak: waitpid");
	if (status)
		errx(1, "bench/soak: a child has failed");
}

static void *live_for_a_while(void *arg)
{
	for (uint32_t i = 0; i < THREAD_LIVES; i++)
		live_in_pair();
	return arg;
}

static void thread_one(void)
{
	pthread_t thread;

	must(-pthread_create(&thread, NULL, live_for_a_while, NULL));
	must(-pthread_join(thread, NULL));
}

/* The limit is the process's: one at a time. */
static void use_up(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct rlimit limit, none = {3, 0};

	pthread_mutex_lock(&lock);
	must(getrlimit(RLIMIT_NOFILE, &limit));
	none.rlim_max = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &none));
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EMFILE)
		errx(1, "bench/soak: no lack of descriptors");
	must(setrlimit(RLIMIT_NOFILE, &limit));
	pthread_mutex_unlock(&lock);
}

/* ---- threads ---- */

static void wait_for_line(const char *what)
{
	printf("%s %llu %llu\n", what, (unsigned long long)births, (unsigned long long)deaths);
	fflush(stdout);
	for (char c = 0; c != '\n' && read(0, &c, 1) != 0;)
		;
}

static int listen_at(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = opened(socket(AF_INET, SOCK_STREAM, 0));

	must(fd);
	*at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	must(bind(fd, (struct sockaddr *)at, sizeof(*at)));
	must(listen(fd, 16));
	must(getsockname(fd, (struct sockaddr *)at, &len));
	return fd;
}

/* Evenly, the first at once. Returns whether the next one's time has come. */
static bool is_to_forget(uint64_t forgotten, uint64_t mine)
{
	return forgotten < mine && (births >= lives || births * mine >= lives * forgotten * 9 / 10);
}

static void *live(void *arg)
{
	uint32_t who = (uint32_t)(uintptr_t)arg;
	int listener = listen_at(&address[who]);
	uint64_t forgotten = 0, mine = planted / THREADS + (who < planted % THREADS);
	bool over = false;

	for (uint64_t i = 1; !over; i++) {
		over = births >= lives;
		live_in_pair();
		while (is_to_forget(forgotten, mine))
			forget_one(listener, who, forgotten++);
		/* Also after the last that was forgotten: who serves others has moved on. */
		if (over || i % CONNECT_EVERY == 0)
			connection(listener, who, over ? 0 : i / CONNECT_EVERY);
		if (i % FORK_EVERY == 0)
			fork_one();
		if (i % THREAD_EVERY == 0)
			thread_one();
		if (i % EXHAUSTED_EVERY == 0)
			use_up();
		if (births >= EARLY && !atomic_exchange(&early_is_over, true))
			wait_for_line("early");
	}
	closed(listener);
	return NULL;
}

/* As many at once as there will ever be: for the size of the recording follows their number. */
static void live_all_at_once(void)
{
	uint64_t nr = 4 * THREADS + planted;
	int *fds = calloc(nr, sizeof(*fds));

	if (!fds)
		err(1, "bench/soak");
	for (uint64_t i = 0; i < nr; i++)
		must(fds[i] = opened(socket(AF_UNIX, SOCK_STREAM, 0)));
	for (uint64_t i = 0; i < nr; i++)
		closed(fds[i]);
	free(fds);
}

int main(int argc, char **argv)
{
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART};
	pthread_t threads[THREADS];

	if (argc != 3)
		errx(2, "usage: soak LIVES PLANTED");
	lives = strtoull(argv[1], NULL, 10);
	planted = strtoull(argv[2], NULL, 10);
	live_all_at_once();
	must(sigaction(SIGALRM, &act, NULL));
	must(setitimer(ITIMER_REAL, &often, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		must(-pthread_create(&threads[i], NULL, live, (void *)i));
	for (uint32_t i = 0; i < THREADS; i++)
		must(-pthread_join(threads[i], NULL));
	must(setitimer(ITIMER_REAL, &never, NULL));
	wait_for_line("end");
	return 0;
}
