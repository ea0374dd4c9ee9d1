/* SPDX-License-Identifier: MIT */
/*
 * Small programs in one, to be run with and without the shim: `guest NAME [ARGS]`. Each prints
 * what it can see of itself, the same in both runs if the shim is invisible. Nothing printed may
 * depend on the run: no pid, no port, no address.
 */
#include <alloca.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);

static unsigned long mallocs;
static __thread bool stop_in_malloc;
static bool in_set_up;
static unsigned long mallocs_in_set_up;

/* Takes the C library's place, so that a malloc from any code in the process is counted. */
void *malloc(size_t n)
{
	__atomic_fetch_add(&mallocs, 1, __ATOMIC_RELAXED);
	mallocs_in_set_up += in_set_up;
	while (stop_in_malloc)
		pause();
	return __libc_malloc(n);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("FAILED: %s: %s\n", what, strerror(errno));
	exit(99);
}

static int listen_any(struct sockaddr_in *addr)
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

static int connect_to(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0, "connect");
	return fd;
}

/* Distinct stacks: one frame more per level, and bytes of variable size in it. */
static __attribute__((noinline)) int socket_at_depth(int depth)
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
static int through_jit(int (*f)(int), int arg)
{
#if defined(__x86_64__)
	/* push rbp; mov rbp, rsp; mov rax, rdi; mov edi, esi; call rax; pop rbp; ret */
	static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8,
					     0x89, 0xf7, 0xff, 0xd0, 0x5d, 0xc3};
	static void *page;

	if (!page) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(page != MAP_FAILED, "mmap");
		memcpy(page, code, sizeof(code));
	}
	int (*thunk)(int (*)(int), int);

	memcpy(&thunk, &page, sizeof(thunk));
	return thunk(f, arg);
#else
	return f(arg);
#endif
}

/* Through the JIT's code, with more of the stack below it each time. */
static __attribute__((noinline)) int socket_through_jit(int depth)
{
	volatile char room[4096];

	room[0] = 0;
	if (depth > 0)
		return socket_through_jit(depth - 1) + room[0];
	return through_jit(socket_at_depth, 2);
}

static __attribute__((noinline)) int accept_client(int listener)
{
	volatile int fd = accept(listener, NULL, NULL);

	must(fd >= 0, "accept");
	return fd;
}

/* One connection that the peer has closed and we have not: the planted leak. */
static int leak_one(int listener, const struct sockaddr_in *addr)
{
	int client = connect_to(addr), server = accept_client(listener);
	char byte;

	close(client);
	must(read(server, &byte, 1) == 0, "EOF");
	return server;
}

static void serve_one(int listener, const struct sockaddr_in *addr)
{
	close(leak_one(listener, addr));
}

/* ---- what a program can see of itself ---- */

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void print_descriptors(const char *when)
{
	DIR *dir = opendir("/proc/self/fd");
	int fds[256], nr = 0;
	struct dirent *e;

	printf("%s:", when);
	while ((e = readdir(dir)) && nr < 256)
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir))
			fds[nr++] = atoi(e->d_name);
	closedir(dir);
	qsort(fds, (size_t)nr, sizeof(fds[0]), by_number);
	for (int i = 0; i < nr; i++) {
		struct stat st = {0};

		fstat(fds[i], &st);
		printf(" %d=%o/%d", fds[i], (unsigned)st.st_mode & S_IFMT, fcntl(fds[i], F_GETFD));
	}
	printf("\n");
}

static int guest_descriptors(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener, pair[2];

	(void)argc, (void)argv;
	print_descriptors("at the start");
	listener = listen_any(&addr);
	print_descriptors("listening");
	for (int i = 0; i < 40; i++)
		close(socket_at_depth(i));
	print_descriptors("after 40 stacks");
	leak_one(listener, &addr);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	must(dup2(pair[0], 100) == 100, "dup2");
	print_descriptors("with a leak");
	if (fork() == 0) {
		print_descriptors("in a child");
		fflush(stdout);
		close(100);
		close(socket(AF_INET, SOCK_STREAM, 0));
		print_descriptors("in a child that used sockets");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	print_descriptors("after a fork");
	for (int i = 3; i < 4000; i++) /* grows the recording a few times */
		socket(AF_INET, SOCK_DGRAM, 0);
	printf("next: %d\n", socket(AF_INET, SOCK_STREAM, 0));
	return 0;
}

/* Closes whatever it does not know, then trusts every byte that arrives. */
static int guest_closer(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener, bad = 0;

	(void)argc, (void)argv;
	close(socket_through_jit(3));
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	listener = listen_any(&addr);
	for (int i = 0; i < 200; i++) {
		int client = connect_to(&addr), server = accept_client(listener), extra;
		char out[2] = {(char)i, (char)(i + 1)}, in[2] = {0};

		must(write(client, out, 2) == 2, "write");
		extra = socket_through_jit(i % 100); /* cold stacks make an unwinder work */
		close(extra);
		must(read(server, in, 2) == 2, "read");
		bad += memcmp(in, out, 2) != 0;
		bad += recv(server, in, 1, MSG_DONTWAIT) != -1;
		bad += recv(client, in, 1, MSG_DONTWAIT) != -1;
		close(client);
		close(server);
	}
	printf("%d bad exchanges\n", bad);
	return 0;
}

static int guest_errno(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), fd, pair[2];
	char byte;

	(void)argc, (void)argv;
#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 77;                                                                        \
		long r = (long)(call);                                                             \
		int e = errno;                                                                     \
		printf("%s: %s %d\n", #call, r < 0 ? "-" : "ok", e);                               \
	} while (0)
	SAY(fd = socket_at_depth(7));
	SAY(close(fd));
	SAY(close(fd));
	SAY(close(-1));
	SAY(read(fd, &byte, 1));
	SAY(dup(-1));
	SAY(dup2(999, listener));
	SAY(dup3(listener, listener, 0));
	SAY(dup2(listener, listener));
	SAY(accept(fd, NULL, NULL));
	SAY(accept4(listener, NULL, NULL, 0x12345678));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	SAY(recv(pair[0], &byte, 1, MSG_DONTWAIT));
	SAY(write(pair[0], "x", 1));
	SAY(read(pair[1], &byte, 1));
	SAY(shutdown(pair[0], SHUT_WR));
	SAY(read(pair[1], &byte, 1));
	SAY(send(pair[0], "x", 1, MSG_NOSIGNAL));
	SAY(fcntl(pair[0], F_DUPFD, 50));
	SAY(fcntl(50, F_GETFD));
	SAY(fcntl(51, F_GETFD));
	SAY(connect(listener, (struct sockaddr *)&addr, sizeof(addr)));
	SAY(shutdown(listener + 1, SHUT_RD));
	SAY(socket(12345, 1, 1));
	SAY(close_range(60, 50, 0));
	return 0;
}

/* What a poll() that a signal ended leaves in errno is still there in the next call. */
static int guest_interrupted(int argc, char **argv)
{
	struct sockaddr_in addr;

	(void)argc, (void)argv;
	listen_any(&addr);
	errno = EINTR;
	must(through_jit(socket_at_depth, 3) >= 0, "socket");
	printf("%s\n", strerror(errno));
	return 0;
}

/* Where the kernel says EFAULT nobody may have looked before it. */
static int guest_bad_pointers(int argc, char **argv)
{
	void *volatile nowhere = (void *)8;
	struct sockaddr_in addr, peer;
	int listener = listen_any(&addr), client = socket(AF_INET, SOCK_STREAM, 0);

	(void)argc, (void)argv;
	SAY(connect(client, nowhere, sizeof(addr)));
	SAY(connect(client, NULL, sizeof(addr)));
	SAY(connect(client, nowhere, 1u << 30));
	SAY(connect(client, (struct sockaddr *)&addr, sizeof(addr)));
	SAY(accept(listener, (struct sockaddr *)&peer, nowhere));
	connect_to(&addr);
	SAY(accept(listener, NULL, nowhere));
	fcntl(listener, F_SETFL, O_NONBLOCK);
	SAY(accept(listener, (struct sockaddr *)&peer, nowhere));
	SAY(accept4(-1, (struct sockaddr *)&peer, nowhere, 0));
	SAY(accept4(listener, nowhere, nowhere, SOCK_CLOEXEC));
	return 0;
}

/* Accept must fill the program's buffer as the kernel does, a short one too. */
static int guest_accept_address(int argc, char **argv)
{
	struct sockaddr_in addr, peer = {0};
	int listener = listen_any(&addr);
	socklen_t len = sizeof(peer), small = 4;
	unsigned char buf[8];

	(void)argc, (void)argv;
	connect_to(&addr);
	must(accept(listener, (struct sockaddr *)&peer, &len) >= 0, "accept");
	printf("family %d len %u addr %x\n", peer.sin_family, len, ntohl(peer.sin_addr.s_addr));
	memset(buf, 0xee, sizeof(buf));
	connect_to(&addr);
	must(accept4(listener, (struct sockaddr *)buf, &small, SOCK_CLOEXEC) >= 0, "accept4");
	printf("len %u family %u beyond %x%x\n", small, buf[0], buf[4], buf[7]);
	connect_to(&addr);
	printf("no address: %d\n", accept(listener, NULL, NULL));
	connect_to(&addr);
	errno = 0;
	printf("address, no length: %d", accept(listener, (struct sockaddr *)&peer, NULL));
	printf(" %s\n", strerror(errno));
	return 0;
}

/* ---- libunwind ---- */

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

static int guest_stack_base(int argc, char **argv)
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

static int guest_early_allocator(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("mallocs inside the allocator: %lu\n", mallocs_in_set_up);
	return 0;
}

static int guest_malloc(int argc, char **argv)
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

static int guest_fork_storm(int argc, char **argv)
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

static struct sockaddr_in thread_addr;
static int thread_listener;

static void *serve_in_thread(void *arg)
{
	(void)arg;
	serve_one(thread_listener, &thread_addr);
	return NULL;
}

static int guest_thread_per_connection(int argc, char **argv)
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

/* ---- ends and signals ---- */

static void on_signal(int sig)
{
	static const char said[] = "my own handler\n";

	(void)sig;
	if (write(1, said, sizeof(said) - 1) < 0)
		_exit(98);
	_exit(5);
}

/* Cleans up, then dies of the signal: the kernel has put the default action back. */
static void on_signal_again(int sig)
{
	raise(sig);
}

static void on_exit_say(void)
{
	printf("atexit ran\n");
	fflush(stdout);
}

static int guest_end(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "return";
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
	atexit(on_exit_say);
	printf("ending by %s\n", how);
	fflush(stdout);
	if (!strcmp(how, "exit"))
		exit(41);
	if (!strcmp(how, "_exit"))
		_exit(42);
	if (!strcmp(how, "_Exit"))
		_Exit(43);
	if (!strcmp(how, "quick_exit"))
		quick_exit(44);
	if (!strcmp(how, "syscall"))
		syscall(SYS_exit_group, 45);
	if (!strcmp(how, "exec"))
		execl("/bin/sh", "sh", "-c", "exit 46", (char *)NULL);
	if (!strcmp(how, "handler")) {
		signal(SIGTERM, on_signal);
		raise(SIGTERM);
	}
	if (!strcmp(how, "resethand")) {
		sigaction(SIGTERM,
			  &(struct sigaction){.sa_handler = on_signal_again,
					      .sa_flags = SA_RESETHAND},
			  NULL);
		kill(getpid(), SIGTERM);
	}
	if (!strcmp(how, "pause"))
		pause();
	if (atoi(how))
		kill(getpid(), atoi(how));
	return 40;
}

static const char *disposition(sighandler_t h)
{
	return h == SIG_DFL ? "default" : h == SIG_IGN ? "ignored" : h == on_signal ? "mine" : "?";
}

static int guest_signals(int argc, char **argv)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct sigaction sa, old;

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++) {
		int s = sigs[i];

		memset(&old, 0xff, sizeof(old));
		sigaction(s, NULL, &old);
		printf("%d: %s flags %x,", s, disposition(old.sa_handler), old.sa_flags);
		printf(" %s,", disposition(signal(s, on_signal)));
		printf(" %s,", disposition(signal(s, SIG_DFL)));
		printf(" %s,", disposition(signal(s, SIG_IGN)));
		sa = (struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_RESTART};
		sigaction(s, &sa, &old);
		printf(" %s,", disposition(old.sa_handler));
		sigaction(s, NULL, &old);
		printf(" %s flags %x,", disposition(old.sa_handler), old.sa_flags & ~0x04000000);
		printf(" %s\n", disposition(sigset(s, SIG_DFL)));
	}
	if (fork() == 0) {
		sigaction(SIGTERM, NULL, &old);
		printf("in a child: %s\n", disposition(old.sa_handler));
		fflush(stdout);
		kill(getpid(), SIGTERM);
		_exit(1);
	}
	int status;
	wait(&status);
	printf("child died of %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 0;
}

static int cleaned;

static void clean_up(void *arg)
{
	(void)arg;
	cleaned++;
}

static void *block_in(void *arg)
{
	char byte;

	pthread_cleanup_push(clean_up, NULL);
	if (arg)
		accept(thread_listener, NULL, NULL);
	else
		recv(connect_to(&thread_addr), &byte, 1, 0);
	pthread_cleanup_pop(0);
	return NULL;
}

static int guest_cancel(int argc, char **argv)
{
	(void)argc, (void)argv;
	thread_listener = listen_any(&thread_addr);
	for (int i = 0; i < 2; i++) {
		void *result;
		pthread_t t;

		pthread_create(&t, NULL, block_in, i ? NULL : &cleaned);
		usleep(100000);
		pthread_cancel(t);
		pthread_join(t, &result);
		printf("cancelled: %d, cleaned up: %d\n", result == PTHREAD_CANCELED, cleaned);
	}
	return 0;
}

/* ---- processes ---- */

/* The vfork child closes and ends; it is the parent's table that must not change. */
static int guest_vfork(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), leaked[3], status;

	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++)
		leaked[i] = leak_one(listener, &addr);
	pid_t pid = vfork();
	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			close(leaked[i]);
		dup2(listener, leaked[0]);
		for (int i = 0; i < 3; i++) /* takes the numbers just closed */
			socket(AF_INET, SOCK_DGRAM, 0);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	serve_one(listener, &addr);
	return 0;
}

static int guest_fork_idle(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), status;

	(void)argc, (void)argv;
	for (int i = 0; i < 5; i++) {
		if (fork() == 0)
			_exit(0);
		wait(&status);
	}
	close(listener);
	return 0;
}

/* A worker that gives up its privileges and its root before it accepts, as servers do. */
static int guest_confined(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), status;

	(void)argc, (void)argv;
	if (fork() == 0) {
		must(chroot("/var/empty") == 0 || chroot("/usr/share/empty") == 0 ||
			     chroot("/proc/self/fdinfo") == 0,
		     "chroot");
		must(chdir("/") == 0 && setgid(65534) == 0 && setuid(65534) == 0, "setuid");
		for (int i = 0; i < 300; i++)
			leak_one(listener, &addr);
		_exit(0);
	}
	wait(&status);
	printf("worker %d\n", WEXITSTATUS(status));
	return 0;
}

/* Gives up its privileges before it has a socket. */
static int guest_unprivileged(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener;

	(void)argc, (void)argv;
	must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
	listener = listen_any(&addr);
	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	return 0;
}

static void say(const char *line)
{
	syscall(SYS_write, 1, line, strlen(line));
}

static void filter_all_but(const int *allowed, size_t nr)
{
	struct sock_filter code[80] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	struct sock_fprog program = {1, code};

	for (size_t i = 0; i < nr; i++) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								   (unsigned)allowed[i], 0, 1);
		code[program.len++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[program.len++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		say("no filter\n");
}

static void *accept_and_close(void *arg)
{
	(void)arg;
	close(accept(thread_listener, NULL, NULL));
	say("served\n");
	return NULL;
}

/* After its confinement the program may call what it needs, and nothing that the shim adds. */
static int guest_sealed(int argc, char **argv)
{
	static const int all[] = {SYS_read,
				  SYS_write,
				  SYS_accept,
				  SYS_close,
				  SYS_exit,
				  SYS_exit_group,
				  SYS_wait4,
				  SYS_clone,
				  SYS_clone3,
				  SYS_futex,
				  SYS_set_robust_list,
				  SYS_rseq,
				  SYS_mmap,
				  SYS_munmap,
				  SYS_mprotect,
				  SYS_madvise,
				  SYS_brk,
				  SYS_rt_sigprocmask,
				  SYS_rt_sigaction,
				  SYS_getrandom,
				  SYS_prlimit64,
				  SYS_sched_getaffinity};
	const char *how = argc > 0 ? argv[0] : "strict";
	int client, server, status = 0;
	pthread_t t;
	char byte;

	thread_listener = listen_any(&thread_addr);
	client = connect_to(&thread_addr);
	server = accept_client(thread_listener);
	connect_to(&thread_addr);
	shutdown(client, SHUT_WR);
	if (!strcmp(how, "strict"))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else if (!strcmp(how, "strict_prctl_call"))
		syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else if (!strcmp(how, "strict_call"))
		syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
	else
		filter_all_but(all, sizeof(all) / sizeof(all[0]));
	say(read(server, &byte, 1) == 0 ? "EOF\n" : "no EOF\n");
	if (!strncmp(how, "strict", 6))
		syscall(SYS_exit, 0);
	if (!strcmp(how, "thread") && !pthread_create(&t, NULL, accept_and_close, NULL))
		pthread_join(t, NULL);
	if (!strcmp(how, "fork") && fork() == 0)
		_exit(close(server) == 0 ? 7 : 8);
	wait(&status);
	return WEXITSTATUS(status);
}

static int guest_nothing(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("no socket here\n");
	return 0;
}

/* ---- room ---- */

static int guest_file_limit(int argc, char **argv)
{
	struct rlimit limit = {65536, 65536};
	struct sockaddr_in addr;
	int listener;

	if (argc > 0)
		limit.rlim_cur = limit.rlim_max = (rlim_t)atoi(argv[0]);
	must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
	listener = listen_any(&addr);
	for (int i = 0; i < 300; i++)
		leak_one(listener, &addr);
	printf("300 connections\n");
	return 0;
}

/* dup2 onto a socket fails and closes nothing; then it works, and does. */
static int guest_dup(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), a, b, c;

	(void)argc, (void)argv;
	a = leak_one(listener, &addr);
	b = leak_one(listener, &addr);
	printf("%d\n", dup2(999, a)); /* a stays open: leaked */
	c = dup(b);
	close(b); /* c still holds it: leaked */
	(void)c;
	b = leak_one(listener, &addr);
	printf("%d\n", dup2(listener, b) == b); /* closed */
	serve_one(listener, &addr);
	return 0;
}

/* Doors that no hook sees: the sockets are gone all the same. */
static int guest_unseen_doors(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++) {
		FILE *f = fdopen(leak_one(listener, &addr), "r");

		fclose(f);
	}
	close_range((unsigned)leak_one(listener, &addr), 1000, 0);
	syscall(SYS_close, leak_one(listener, &addr));
	serve_one(listener, &addr);
	return 0;
}

/* ---- bare preload ---- */

static void leak_three(void)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
}

static int guest_daemon(int argc, char **argv)
{
	must(daemon(1, 1) == 0, "daemon");
	leak_three();
	if (argc > 0) { /* tells the test that it is done */
		int fd = open(argv[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		must(fd >= 0 && write(fd, "done", 4) == 4, "mark");
	}
	return 0;
}

static int guest_leak_in_child(int argc, char **argv)
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
static int guest_dup_in_child(int argc, char **argv)
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
static int guest_child_refused(int argc, char **argv)
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
static int guest_atfork(int argc, char **argv)
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

static int guest_killed_while_loading(int argc, char **argv)
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
static int guest_first_of_namespace(int argc, char **argv)
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

static int guest_watch_children(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGCHLD, on_child);
	leak_three();
	return 0;
}

/* A server that makes its client's connection descriptor 2. */
static int guest_client_on_stderr(int argc, char **argv)
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
static int guest_mistakes(int argc, char **argv)
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
static int guest_exchange(int argc, char **argv)
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
static int guest_serve(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), n = argc > 0 ? atoi(argv[0]) : 100;

	for (int i = 0; i < n; i++)
		serve_one(listener, &addr);
	close(listener);
	return 0;
}

/* N sockets open at once, of several stacks: the recording must grow again and again. */
static int guest_crowd(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 100, good = 0;

	for (int i = 0; i < n; i++)
		good += socket_at_depth(i % 100) >= 0;
	printf("%d sockets\n", good);
	return 0;
}

static int guest_leak(int argc, char **argv)
{
	(void)argc, (void)argv;
	leak_three();
	printf("leaked\n");
	return 3;
}

static int guest_clean(int argc, char **argv)
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
static int guest_leak_and_wait(int argc, char **argv)
{
	int seconds = argc > 0 ? atoi(argv[0]) : 10;

	leak_three();
	printf("ready\n");
	fflush(stdout);
	sleep((unsigned)seconds);
	return 0;
}

/* Leaks three and stays at work for a while, so that the last sign of life comes long after. */
static int guest_leak_late(int argc, char **argv)
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

#define GUESTS(X)                                                                                  \
	X(descriptors)                                                                             \
	X(closer)                                                                                  \
	X(errno)                                                                                   \
	X(interrupted)                                                                             \
	X(bad_pointers)                                                                            \
	X(stack_base)                                                                              \
	X(accept_address)                                                                          \
	X(early_allocator)                                                                         \
	X(malloc)                                                                                  \
	X(fork_storm)                                                                              \
	X(thread_per_connection)                                                                   \
	X(end)                                                                                     \
	X(signals)                                                                                 \
	X(cancel)                                                                                  \
	X(vfork)                                                                                   \
	X(fork_idle)                                                                               \
	X(sealed)                                                                                  \
	X(confined)                                                                                \
	X(unprivileged)                                                                            \
	X(nothing)                                                                                 \
	X(file_limit)                                                                              \
	X(dup)                                                                                     \
	X(unseen_doors)                                                                            \
	X(daemon)                                                                                  \
	X(leak_in_child)                                                                           \
	X(dup_in_child)                                                                            \
	X(child_refused)                                                                           \
	X(atfork)                                                                                  \
	X(killed_while_loading)                                                                    \
	X(first_of_namespace)                                                                      \
	X(watch_children)                                                                          \
	X(client_on_stderr)                                                                        \
	X(mistakes)                                                                                \
	X(exchange)                                                                                \
	X(serve)                                                                                   \
	X(crowd)                                                                                   \
	X(leak)                                                                                    \
	X(clean)                                                                                   \
	X(leak_late)                                                                               \
	X(leak_and_wait)

int main(int argc, char **argv)
{
#define GUEST_RUN(name)                                                                            \
	if (argc > 1 && !strcmp(argv[1], #name))                                                   \
		return guest_##name(argc - 2, argv + 2);
	GUESTS(GUEST_RUN)
	fprintf(stderr, "guest: no such program: %s\n", argc > 1 ? argv[1] : "(none)");
	return 97;
}
