/* SPDX-License-Identifier: MIT */
/* The guest's main(), and what its programs share. */
#include "guest.h"

#include <alloca.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t nr, size_t n);
extern void *__libc_realloc(void *p, size_t n);

unsigned long mallocs;
__thread bool stop_in_malloc;
bool in_set_up;
unsigned long mallocs_in_set_up;

static unsigned long *shared_mallocs;

static void count_malloc(void)
{
	__atomic_fetch_add(&mallocs, 1, __ATOMIC_RELAXED);
	if (shared_mallocs)
		__atomic_fetch_add(shared_mallocs, 1, __ATOMIC_RELAXED);
	mallocs_in_set_up += in_set_up;
	while (stop_in_malloc)
		pause();
}

/* These take the C library's place, so that an allocation by any code in the process is counted. */
void *malloc(size_t n)
{
	count_malloc();
	return __libc_malloc(n);
}

void *calloc(size_t nr, size_t n)
{
	count_malloc();
	return __libc_calloc(nr, n);
}

void *realloc(void *p, size_t n)
{
	count_malloc();
	return __libc_realloc(p, n);
}

/* From now on what children allocate is counted with what their parent does. */
unsigned long *mallocs_share(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(page != MAP_FAILED, "mmap");
	return shared_mallocs = page;
}

void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("FAILED: %s: %s\n", what, strerror(errno));
	exit(99);
}

int listen_any(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET};
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0 && bind(fd, (struct sockaddr *)addr, len) == 0 && listen(fd, 1024) == 0,
	     "listen");
	must(getsockname(fd, (struct sockaddr *)addr, &len) == 0, "getsockname");
	return fd;
}

int connect_to(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0, "connect");
	return fd;
}

/* Distinct stacks: one frame more per level, and bytes of variable size in it. */
__attribute__((noinline)) int socket_at_depth(int depth)
{
	volatile int fd;

	if (depth <= 0)
		return socket(AF_INET, SOCK_STREAM, 0);
	fd = socket_at_depth(depth - 1);
	return fd;
}

/*
 * Calls f through code that has no unwind information, as a JIT's has none: there libunwind goes
 * by the frame pointer, and probes each address before it reads it.
 */
int through_jit(int (*f)(int), int arg)
{
#if defined(__x86_64__)
	/* push rbp; mov rbp, rsp; sub rsp, 64; mov rax, rdi; mov edi, esi; call rax; leave; ret */
	static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x40, 0x48,
					     0x89, 0xf8, 0x89, 0xf7, 0xff, 0xd0, 0xc9, 0xc3};
	static void *page; /* set when all is written: a handler may jump out of here */
	int (*thunk)(int (*)(int), int);
	/* Of a size that is not known before: so this function is found by its frame pointer. */
	volatile char *room = alloca((size_t)(arg & 15) + 16);

	room[0] = 0;
	if (!page) {
		void *fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(fresh != MAP_FAILED, "mmap");
		memcpy(fresh, code, sizeof(code));
		__atomic_store_n(&page, fresh, __ATOMIC_RELEASE);
	}
	memcpy(&thunk, &page, sizeof(thunk));
	return thunk(f, arg);
#else
	return f(arg);
#endif
}

/* Through the JIT's code, with more of the stack below it each time. */
__attribute__((noinline)) int socket_through_jit(int depth)
{
	volatile char room[4096];

	room[0] = 0;
	if (depth > 0)
		return socket_through_jit(depth - 1) + room[0];
	return through_jit(socket_at_depth, 2);
}

__attribute__((noinline)) int accept_client(int listener)
{
	volatile int fd = accept(listener, NULL, NULL);

	must(fd >= 0, "accept");
	return fd;
}

/* One connection that the peer has closed and we have not: the planted leak. */
int leak_one(int listener, const struct sockaddr_in *addr)
{
	int client = connect_to(addr), server = accept_client(listener);
	char byte;

	close(client);
	must(read(server, &byte, 1) == 0, "EOF");
	return server;
}

void serve_one(int listener, const struct sockaddr_in *addr)
{
	close(leak_one(listener, addr));
}

/* By a system call of our own: the kernel knows, and nobody else. */
void close_unseen(int fd)
{
#if defined(__x86_64__)
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(SYS_close), "D"((long)fd)
			 : "rcx", "r11", "memory");
#else
	register long x8 __asm__("x8") = SYS_close, x0 __asm__("x0") = fd, r;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory");
	r = x0;
#endif
	must(r == 0, "close by hand");
}

int main(int argc, char **argv)
{
#define GUEST_RUN(name)                                                                            \
	if (argc > 1 && !strcmp(argv[1], #name))                                                   \
		return guest_##name(argc - 2, argv + 2);
	GUESTS(GUEST_RUN)
	fprintf(stderr, "guest: no such program: %s\n", argc > 1 ? argv[1] : "(none)");
	return 97;
}
