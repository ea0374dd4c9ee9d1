/* SPDX-License-Identifier: MIT */
/*
 * Programs that wait: in epoll, poll, select, and inside calls. Each prints the sockets that
 * tests/test_wait.c asks about, "NAME FD", and is then killed, so that nothing is added at an end.
 */
#include "guest.h"
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define GONE_EVENTS (EPOLLHUP | EPOLLRDHUP | EPOLLERR)

static struct sockaddr_in wait_addr;
static int wait_listener;

static void say_fd(const char *name, int fd)
{
	printf("%s %d\n", name, fd);
	fflush(stdout);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* An accepted socket; *client is the other end. */
static int pair_of(int *client)
{
	*client = connect_to(&wait_addr);
	return accept_client(wait_listener);
}

static int named_pair(const char *name, int *client)
{
	int server = pair_of(client);

	say_fd(name, server);
	return server;
}

static int named(const char *name)
{
	int client;

	return named_pair(name, &client);
}

static int set_make(void)
{
	int set = epoll_create1(0);

	must(set >= 0, "epoll_create1");
	return set;
}

static void set_add(int set, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = {.events = events, .data.u64 = data};

	must(epoll_ctl(set, op, fd, &e) == 0, "epoll_ctl");
}

/* Takes n events that are there, or come at once. */
static void take(int set, int n)
{
	struct epoll_event events[8];
	int got = 0;

	while (got < n) {
		int r = epoll_wait(set, events, 8, 5000);

		must(r > 0, "epoll_wait");
		got += r;
	}
}

/* ---- epoll ---- */

static void epoll_sets(void)
{
	int set = set_make(), other = set_make(), fd;
	struct epoll_event wrong = {.events = EPOLLOUT}, *heap = malloc(sizeof(*heap));

	say_fd("set", set);
	say_fd("other", other);
	fd = named("added");
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t)fd);
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &wrong); /* EEXIST */
	fd = named("modified");
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t)fd);
	set_add(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLRDHUP, (uint64_t)fd);
	fd = named("deleted");
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t)fd);
	must(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0, "DEL");
	fd = named("never");
	epoll_ctl(set, EPOLL_CTL_MOD, fd, &wrong); /* ENOENT */
	epoll_ctl(0, EPOLL_CTL_ADD, fd, &wrong);   /* no epoll set */
	fd = named("from_heap");
	heap->events = EPOLLIN | EPOLLET;
	heap->data.ptr = heap;
	must(epoll_ctl(set, EPOLL_CTL_ADD, fd, heap) == 0, "ADD");
	fd = named("by_syscall");
	wrong.events = EPOLLIN;
	must(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, &wrong) == 0, "SYS_epoll_ctl");
	fd = named("in_two");
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN, 1);
	set_add(other, EPOLL_CTL_ADD, fd, EPOLLOUT, 1);
	fd = named("moved");
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN, 1);
	set_add(other, EPOLL_CTL_ADD, fd, EPOLLIN, 1);
	must(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0, "DEL");
}

/* One event of its own set each; data is the socket's address in memory. */
static int fire(const char *name, int *set)
{
	static int words[16], nr;
	int client, fd = named_pair(name, &client);

	*set = set_make();
	set_add(*set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, (uint64_t)(uintptr_t)&words[nr++]);
	must(write(client, "x", 1) == 1, "write");
	return fd;
}

static void epoll_oneshot(void)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT}, taken;
	struct timespec second = {1, 0};
	int set, fd;
	char byte;

	fire("armed", &set);
	fire("fired", &set);
	take(set, 1);
	fd = fire("rearmed", &set);
	take(set, 1);
	must(epoll_ctl(set, EPOLL_CTL_MOD, fd, &e) == 0, "MOD");
	fd = fire("fired_again", &set);
	take(set, 1);
	must(epoll_ctl(set, EPOLL_CTL_MOD, fd, &e) == 0, "MOD");
	take(set, 1);
	fd = fire("not_rearmed", &set);
	take(set, 1);
	epoll_ctl(set, 77, fd, &e);	       /* EINVAL */
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &e); /* EEXIST */
	fire("pwait", &set);
	must(epoll_pwait(set, &taken, 1, 1000, NULL) == 1, "epoll_pwait");
	fire("pwait2", &set);
	must(epoll_pwait2(set, &taken, 1, &second, NULL) == 1, "epoll_pwait2");
	fire("by_syscall", &set);
	must(syscall(SYS_epoll_pwait, set, &taken, 1, 1000, NULL, 8L) == 1, "SYS_epoll_pwait");
	fd = fire("taken", &set);
	take(set, 1);
	must(read(fd, &byte, 1) == 1, "read");
	fd = fire("handed_again", &set);
	must(recv(fd, &byte, 1, MSG_PEEK) == 1, "recv");
	take(set, 1);
}

static int *watched_word;

static int hang_up(const char *name, int set, uint64_t data)
{
	int client, fd = named_pair(name, &client);

	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, data ? data : (uint64_t)fd);
	close(client);
	take(set, 1);
	return fd;
}

static void epoll_told(void)
{
	int set, client, fd, a, b, two[2];

	watched_word = malloc(sizeof(int));
	hang_up("by_fd", set_make(), 0);
	hang_up("by_pointer", set_make(), (uint64_t)(uintptr_t)watched_word);
	hang_up("by_u64", set_make(), UINT64_C(0xfeedfacecafebeef));
	/* The word of each is the other's number. */
	set = set_make();
	a = named_pair("number_a", &client);
	b = named("number_b");
	set_add(set, EPOLL_CTL_ADD, a, EPOLLRDHUP, (uint64_t)b);
	set_add(set, EPOLL_CTL_ADD, b, EPOLLRDHUP, (uint64_t)a);
	close(client);
	take(set, 1);
	/* The same word in two sets. */
	two[0] = set_make(), two[1] = set_make();
	a = named("same_word_a");
	b = named_pair("same_word_b", &client);
	set_add(two[0], EPOLL_CTL_ADD, a, EPOLLRDHUP, 4711);
	set_add(two[1], EPOLL_CTL_ADD, b, EPOLLRDHUP, 4711);
	close(client);
	take(two[1], 1);
	/* One word for both: nobody can say whose event it is. */
	set = set_make();
	a = named("ambiguous_a");
	b = named_pair("ambiguous_b", &client);
	set_add(set, EPOLL_CTL_ADD, a, EPOLLRDHUP, 4712);
	set_add(set, EPOLL_CTL_ADD, b, EPOLLRDHUP, 4712);
	close(client);
	take(set, 1);
	/* What is no news: data, our own shutdown, a socket that was never connected. */
	set = set_make();
	fd = named_pair("data", &client);
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, 0);
	must(write(client, "x", 1) == 1, "write");
	take(set, 1);
	set = set_make();
	fd = named("own_shutdown");
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, 0);
	shutdown(fd, SHUT_RDWR);
	take(set, 1);
	set = set_make();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	say_fd("unconnected", fd);
	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, 0);
	take(set, 1);
}

/* One set by two numbers, as an event loop has it that registers by a copy. */
static void epoll_copied_set(void)
{
	int set = set_make(), copy = fcntl(set, F_DUPFD_CLOEXEC, 3), again = dup(copy);
	int left = set_make(), heir = dup(left), client, told = named_pair("told", &client);
	int removed = named("removed");

	say_fd("set", set);
	say_fd("heir", heir);
	set_add(copy, EPOLL_CTL_ADD, told, EPOLLIN | EPOLLRDHUP, (uint64_t)told);
	close(client);
	take(set, 1);
	set_add(copy, EPOLL_CTL_ADD, named("by_copy"), EPOLLIN, 1);
	set_add(set, EPOLL_CTL_ADD, named("by_set"), EPOLLIN, 2);
	set_add(copy, EPOLL_CTL_ADD, removed, EPOLLIN, 3);
	set_add(set, EPOLL_CTL_DEL, removed, 0, 0);
	set_add(left, EPOLL_CTL_ADD, named("inherited"), EPOLLIN, 4);
	close(copy);
	close(again);
	close(left);
	set_add(heir, EPOLL_CTL_ADD, named("by_heir"), EPOLLIN, 5);
}

static void epoll_closed_set(void)
{
	int set = set_make(), kept = set_make(), copied = set_make(), unseen = set_make();

	say_fd("kept_set", kept);
	set_add(set, EPOLL_CTL_ADD, named("closed"), EPOLLIN, 1);
	set_add(kept, EPOLL_CTL_ADD, named("kept"), EPOLLIN, 1);
	set_add(copied, EPOLL_CTL_ADD, named("overwritten"), EPOLLIN, 1);
	set_add(unseen, EPOLL_CTL_ADD, named("unseen_door"), EPOLLIN, 1);
	if (vfork() == 0) {
		close(kept); /* its own copy of the table */
		_exit(0);
	}
	close(set);
	dup2(0, copied);
#if defined(__x86_64__)
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"((long)SYS_close), "D"((long)unseen)
			 : "rcx", "r11", "memory");
	must(r == 0, "close");
#else
	close(unseen);
#endif
	fflush(stdout);
	exit(0); /* where the door that no hook sees is found out */
}

static int watched_by(int set, const char *name)
{
	int fd = named(name);

	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t)fd);
	return fd;
}

static void unwatch(int set, int fd)
{
	must(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0, "epoll_ctl");
}

/* Takes its sockets out of the set before it closes its listener, and after; and starts anew. */
static void epoll_stopping(void)
{
	int set = set_make(), other = set_make();
	int early = watched_by(set, "before"), late = watched_by(set, "after");
	int again = watched_by(set, "started_again");

	watched_by(other, "set_closed");
	say_fd("set", set);
	say_fd("other", other);
	unwatch(set, early);
	close(wait_listener);
	unwatch(set, late);
	close(other);
	wait_listener = listen_any(&wait_addr);
	unwatch(set, again);
}

/* Not the beginning of an end: a child closes what it inherited, and serves what it was handed. */
static void epoll_child(void)
{
	int set = set_make(), fd = watched_by(set, "childs"), status;

	if (fork() == 0) {
		close(wait_listener);
		unwatch(set, fd);
		die();
	}
	wait(&status);
}

/* ---- poll and select ---- */

static void poll_sets(void)
{
	struct pollfd p[3] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLOUT}};
	int extra;

	p[0].fd = named("member");
	p[1].fd = named("left");
	p[2].fd = named("writer");
	named("never");
	extra = named("helped");
	for (int i = 0; i < 3; i++) {
		poll(p, 3, 0);
		if (i == 1)
			p[1] = (struct pollfd){.fd = -1, .events = POLLIN};
	}
	poll(&(struct pollfd){.fd = extra, .events = POLLIN}, 1, 0); /* a helper, in between */
}

/* The loop waits for long, and then a helper waits for one socket: the loop will come back. */
static void poll_helper(void)
{
	struct pollfd p = {.fd = named("member"), .events = POLLIN};

	poll(&p, 1, 1300);
	p.fd = named("helped");
	poll(&p, 1, 0);
}

/* The set looks the same each time, but its number names another socket. */
static void poll_reused(void)
{
	struct pollfd p[2] = {{.fd = named("member"), .events = POLLIN},
			      {.fd = -1, .events = POLLIN}};

	for (int i = 0; i < 3; i++) {
		int client, fd = pair_of(&client);

		if (p[1].fd < 0) {
			p[1].fd = fd;
		} else {
			dup2(fd, p[1].fd);
			close(fd);
		}
		poll(p, 2, 0);
	}
	say_fd("reused", p[1].fd);
}

/* Told that the peers are gone, and then forgotten. */
static void told_and_forgotten(void)
{
	int set = set_make();
	char byte;

	for (int i = 0; i < 4; i++) {
		int client, fd = pair_of(&client);

		must(write(client, "xy", 2) == 2 && read(fd, &byte, 1) == 1, "read");
		set_add(set, EPOLL_CTL_ADD, fd, EPOLLRDHUP, 0);
		close(client);
		take(set, 1);
		must(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0, "DEL");
	}
	poll(NULL, 0, 1200);
	exit(0);
}

static void poll_heap(void)
{
	struct pollfd *p = calloc(2000, sizeof(*p));
	struct timespec none = {0, 0};

	for (int i = 0; i < 2000; i++)
		p[i].fd = -1;
	p[1999] = (struct pollfd){.fd = named("member"), .events = POLLRDNORM};
	ppoll(p, 2000, &none, NULL);
}

static void poll_told(void)
{
	struct pollfd p = {.events = POLLIN};
	int client;

	p.fd = named_pair("in_only", &client);
	close(client);
	must(poll(&p, 1, 5000) == 1 && p.revents == POLLIN, "poll");
	p.fd = named_pair("rdhup", &client);
	p.events = POLLIN | POLLRDHUP;
	close(client);
	must(poll(&p, 1, 5000) == 1 && (p.revents & POLLRDHUP), "poll");
	p.fd = named_pair("hup", &client);
	p.events = 0;
	shutdown(p.fd, SHUT_WR);
	close(client);
	must(poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP), "poll");
	p.fd = named_pair("own_shutdown", &client);
	shutdown(p.fd, SHUT_RDWR);
	must(poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP), "poll");
	p.fd = socket(AF_INET, SOCK_STREAM, 0);
	say_fd("unconnected", p.fd);
	must(poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP), "poll");
}

/* A burst takes all descriptors, and then it polls for the first time. */
static void poll_full(void)
{
	struct rlimit limit = {440, 440};
	struct pollfd p = {.events = POLLIN};
	int client;

	p.fd = named_pair("member", &client);
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		;
	must(errno == EMFILE, "socket");
	must(poll(&p, 1, 0) == 0, "poll");
}

static void select_sets(void)
{
	struct timeval none = {0, 0};
	struct timespec nothing = {0, 0};
	fd_set in, out;
	int a = named("member"), b = named("left"), c = named("writer"), d = named("beyond");

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_SET(a, &in);
		FD_SET(d, &in);
		if (i == 0)
			FD_SET(b, &in);
		FD_SET(c, &out);
		if (i == 1)
			pselect(d, &in, &out, NULL, &nothing, NULL);
		else
			select(d, &in, &out, NULL, &none);
	}
}

/* ---- inside a call ---- */

static int blocked_fd;
static _Atomic int blocked_tid;

static void *block_in_read(void *arg)
{
	char byte;

	blocked_tid = (int)syscall(SYS_gettid);
	if (arg)
		pthread_testcancel();
	read(blocked_fd, &byte, 1);
	return NULL;
}

static void *block_in_recv(void *arg)
{
	char byte;

	(void)arg;
	blocked_tid = (int)syscall(SYS_gettid);
	recv(blocked_fd, &byte, 1, 0);
	return NULL;
}

static void *block_in_send(void *arg)
{
	static char much[1 << 20];

	(void)arg;
	blocked_tid = (int)syscall(SYS_gettid);
	for (;;)
		send(blocked_fd, much, sizeof(much), 0);
	return NULL;
}

static void *block_in_accept(void *arg)
{
	(void)arg;
	blocked_tid = (int)syscall(SYS_gettid);
	accept(blocked_fd, NULL, NULL);
	return NULL;
}

static void *block_in_poll(void *arg)
{
	struct pollfd p = {.fd = blocked_fd, .events = POLLIN};

	(void)arg;
	blocked_tid = (int)syscall(SYS_gettid);
	poll(&p, 1, -1);
	return NULL;
}

static void *block_in_select(void *arg)
{
	fd_set in;

	(void)arg;
	FD_ZERO(&in);
	FD_SET(blocked_fd, &in);
	blocked_tid = (int)syscall(SYS_gettid);
	select(blocked_fd + 1, &in, NULL, NULL, NULL);
	return NULL;
}

/* The kernel says in which call the thread sleeps, and with which number in the first argument. */
static bool is_blocked(int tid)
{
	char path[64], line[200] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (f) {
		fgets(line, sizeof(line), f);
		fclose(f);
	}
	return strstr(line, ") S ") != NULL;
}

/* After a turn. */
static void *block_in_epoll(void *arg)
{
	struct epoll_event e;
	int client, fd = pair_of(&client), set = set_make();

	set_add(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, 1);
	must(write(client, "x", 1) == 1, "write");
	take(set, 1);
	blocked_tid = (int)syscall(SYS_gettid);
	epoll_wait(set, &e, 1, -1);
	return arg;
}

static pthread_t block(const char *name, int fd, void *(*how)(void *))
{
	char tid_name[64];
	pthread_t t;

	blocked_fd = fd;
	blocked_tid = 0;
	must(pthread_create(&t, NULL, how, NULL) == 0, "pthread_create");
	while (!blocked_tid || !is_blocked(blocked_tid))
		sched_yield();
	snprintf(tid_name, sizeof(tid_name), "%s.tid", name);
	say_fd(tid_name, blocked_tid);
	return t;
}

static void blocked(void)
{
	block("read", named("read"), block_in_read);
	block("recv", named("recv"), block_in_recv);
	block("send", named("send"), block_in_send);
	block("poll", named("poll"), block_in_poll);
	block("select", named("select"), block_in_select);
	say_fd("listener", wait_listener);
	named("idle");
	block("listener", wait_listener, block_in_accept);
}

static __attribute__((noinline)) void poll_one(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

	must(poll(&p, 1, 5000) == 1, "poll");
}

/* Its child, on our memory, waits as its parent did before, and opens a socket. */
static void wait_in_vfork(int set, int polled)
{
	struct timeval now = {0, 0};
	struct epoll_event e;
	fd_set in;
	int status;
	pid_t pid;

	usleep(20000); /* the clock of turns is coarse */
	FD_ZERO(&in);
	pid = vfork();
	if (pid == 0) {
		epoll_wait(set, &e, 1, 0);
		syscall(SYS_epoll_pwait, set, &e, 1, 0, NULL, 8L);
		epoll_pwait(set, &e, 1, 0, NULL);
		epoll_pwait2(set, &e, 1, &(struct timespec){0, 0}, NULL);
		poll_one(polled);
		select(1, &in, NULL, NULL, &now);
		_exit(socket(AF_INET, SOCK_DGRAM, 0));
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "vfork");
	say_fd("childs", WEXITSTATUS(status));
}

static void epoll_vfork(void)
{
	int set = set_make();

	say_fd("main.tid", (int)syscall(SYS_gettid));
	wait_in_vfork(set, hang_up("told", set, 0));
}

static void poll_vfork(void)
{
	int client, fd = named_pair("told", &client);

	say_fd("main.tid", (int)syscall(SYS_gettid));
	close(client);
	poll_one(fd);
	wait_in_vfork(-1, fd);
}

/* In a turn, in which it waits for one socket by poll. */
static void turns(void)
{
	struct pollfd p = {.fd = named("helped"), .events = POLLIN};

	block("epoll", -1, block_in_epoll);
	say_fd("main.tid", (int)syscall(SYS_gettid));
	hang_up("told", set_make(), 0);
	poll(&p, 1, 50);
}

static void *take_a_turn(void *name)
{
	struct epoll_event e;
	int set = set_make();

	say_fd(name, (int)syscall(SYS_gettid));
	epoll_wait(set, &e, 1, 0);
	epoll_wait(set, &e, 1, 0);
	return NULL;
}

static void *work_for_good(void *taken)
{
	take_a_turn((void *)"works.tid");
	must(write(*(int *)taken, "x", 1) == 1, "write");
	syscall(SYS_pause);
	return NULL;
}

static int nr_threads(void)
{
	struct stat st;

	must(stat("/proc/self/task", &st) == 0, "stat");
	return (int)st.st_nlink - 2;
}

/* Ends, while one thread waits, one is at work, and one has ended in its turn. */
static void turns_at_end(void)
{
	int taken[2];
	pthread_t t;
	char byte;

	named("left");
	must(pipe(taken) == 0, "pipe");
	block("epoll", -1, block_in_epoll);
	must(pthread_create(&t, NULL, work_for_good, &taken[1]) == 0, "pthread_create");
	must(read(taken[0], &byte, 1) == 1, "read");
	must(pthread_create(&t, NULL, take_a_turn, (void *)"ended.tid") == 0, "pthread_create");
	pthread_join(t, NULL);
	while (nr_threads() > 3) /* joined, but maybe not gone */
		usleep(1000);
	take_a_turn((void *)"main.tid");
	fflush(stdout);
	exit(0);
}

static void cancelled(void)
{
	void *(*const how[])(void *) = {block_in_read, block_in_recv, block_in_send, block_in_poll};
	const char *const names[] = {"read", "recv", "send", "poll"};

	for (int i = 0; i < 4; i++) {
		pthread_t t = block(names[i], named(names[i]), how[i]);
		void *result;

		pthread_cancel(t);
		pthread_join(t, &result);
		must(result == PTHREAD_CANCELED, "cancelled");
	}
}

/* ---- other descriptors and processes ---- */

static void forked(void)
{
	int set = set_make(), a = named("watched"), b = named("polled"), c = named("read"), status;
	struct pollfd p = {.fd = b, .events = POLLIN};

	say_fd("set", set);
	set_add(set, EPOLL_CTL_ADD, a, EPOLLIN, (uint64_t)a);
	block("read", c, block_in_read);
	poll(&p, 1, 0);
	if (fork() == 0) {
		send(a, "x", 1, 0);
		die();
	}
	wait(&status);
}

static void duplicated(void)
{
	int set = set_make(), client, a = named("origin"), b;
	struct pollfd p = {.fd = a, .events = POLLIN};

	say_fd("set", set);
	set_add(set, EPOLL_CTL_ADD, a, EPOLLIN, (uint64_t)a);
	poll(&p, 1, 0);
	say_fd("copy", dup(a));
	b = pair_of(&client);
	p = (struct pollfd){.fd = b, .events = POLLRDHUP};
	close(client);
	say_fd("heir", dup(b));
	must(poll(&p, 1, 5000) == 1, "poll");
	close(b);
	/* The number of a socket that was waited for in every way, taken by another. */
	b = pair_of(&client);
	set_add(set, EPOLL_CTL_ADD, b, EPOLLRDHUP, 0);
	p = (struct pollfd){.fd = b, .events = POLLIN | POLLRDHUP};
	close(client);
	must(poll(&p, 1, 5000) == 1, "poll");
	close(b);
	say_fd("reused", dup2(pair_of(&client), b));
	must(close(named("gone")) == 0, "close");
}

/* A server that accepts nothing any more: only its waits pass by. */
static void idle(void)
{
	int set = set_make();
	struct epoll_event e;
	struct timespec now, until;

	say_fd("leaked", leak_one(wait_listener, &wait_addr));
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 3;
	do {
		epoll_wait(set, &e, 1, 50);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < until.tv_sec);
	say_fd("seconds", (int)until.tv_sec);
}

/* N waits of each kind, with something to do each time. */
static void waits(int n)
{
	int set = set_make(), client, server = pair_of(&client);
	struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = server};
	struct timeval none = {0, 0};
	fd_set in;
	char byte = 0;

	must(epoll_ctl(set, EPOLL_CTL_ADD, server, &e) == 0, "ADD");
	for (int i = 0; i < n; i++) {
		struct pollfd p[2] = {{client, POLLIN, 0}, {server, POLLIN | POLLRDHUP, 0}};

		must(write(client, &byte, 1) == 1 && poll(p, 2, 1000) == 1, "poll");
		must(epoll_wait(set, &e, 1, 1000) == 1, "epoll_wait");
		must(epoll_ctl(set, EPOLL_CTL_MOD, server, &e) == 0, "MOD");
		FD_ZERO(&in);
		FD_SET(server, &in);
		must(select(server + 1, &in, NULL, NULL, &none) == 1, "select");
		must(read(server, &byte, 1) == 1, "read");
		e = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.fd = server};
	}
	exit(0);
}

int guest_wait(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} programs[] = {
		{"epoll_sets", epoll_sets},
		{"epoll_oneshot", epoll_oneshot},
		{"epoll_told", epoll_told},
		{"epoll_copied_set", epoll_copied_set},
		{"epoll_closed_set", epoll_closed_set},
		{"epoll_stopping", epoll_stopping},
		{"epoll_child", epoll_child},
		{"poll_sets", poll_sets},
		{"poll_heap", poll_heap},
		{"poll_helper", poll_helper},
		{"poll_reused", poll_reused},
		{"told_and_forgotten", told_and_forgotten},
		{"poll_told", poll_told},
		{"poll_full", poll_full},
		{"select_sets", select_sets},
		{"blocked", blocked},
		{"turns", turns},
		{"turns_at_end", turns_at_end},
		{"epoll_vfork", epoll_vfork},
		{"poll_vfork", poll_vfork},
		{"cancelled", cancelled},
		{"forked", forked},
		{"duplicated", duplicated},
		{"idle", idle},
	};

	wait_listener = listen_any(&wait_addr);
	for (size_t i = 0; argc > 0 && i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (strcmp(programs[i].name, argv[0]) != 0)
			continue;
		programs[i].run();
		die();
	}
	return 1;
}

int guest_waits(int argc, char **argv)
{
	wait_listener = listen_any(&wait_addr);
	waits(argc > 0 ? atoi(argv[0]) : 100);
	return 0;
}

/* ---- what a program can see of its waits ---- */

#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 77;                                                                        \
		long result = (long)(call);                                                        \
		int error = errno;                                                                 \
		printf("%s: %ld %d\n", #call, result, error);                                      \
	} while (0)

static void on_alarm(int sig)
{
	(void)sig;
}

static void bad_waits(int server)
{
	void *volatile nowhere = (void *)8, *volatile null = NULL;
	volatile nfds_t most = (nfds_t)-1;
	volatile int less = -1;
	struct pollfd *p =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pollfd *edge = (struct pollfd *)((char *)p + 4096) - 1;
	struct epoll_event e = {.events = EPOLLIN};
	struct timeval none = {0, 0};
	int set = epoll_create1(0);
	fd_set in;

	must(munmap((char *)p + 4096, 4096) == 0, "munmap");
	*edge = (struct pollfd){server, POLLIN, 0};
	SAY(poll(edge, 1, 0));
	SAY(poll(edge, 2, 0));
	SAY(poll(nowhere, 1, 0));
	SAY(poll(NULL, 0, 0));
	SAY(poll(null, 3, 0));
	SAY(poll(edge, 1u << 30, 0));
	SAY(poll(edge, most, 0));
	SAY(ppoll(nowhere, 1, NULL, NULL));
	SAY(select(-1, NULL, NULL, NULL, &none));
	SAY(select(5, nowhere, NULL, NULL, &none));
	SAY(select(1 << 30, NULL, NULL, NULL, &none));
	SAY(select(64, (fd_set *)(void *)edge, NULL, NULL, &none) != 0);
	SAY(select(640, (fd_set *)(void *)edge, NULL, NULL, &none));
	FD_ZERO(&in);
	FD_SET(1000, &in);
	SAY(select(1001, &in, NULL, NULL, &none));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, server, nowhere));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, server, NULL));
	SAY(epoll_ctl(set, EPOLL_CTL_MOD, server, &e));
	SAY(epoll_ctl(set, EPOLL_CTL_DEL, server, nowhere));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, server, &e));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, server, &e));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, set, &e));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, -1, &e));
	SAY(epoll_ctl(-1, EPOLL_CTL_ADD, server, &e));
	SAY(epoll_ctl(server, EPOLL_CTL_ADD, 0, &e));
	SAY(epoll_ctl(set, 99, server, &e));
	SAY(epoll_wait(set, &e, 0, 0));
	SAY(epoll_wait(set, &e, less, 0));
	SAY(epoll_wait(-1, &e, 1, 0));
	SAY(epoll_wait(server, &e, 1, 0));
	SAY(epoll_wait(set, nowhere, 1, 0));
	SAY(syscall(SYS_epoll_pwait, -1, &e, 1, 0, NULL, 8L));
	SAY(syscall(SYS_epoll_ctl, set, EPOLL_CTL_DEL, server, NULL));
	SAY(epoll_wait(set, &e, 1, 5));
	must(munmap(p, 4096) == 0, "munmap");
}

static void interrupted_waits(int server)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct pollfd p[2] = {{server, POLLIN, 0}, {-5, POLLIN, 99}};
	struct timespec longer = {10, 0};
	struct epoll_event e;
	sigset_t none, block;
	fd_set in;
	int set = epoll_create1(0);

	sigaction(SIGUSR1, &act, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1); /* pending: let in by the mask of each wait */
	SAY(ppoll(p, 2, &longer, &none));
	raise(SIGUSR1);
	FD_ZERO(&in);
	FD_SET(server, &in);
	SAY(pselect(server + 1, &in, NULL, NULL, &longer, &none));
	printf("still in the set: %d\n", FD_ISSET(server, &in));
	raise(SIGUSR1);
	SAY(epoll_pwait(set, &e, 1, 10000, &none));
	raise(SIGUSR1);
	SAY(epoll_pwait2(set, &e, 1, &longer, &none));
	raise(SIGUSR1);
	SAY(ppoll(p, 2, &(struct timespec){0, 1000}, &block));
	printf("revents %d %d\n", p[0].revents, p[1].revents);
}

int guest_wait_results(int argc, char **argv)
{
	struct pollfd p[2] = {{-1, POLLIN, 7}, {0, POLLIN | POLLRDHUP, 7}};
	struct timeval half = {0, 500};
	struct epoll_event e = {0};
	int client, set = epoll_create1(0);

	(void)argc, (void)argv;
	wait_listener = listen_any(&wait_addr);
	p[1].fd = pair_of(&client);
	bad_waits(p[1].fd);
	interrupted_waits(p[1].fd);
	SAY(select(0, NULL, NULL, NULL, &half));
	printf("left %ld\n", (long)half.tv_usec);
	close(client);
	SAY(poll(p, 2, 5000));
	printf("revents %d %d\n", p[0].revents, p[1].revents);
	set_add(set, EPOLL_CTL_ADD, p[1].fd, EPOLLRDHUP | EPOLLONESHOT, 42);
	SAY(epoll_wait(set, &e, 1, 5000));
	printf("events %x %d\n", e.events, (int)e.data.u64);
	SAY(epoll_wait(set, &e, 1, 1));
	return 0;
}
