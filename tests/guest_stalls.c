/* SPDX-License-Identifier: MIT */
/* Two threads that work on different sockets, one of which is stalled: see stalls.h. */
#include "guest.h"

#include <link.h>
#include <linux/futex.h>

#include "stalls.h"

#define FIRST_FAR  1000
#define FAR_APART  85 /* so many lives lie in a chunk */
#define ROOM_OFTEN 20 /* more chunks than a new file has room for */

static struct stalls *stalls;

static uint32_t get(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void count(uint32_t births, uint32_t deaths)
{
	__atomic_fetch_add(&stalls->births, births, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stalls->deaths, deaths, __ATOMIC_RELAXED);
}

/* ---- what both do ---- */

struct server {
	int listener;
	struct sockaddr_in addr;
};

static void server_open(struct server *s)
{
	if (s->listener)
		return;
	s->listener = listen_any(&s->addr);
	count(1, 0);
}

static __attribute__((noinline)) void live(struct server *s)
{
	int client = connect_to(&s->addr), fd = accept(s->listener, NULL, NULL);
	char byte = 0;

	must(fd >= 0, "accept");
	must(send(client, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1, "a byte");
	close(client);
	must(recv(fd, &byte, 1, 0) == 0, "EOF");
	close(fd);
	count(2, 2);
}

static void live_in_pair(struct server *s)
{
	int fds[2];

	(void)s;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "pair");
	close(fds[0]);
	close(fds[1]);
	count(2, 2);
}

/* ---- as many places as there are numbers ---- */

typedef void path(uint32_t place, void (*f)(struct server *), struct server *s);

static path path_of_1;
static path path_of_0;

static void path_on(uint32_t place, void (*f)(struct server *), struct server *s)
{
	if (place <= 1)
		f(s);
	else
		(place & 1 ? path_of_1 : path_of_0)(place >> 1, f, s);
	__asm__ volatile("" ::: "memory"); /* no tail call */
}

static __attribute__((noinline)) void path_of_1(uint32_t place, void (*f)(struct server *),
						struct server *s)
{
	path_on(place, f, s);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void path_of_0(uint32_t place, void (*f)(struct server *),
						struct server *s)
{
	path_on(place, f, s);
	__asm__ volatile("" ::: "memory");
}

/* ---- numbers far apart ---- */

static void use_room(void)
{
	static int far = FIRST_FAR;
	int fd, to = __atomic_fetch_add(&far, FAR_APART, __ATOMIC_RELAXED);
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	if ((rlim_t)to >= limit.rlim_cur)
		return;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(dup2(fd, to) == to, "dup2");
	close(to);
	close(fd);
	count(1, 2); /* one socket, two numbers */
}

/* ---- the victim ---- */

static int stay_in_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info, (void)size, (void)arg;
	__atomic_store_n(&stalls->holds_loader, 2, __ATOMIC_RELEASE);
	while (get(&stalls->holds_loader))
		;
	return 1;
}

/* Its first two rounds are at places of their own, the others where the second was. */
static void *victim(void *arg)
{
	static struct server server;
	uint32_t round = 0;

	__atomic_store_n(&stalls->victim_tid, (uint32_t)gettid(), __ATOMIC_RELEASE);
	for (;; __atomic_store_n(&stalls->done, ++round, __ATOMIC_RELEASE)) {
		while (get(&stalls->go) == round)
			;
		if (get(&stalls->holds_loader)) {
			dl_iterate_phdr(stay_in_loader, NULL);
			continue;
		}
		if (get(&stalls->victim_needs_room)) {
			for (int i = 0; i < ROOM_OFTEN; i++)
				use_room();
			continue;
		}
		server_open(&server);
		path_of_1(round ? 3 : 2, live, &server);
	}
	return arg;
}

/* ---- the other ---- */

static void use_child(void)
{
	int status = 0;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		close(socket(AF_UNIX, SOCK_STREAM, 0));
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void do_what_is_asked(uint32_t what)
{
	static struct server server;
	static uint32_t place = 16;

	if (what & (STALLS_LIFE | STALLS_MANY))
		server_open(&server);
	if (what & STALLS_LIFE)
		live(&server);
	for (int i = 0; i < 2000 && (what & STALLS_MANY); i++)
		live(&server);
	if (what & STALLS_PLACE)
		path_of_0(place++, live_in_pair, NULL);
	if (what & STALLS_ROOM)
		use_room();
	if (what & STALLS_FORK)
		use_child();
	if (what & STALLS_LEAK) {
		leak_three();
		count(9, 5);
	}
}

static void serve_test(void)
{
	uint32_t answered = 0, what = 0;

	while (!(what & STALLS_EXIT)) {
		syscall(SYS_futex, &stalls->ask, FUTEX_WAIT, answered, NULL, NULL, 0);
		if (get(&stalls->ask) == answered)
			continue;
		what = get(&stalls->what);
		do_what_is_asked(what);
		__atomic_store_n(&stalls->answered, ++answered, __ATOMIC_RELEASE);
		syscall(SYS_futex, &stalls->answered, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

int guest_stalled(int argc, char **argv)
{
	struct rlimit limit;
	pthread_t t;
	int fd = open(argv[0], O_RDWR);

	(void)argc;
	setpgid(0, 0); /* who kills it kills its children */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	stalls = mmap(NULL, sizeof(*stalls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(stalls != MAP_FAILED, "mmap");
	close(fd);
	must(pthread_create(&t, NULL, victim, NULL) == 0, "thread");
	serve_test();
	printf("through\n");
	return 0;
}
