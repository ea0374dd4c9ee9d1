/* SPDX-License-Identifier: MIT */
/* What libunwind and the stack cache must not do to a program. */
#include "guest.h"

/* A frame of any size between its caller and a socket. */
static __attribute__((noinline)) void socket_in_frame_of(size_t bytes)
{
	volatile char *room = alloca(bytes);

	room[0] = room[bytes - 1] = 1;
	close(socket(AF_INET, SOCK_DGRAM, 0));
	room[0] = 2;
}

static __attribute__((noinline)) void socket_far_down(int depth)
{
	volatile char room[4096];

	room[0] = 1;
	if (depth > 0)
		socket_far_down(depth - 1);
	else
		socket_in_frame_of(40000);
	room[4095] = room[0];
}

#define SMALL_STACK (1u << 18)

/* Where the large frame had its return address the small one has what lies above the stack. */
static void *near_the_base(void *above)
{
	socket_far_down(12);
	socket_in_frame_of(16);
	munmap(above, SMALL_STACK);
	socket_in_frame_of(16);
	return NULL;
}

int guest_stack_base(int argc, char **argv)
{
	char *stack = mmap(NULL, 2 * SMALL_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attr;
	pthread_t t;

	(void)argc, (void)argv;
	must(stack != MAP_FAILED, "mmap");
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, SMALL_STACK);
	must(pthread_create(&t, &attr, near_the_base, stack + SMALL_STACK) == 0, "thread");
	pthread_join(t, NULL);
	printf("came back\n");
	return 0;
}

static void *open_and_close(void *arg)
{
	for (int i = 0; i < 50; i++)
		close(socket_at_depth((int)(intptr_t)arg + i));
	return NULL;
}

/* As jemalloc sets itself up: system calls by syscall(), with its lock held. */
static void set_up_allocator(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv;
	in_set_up = true;
	syscall(SYS_getpid); /* so early that there is no environment yet */
	environ = envp;	     /* as a library's constructor finds it */
	close((int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));
	in_set_up = false;
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const before_all)(int, char **, char **) = set_up_allocator;

int guest_early_allocator(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("mallocs inside the allocator: %lu\n", mallocs_in_set_up);
	return 0;
}

int guest_malloc(int argc, char **argv)
{
	unsigned long before, counted;
	struct sockaddr_in addr;
	int listener;
	pthread_t t;

	(void)argc, (void)argv;
	listener = listen_any(&addr);
	before = mallocs;
	for (int i = 0; i < 60; i++)
		close(socket_at_depth(i));
	for (int i = 0; i < 300; i++)
		leak_one(listener, &addr);
	counted = mallocs - before;
	printf("in one thread: %lu\n", counted);
	/* A thread's first hook; what pthread_create itself allocates comes before its start. */
	before = mallocs;
	pthread_create(&t, NULL, open_and_close, (void *)(intptr_t)60);
	pthread_join(t, NULL);
	printf("with a fresh thread: %lu\n", mallocs - before);
	return 0;
}

static void *open_at_random_depth(void *arg)
{
	unsigned seed = (unsigned)(intptr_t)arg;

	for (;;) {
		close(socket_at_depth(rand_r(&seed) % 400));
		pthread_testcancel();
	}
	return NULL;
}

int guest_fork_storm(int argc, char **argv)
{
	int forks = argc > 0 ? atoi(argv[0]) : 200, good = 0, status;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, open_at_random_depth, (void *)(intptr_t)(i + 1));
	for (int i = 0; i < forks; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			int fd = socket_at_depth(i % 300);

			_exit(fd >= 0 && close(fd) == 0 ? 7 : 1);
		}
		waitpid(pid, &status, 0);
		good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
	}
	printf("%d of %d children came back\n", good, forks);
	fflush(stdout);
	_exit(0);
}

struct sockaddr_in thread_addr;
int thread_listener;

static void *serve_in_thread(void *arg)
{
	(void)arg;
	serve_one(thread_listener, &thread_addr);
	return NULL;
}

int guest_thread_per_connection(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 100;
	pthread_t t;

	thread_listener = listen_any(&thread_addr);
	for (int i = 0; i < n; i++) {
		must(pthread_create(&t, NULL, serve_in_thread, NULL) == 0, "thread");
		pthread_join(t, NULL);
	}
	printf("served %d\n", n);
	return 0;
}

/* ---- a handler on a small alternate stack ---- */

#define HANDLER_STACK 65536u

static int handler_fd = -1;
static char *handler_frame;

static void note_frame(int sig)
{
	(void)sig;
	handler_frame = __builtin_frame_address(0);
}

static void handle_by_sockets(int sig)
{
	(void)sig;
	close(handler_fd);
	handler_fd = socket(AF_INET, SOCK_STREAM, 0);
}

static void raise_on_stack(void (*handler)(int), char *stack, size_t bytes)
{
	stack_t all = {.ss_sp = stack, .ss_size = bytes};
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	must(sigaltstack(&all, NULL) == 0, "stack");
	must(sigaction(SIGUSR1, &sa, NULL) == 0, "handler");
	raise(SIGUSR1);
}

/* Room for the signal's own frame and a page: far more than the C library needs for these calls. */
int guest_small_signal_stack(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes;
	char *p = mmap(NULL, page + HANDLER_STACK, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argv;
	must(p != MAP_FAILED && mprotect(p, page, PROT_NONE) == 0, "memory with a guard");
	raise_on_stack(note_frame, p + page, HANDLER_STACK);
	bytes = (size_t)(p + page + HANDLER_STACK - handler_frame) + 4096;
	if (argc > 0) /* a recording, before */
		handler_fd = socket_at_depth(1);
	raise_on_stack(handle_by_sockets, p + page, bytes);
	printf("handled: %d\n", handler_fd);
	close(handler_fd);
	return 0;
}
