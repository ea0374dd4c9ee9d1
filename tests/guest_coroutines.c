/* SPDX-License-Identifier: MIT */
/* Stacks of other shapes: coroutines, deep recursion, handlers' own, code that changes. */
#include "guest.h"

#include <sys/time.h>
#include <ucontext.h>

#define SMALL	   (16u << 10)
#define PAGE	   4096u
#define COROUTINES 6

/* ---- coroutines ---- */

static ucontext_t scheduler, coroutines[COROUTINES];
static struct sockaddr_in co_addr;
static int co_listener, co_rounds[COROUTINES];

/* A small stack between two pages that nobody may touch. */
static char *small_stack(void)
{
	char *all = mmap(NULL, SMALL + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(all != MAP_FAILED, "mmap");
	must(mprotect(all + PAGE, SMALL, PROT_READ | PROT_WRITE) == 0, "mprotect");
	munmap(all + PAGE + SMALL, PAGE);
	return all + PAGE;
}

/* Opens here, yields, and goes on where it was: what is cold when it begins is warm at the end. */
static void coroutine(int nr)
{
	int mine = -1;

	for (int i = 0; i < 5; i++) {
		int fd = leak_one(co_listener, &co_addr);

		close(socket_at_depth(i));
		swapcontext(&coroutines[nr], &scheduler);
		if (nr == 3 && i == 0)
			mine = fd;
		else
			close(fd);
		co_rounds[nr]++;
	}
	must((nr == 3) == (mine >= 0), "mine");
}

/* Six coroutines of 16 KiB each; the fourth leaks one. */
int guest_coroutines(int argc, char **argv)
{
	volatile int total = 0;

	(void)argc, (void)argv;
	co_listener = listen_any(&co_addr);
	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&coroutines[i]);
		coroutines[i].uc_stack.ss_sp = small_stack();
		coroutines[i].uc_stack.ss_size = SMALL;
		coroutines[i].uc_link = &scheduler;
		makecontext(&coroutines[i], (void (*)(void))coroutine, 1, i);
	}
	for (int round = 0; round < 6; round++)
		for (int i = 0; i < COROUTINES; i++)
			swapcontext(&scheduler, &coroutines[i]);
	for (int i = 0; i < COROUTINES; i++)
		total += co_rounds[i];
	printf("%d rounds\n", total);
	return 0;
}

/* ---- depth ---- */

/* Another function than its caller on the way down, so that no frame is folded into the next. */
static __attribute__((noinline)) int accept_far_down(int depth, int listener)
{
	volatile int fd;

	fd = depth > 0 ? accept_far_down(depth - 1, listener) : accept_client(listener);
	return fd;
}

/* ARG frames between main and the socket; three are leaked there. */
int guest_deep(int argc, char **argv)
{
	int depth = argc > 0 ? atoi(argv[0]) : 1000, client, server;
	struct sockaddr_in addr;
	int listener = listen_any(&addr);
	char byte;

	for (int i = 0; i < 4; i++) {
		client = connect_to(&addr);
		server = accept_far_down(depth, listener);
		close(client);
		must(read(server, &byte, 1) == 0, "EOF");
		if (i == 3)
			close(server);
	}
	printf("came back from %d\n", depth);
	return 0;
}

/* ---- a handler on a stack of its own ---- */

static int alt_listener;
static struct sockaddr_in alt_addr;
static volatile int alt_runs;

static void serve_in_handler(int sig)
{
	(void)sig;
	if (alt_runs++ < 3)
		leak_one(alt_listener, &alt_addr);
	else
		serve_one(alt_listener, &alt_addr);
}

/* What is interrupted has another stack each time. */
static __attribute__((noinline)) int interrupted_at_depth(int depth)
{
	volatile int runs;

	if (depth > 0)
		return runs = interrupted_at_depth(depth - 1);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	return alt_runs;
}

/* The handler's stack is small and ends where nobody may look; or, if ARG is "0", it has none. */
int guest_altstack(int argc, char **argv)
{
	stack_t alt = {.ss_sp = small_stack(), .ss_size = SMALL};
	struct sigaction sa = {.sa_handler = serve_in_handler, .sa_flags = SA_ONSTACK};

	if (argc > 0 && atoi(argv[0]) == 0)
		sa.sa_flags = 0;
	alt_listener = listen_any(&alt_addr);
	must(sigaltstack(&alt, NULL) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0, "sigaltstack");
	for (int depth = 0; depth < 40; depth++)
		interrupted_at_depth(depth);
	printf("%d runs\n", alt_runs);
	return 0;
}

/* ---- code that changes ---- */

#if defined(__x86_64__)
typedef int thunk(int (*f)(int), int arg);

/*
 * push rbp; mov rbp, rsp; sub rsp, ROOM; mov rax, rdi; mov edi, esi; call rax; leave; ret. The
 * call returns to the same address whatever the room is, to a frame of another size.
 */
static void write_thunk(unsigned char *page, unsigned char room)
{
	const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, room, 0x48,
				      0x89, 0xf8, 0x89, 0xf7, 0xff, 0xd0, 0xc9, 0xc3};

	memcpy(page, code, sizeof(code));
	__builtin___clear_cache((char *)page, (char *)page + sizeof(code));
}

static thunk *thunk_in(unsigned char *page)
{
	thunk *t;

	memcpy(&t, &page, sizeof(t));
	return t;
}
#endif

static int jit_listener;

static int accept_for_jit(int arg)
{
	(void)arg;
	return accept_client(jit_listener);
}

static __attribute__((noinline)) int through_page(unsigned char *page, int room)
{
#if defined(__x86_64__)
	volatile int fd;

	write_thunk(page, (unsigned char)room);
	fd = thunk_in(page)(accept_for_jit, 0);
	return fd;
#else
	(void)page, (void)room;
	return accept_for_jit(0);
#endif
}

/* Sockets through generated code that is rewritten in place, and once moved away altogether. */
int guest_jit_changes(int argc, char **argv)
{
	unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sockaddr_in addr;
	char byte;

	(void)argc, (void)argv;
	must(page != MAP_FAILED, "mmap");
	jit_listener = listen_any(&addr);
	for (int i = 0; i < 200; i++) {
		int client = connect_to(&addr), server;

		server = through_page(page, i % 7 * 16);
		close(client);
		must(read(server, &byte, 1) == 0, "EOF");
		if (i >= 8)
			close(server);
		if (i % 50 == 49) {
			munmap(page, PAGE);
			must(mmap(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page,
			     "mmap");
		}
	}
	printf("came back\n");
	return 0;
}

/* ---- libraries that come and go ---- */

static void leak_in_library(const char *path, int n, int listener, const struct sockaddr_in *addr)
{
	static uintptr_t before;
	void *library = dlopen(path, RTLD_NOW);
	int (*take)(int);
	char byte;

	must(library != NULL, "dlopen");
	*(void **)(&take) = dlsym(library, "take");
	must(take != NULL, "dlsym");
	if (before)
		printf("same address: %s\n", before == (uintptr_t)take ? "yes" : "no");
	before = (uintptr_t)take;
	for (int i = 0; i < n; i++) {
		int client = connect_to(addr), server = take(listener);

		close(client);
		must(read(server, &byte, 1) == 0, "EOF");
	}
	dlclose(library);
}

/* One library takes the other's place. */
int guest_reloaded(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	leak_in_library(RELOADED_ONE, 2, listener, &addr);
	leak_in_library(RELOADED_TWO, 3, listener, &addr);
	leak_in_library(RELOADED_ONE, 1, listener, &addr);
	serve_one(listener, &addr);
	return 0;
}
