/* SPDX-License-Identifier: MIT */
/*
 * A server in nine models, correct as long as nobody asks it to forget a socket.
 *
 *	server MODEL [own|unwatch] [forget=EVERY,MOST] [most=N]
 *
 * Each byte of a request is an order:
 *
 *	h	answer
 *	e	answer, and when the connection's EOF or reset has been read do not close it
 *	p	answer, and take the error path that leaves the socket at once and open
 *	f	answer through a FILE, read it to its end, and forget fclose()
 *	s, S	work for 0.1 s (3 s), then answer
 *	x	end by itself
 *
 * "own": SIGTERM makes it leave its loop, and its clients as they are; with "unwatch" it takes them
 * out of its epoll set first. "forget": the parent of "forked" keeps its copy of every EVERYth
 * socket, MOST of them. "most": "blocking" ends after N. What the report must cite is marked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS	20480
#define WORKERS 8

enum fate { GOES_ON, OVER, FORGOTTEN };

static int listener;
static volatile sig_atomic_t stopping;
static bool unwatches;
static bool forgets[FDS]; /* when it is over */
static unsigned forget_every, forget_most, serve_most = -1u;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void work_for(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static int accept_client(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC); /* mark: opened */

	if (fd >= FDS) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		forgets[fd] = false;
	return fd;
}

static void answer(int fd)
{
	send(fd, "k", 1, MSG_NOSIGNAL); /* mark: answered */
}

static enum fate serve_by_file(int fd)
{
	FILE *f = fdopen(fd, "r+");
	char rest[64];

	if (!f)
		return OVER;
	fputc('k', f);
	fflush(f);
	while (fgets(rest, sizeof(rest), f))
		;
	return FORGOTTEN;
}

static enum fate obey(int fd, char order)
{
	switch (order) {
	case 'f':
		return serve_by_file(fd);
	case 's':
		work_for(100);
		break;
	case 'S':
		work_for(3000);
		break;
	case 'x':
		stopping = 1;
		break;
	case 'e':
		forgets[fd] = true;
	}
	answer(fd);
	return order == 'p' ? FORGOTTEN : GOES_ON;
}

/* What one read brings. */
static enum fate serve(int fd)
{
	char orders[64];
	ssize_t got = recv(fd, orders, sizeof(orders), 0); /* mark: read */
	enum fate fate = GOES_ON;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return GOES_ON;
	if (got <= 0)
		return forgets[fd] ? FORGOTTEN : OVER;
	for (ssize_t i = 0; i < got && fate == GOES_ON; i++)
		fate = obey(fd, orders[i]);
	return fate;
}

static void serve_to_end(int fd)
{
	enum fate fate = GOES_ON;

	while (fate == GOES_ON && !stopping)
		fate = serve(fd);
	if (fate == OVER)
		close(fd);
}

/* ---- one connection at a time, or one per thread or process ------------------------------- */

static void blocking(void)
{
	for (unsigned nr = 0; !stopping && nr < serve_most; nr++) {
		int fd = accept_client();

		if (fd >= 0)
			serve_to_end(fd);
	}
}

static void *thread_main(void *fd)
{
	serve_to_end((int)(intptr_t)fd);
	return NULL;
}

static void start_thread(void *(*function)(void *), void *argument)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all); /* signals are for the main thread, which must leave accept() */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, function, argument))
		die("pthread_create");
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void threaded(void)
{
	while (!stopping) {
		int fd = accept_client();

		if (fd >= 0)
			start_thread(thread_main, (void *)(intptr_t)fd);
	}
}

static bool is_forgotten(void)
{
	static unsigned nr, forgotten;

	if (!forget_every || forgotten == forget_most || nr++ % forget_every != forget_every / 2)
		return false;
	forgotten++;
	return true;
}

static void forked(void)
{
	signal(SIGCHLD, SIG_IGN);
	while (!stopping) {
		int fd = accept_client();

		if (fd < 0)
			continue;
		if (!fork()) {
			close(listener);
			serve_to_end(fd);
			_exit(0);
		}
		if (!is_forgotten())
			close(fd);
	}
}

static void on_stop(int sig)
{
	(void)sig;
	stopping = 1;
}

static void prefork(void)
{
	struct sigaction stop = {.sa_handler = on_stop};
	pid_t pids[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			blocking();
			exit(0);
		}
	}
	sigaction(SIGTERM, &stop, NULL);
	if (wait(NULL) > 0 || stopping)
		for (int i = 0; i < WORKERS; i++)
			kill(pids[i], SIGTERM);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static int queue[FDS];
static unsigned queue_head, queue_tail;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;

static void *worker_main(void *ignored)
{
	for (;;) {
		int fd;

		pthread_mutex_lock(&queue_lock);
		while (queue_head == queue_tail)
			pthread_cond_wait(&queue_filled, &queue_lock);
		fd = queue[queue_head++ % FDS];
		pthread_mutex_unlock(&queue_lock);
		serve_to_end(fd);
	}
	return ignored;
}

static void pool(void)
{
	for (int i = 0; i < WORKERS; i++)
		start_thread(worker_main, NULL);
	while (!stopping) {
		int fd = accept_client();

		if (fd < 0)
			continue;
		pthread_mutex_lock(&queue_lock);
		queue[queue_tail++ % FDS] = fd;
		pthread_cond_signal(&queue_filled);
		pthread_mutex_unlock(&queue_lock);
	}
}

/* ---- event loops -------------------------------------------------------------------------- */

/* Returns whether the loop is through with it. */
static bool serve_ready(int fd)
{
	enum fate fate = serve(fd);

	if (fate == OVER)
		close(fd);
	return fate != GOES_ON;
}

static void by_poll(void)
{
	static struct pollfd set[FDS];
	int nr = 1;

	set[0] = (struct pollfd){listener, POLLIN, 0};
	while (!stopping) {
		int ready = poll(set, (nfds_t)nr, -1), was = nr;

		for (int i = was - 1; ready > 0 && i > 0; i--)
			if (set[i].revents && serve_ready(set[i].fd))
				set[i] = set[--nr];
		if (ready > 0 && set[0].revents) {
			int fd = accept_client();

			if (fd >= 0)
				set[nr++] = (struct pollfd){fd, POLLIN, 0};
		}
	}
}

static void by_select(void)
{
	fd_set members, ready;

	FD_ZERO(&members);
	FD_SET(listener, &members);
	while (!stopping) {
		ready = members;
		if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0)
			continue;
		for (int fd = 0; fd < FD_SETSIZE; fd++)
			if (fd != listener && FD_ISSET(fd, &ready) && serve_ready(fd))
				FD_CLR(fd, &members);
		if (FD_ISSET(listener, &ready)) {
			int fd = accept_client();

			if (fd >= FD_SETSIZE)
				close(fd);
			else if (fd >= 0)
				FD_SET(fd, &members);
		}
	}
}

static int epoll_set;
static uint32_t epoll_mode; /* EPOLLET or EPOLLONESHOT */
static bool watched[FDS];

static void watch(int op, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | epoll_mode, .data.fd = fd};

	if (epoll_ctl(epoll_set, op, fd, &event))
		die("epoll_ctl");
	watched[fd] = true;
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept_client()) >= 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		watch(EPOLL_CTL_ADD, fd);
	}
	if (epoll_mode & EPOLLONESHOT)
		watch(EPOLL_CTL_MOD, listener);
}

/* One that is forgotten stays in the set where its mode keeps it quiet there. */
static void serve_event(int fd)
{
	enum fate fate;

	do {
		errno = 0;
		fate = serve(fd);
	} while (fate == GOES_ON && errno != EAGAIN && !stopping);
	if (fate == FORGOTTEN && !forgets[fd] && epoll_mode & EPOLLET)
		epoll_ctl(epoll_set, EPOLL_CTL_DEL, fd, NULL);
	watched[fd] = fate == GOES_ON;
	if (fate == OVER)
		close(fd);
	else if (fate == GOES_ON && epoll_mode & EPOLLONESHOT)
		watch(EPOLL_CTL_MOD, fd);
}

static void *epoll_loop(void *ignored)
{
	struct epoll_event events[64];

	while (!stopping) {
		int nr = epoll_wait(epoll_set, events, 64, -1);

		for (int i = 0; i < nr; i++) {
			if (events[i].data.fd == listener)
				accept_all();
			else
				serve_event(events[i].data.fd);
		}
	}
	return ignored;
}

static void by_epoll(uint32_t mode, int threads)
{
	epoll_set = epoll_create1(EPOLL_CLOEXEC);
	epoll_mode = mode;
	fcntl(listener, F_SETFL, O_NONBLOCK);
	watch(EPOLL_CTL_ADD, listener);
	while (--threads > 0)
		start_thread(epoll_loop, NULL);
	epoll_loop(NULL);
	for (int fd = 0; unwatches && fd < FDS; fd++)
		if (watched[fd])
			epoll_ctl(epoll_set, EPOLL_CTL_DEL, fd, NULL);
}

static void epoll_edge(void)
{
	by_epoll(EPOLLET, 1);
}

static void epoll_oneshot(void)
{
	by_epoll(EPOLLONESHOT, 4);
}

/* ---- the start ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(void);
} models[] = {
	{"blocking", blocking},
	{"threaded", threaded},
	{"forked", forked},
	{"prefork", prefork},
	{"pool", pool},
	{"poll", by_poll},
	{"select", by_select},
	{"epoll-edge", epoll_edge},
	{"epoll-oneshot", epoll_oneshot},
};

static void start_listening(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, len) ||
	    listen(listener, 4096) || getsockname(listener, (struct sockaddr *)&addr, &len))
		die("listen");
	printf("listening on %d, process %d\n", ntohs(addr.sin_port), getpid());
	fflush(stdout);
}

static void read_option(const char *option)
{
	struct sigaction stop = {.sa_handler = on_stop};

	if (sscanf(option, "forget=%u,%u", &forget_every, &forget_most) == 2 ||
	    sscanf(option, "most=%u", &serve_most) == 1)
		return;
	unwatches = !strcmp(option, "unwatch");
	sigaction(SIGTERM, &stop, NULL);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++)
		read_option(argv[i]);
	start_listening();
	for (size_t i = 0; argc > 1 && i < sizeof(models) / sizeof(models[0]); i++) {
		if (strcmp(argv[1], models[i].name))
			continue;
		models[i].run();
		return 0;
	}
	return 2;
}
