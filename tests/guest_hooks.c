/* SPDX-License-Identifier: MIT */
/*
 * Each function that the shim interposes is called: what it returned, what it left in errno (which
 * success must leave alone) and how often it made somebody allocate is printed, to be the same with
 * the shim and without. A row of hooks.def without a row here fails the test.
 */
#include "guest.h"

#include <sched.h>
#include <spawn.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <wait.h>

ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags, void *from, void *len);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t bsd_signal(int sig, sighandler_t handler);
sighandler_t ssignal(int sig, sighandler_t handler);
sighandler_t __sysv_signal(int sig, sighandler_t handler);
sighandler_t sysv_signal(int sig, sighandler_t handler);
sighandler_t sigset(int sig, sighandler_t handler);
int __close(int fd);
pid_t __vfork(void);
int __clone(int (*f)(void *), void *stack, int flags, void *arg, ...);
int pidfd_getfd(int pidfd, int fd, unsigned flags);
int __poll(struct pollfd *fds, nfds_t nr, int timeout);
int __poll_chk(struct pollfd *fds, nfds_t nr, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t nr, const struct timespec *timeout, const sigset_t *mask,
		size_t room);
int __select(int nr, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout);

/* What the rows below may use; made anew for each call. */
static struct {
	int end, peer; /* a connected pair; a byte lies in `end`, or its peer is closed */
	int listener;  /* with a client that waits */
	int client;    /* that one */
	int fresh;     /* a TCP socket, not connected */
	int file;
	int pipe[2];
	FILE *stream; /* of a duplicate of `end` */
	int pidfd;    /* of ourselves */
	int set;      /* an epoll set with `peer` in it */
	void *library;
} w;
static struct sockaddr_in to, any;
static socklen_t len;
static char buf[8];
static int fds[2], value;
static struct iovec iov = {buf, 1};
static struct msghdr msg;
static struct mmsghdr msgs;
static struct sigaction act;
static struct epoll_event event;
static struct pollfd polled;
static fd_set set;
static const struct timespec now;
static struct timeval today;
static char *const argv_true[] = {(char *)"true", NULL};

/* In a child of its own, whose whole end is waited for. */
#define IN_CHILD(...)                                                                              \
	({                                                                                         \
		int done[2], status = 0;                                                           \
		pid_t pid = pipe(done) ? -1 : fork();                                              \
		if (pid == 0) {                                                                    \
			errno = 0;                                                                 \
			__VA_ARGS__;                                                               \
			syscall(SYS_exit_group, errno);                                            \
		}                                                                                  \
		close(done[1]);                                                                    \
		while (read(done[0], buf, 1) > 0)                                                  \
			;                                                                          \
		close(done[0]);                                                                    \
		waitpid(pid, &status, 0);                                                          \
		errno = 77;                                                                        \
		status;                                                                            \
	})

/* By a child that shares our memory and only ends. */
#define BY_CHILD(made)                                                                             \
	({                                                                                         \
		int status = 0;                                                                    \
		pid_t pid = (made);                                                                \
		if (pid == 0)                                                                      \
			_exit(9);                                                                  \
		if (pid < 0 || waitpid(pid, &status, 0) != pid)                                    \
			status = -1;                                                               \
		status;                                                                            \
	})

static char child_stack[65536] __attribute__((aligned(16)));

static int end_with(void *arg)
{
	return *(int *)arg;
}

static int five = 5, six = 6;
static struct linger linger_not = {1, 0};

#define ADDR(a) ((struct sockaddr *)&(a))

/* Name of the hook, and a call of it. */
#define CASES(X)                                                                                   \
	X(socket, socket(AF_INET, SOCK_STREAM, 0))                                                 \
	X(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, fds))                                    \
	X(accept, accept(w.listener, ADDR(any), &len))                                             \
	X(accept4, accept4(w.listener, NULL, NULL, SOCK_CLOEXEC))                                  \
	X(connect, connect(w.fresh, ADDR(to), sizeof(to)))                                         \
	X(bind, bind(w.fresh, ADDR(any), sizeof(any)))                                             \
	X(listen, listen(w.fresh, 5))                                                              \
	X(getsockopt, getsockopt(w.end, SOL_SOCKET, SO_ERROR, &value, &len))                       \
	X(setsockopt, setsockopt(w.end, SOL_SOCKET, SO_LINGER, &linger_not, sizeof(linger_not)))   \
	X(dup, dup(w.end))                                                                         \
	X(dup2, dup2(w.end, w.fresh))                                                              \
	X(dup3, dup3(w.end, w.fresh, O_CLOEXEC))                                                   \
	X(fcntl, fcntl(w.end, F_DUPFD, 100))                                                       \
	X(fcntl64, fcntl64(w.end, F_DUPFD_CLOEXEC, 100))                                           \
	X(read, read(w.end, buf, 1))                                                               \
	X(readv, readv(w.end, &iov, 1))                                                            \
	X(recv, recv(w.end, buf, 1, 0))                                                            \
	X(recvfrom, recvfrom(w.end, buf, 1, 0, NULL, NULL))                                        \
	X(recvmsg, recvmsg(w.end, &msg, 0))                                                        \
	X(recvmmsg, recvmmsg(w.end, &msgs, 1, 0, NULL))                                            \
	X(__read_chk, __read_chk(w.end, buf, 1, sizeof(buf)))                                      \
	X(__recv_chk, __recv_chk(w.end, buf, 1, sizeof(buf), 0))                                   \
	X(__recvfrom_chk, __recvfrom_chk(w.end, buf, 1, sizeof(buf), 0, NULL, NULL))               \
	X(write, write(w.end, "x", 1))                                                             \
	X(writev, writev(w.end, &iov, 1))                                                          \
	X(send, send(w.end, "x", 1, MSG_NOSIGNAL))                                                 \
	X(sendto, sendto(w.end, "x", 1, MSG_NOSIGNAL, NULL, 0))                                    \
	X(sendmsg, sendmsg(w.end, &msg, MSG_NOSIGNAL))                                             \
	X(sendmmsg, sendmmsg(w.end, &msgs, 1, MSG_NOSIGNAL))                                       \
	X(sendfile, sendfile(w.end, w.file, NULL, 1))                                              \
	X(sendfile64, sendfile64(w.end, w.file, NULL, 1))                                          \
	X(splice, splice(w.end, NULL, w.pipe[1], NULL, 1, SPLICE_F_NONBLOCK))                      \
	X(shutdown, shutdown(w.end, SHUT_RDWR))                                                    \
	X(pidfd_getfd, pidfd_getfd(w.pidfd, w.end, 0))                                             \
	X(epoll_create, epoll_create(1))                                                           \
	X(epoll_create1, epoll_create1(EPOLL_CLOEXEC))                                             \
	X(epoll_ctl, epoll_ctl(w.set, EPOLL_CTL_ADD, w.end, &event))                               \
	X(epoll_wait, epoll_wait(w.set, &event, 1, 0))                                             \
	X(epoll_pwait, epoll_pwait(w.set, &event, 1, 0, NULL))                                     \
	X(epoll_pwait2, epoll_pwait2(w.set, &event, 1, &now, NULL))                                \
	X(poll, poll(&polled, 1, 0))                                                               \
	X(__poll, __poll(&polled, 1, 0))                                                           \
	X(ppoll, ppoll(&polled, 1, &now, NULL))                                                    \
	X(__poll_chk, __poll_chk(&polled, 1, 0, sizeof(polled)))                                   \
	X(__ppoll_chk, __ppoll_chk(&polled, 1, &now, NULL, sizeof(polled)))                        \
	X(select, select(w.end + 1, &set, NULL, NULL, &today))                                     \
	X(__select, __select(w.end + 1, &set, NULL, NULL, &today))                                 \
	X(pselect, pselect(w.end + 1, &set, NULL, NULL, &now, NULL))                               \
	X(close, close(w.end))                                                                     \
	X(__close, __close(w.end))                                                                 \
	X(fdopen, !fdopen(w.end, "r"))                                                             \
	X(fclose, fclose(w.stream))                                                                \
	X(pclose, pclose(w.stream))                                                                \
	X(freopen, !freopen("/dev/null", "r", w.stream))                                           \
	X(freopen64, !freopen64("/dev/null", "r", w.stream))                                       \
	X(close_range, close_range((unsigned)w.end, (unsigned)w.peer, 0))                          \
	X(closefrom, (closefrom(w.end), 0))                                                        \
	X(fork, IN_CHILD(close(w.end)))                                                            \
	X(daemon, IN_CHILD(must(daemon(1, 1) == 0, "daemon")))                                     \
	X(exit, IN_CHILD(close(1); exit(2)))                                                       \
	X(_exit, IN_CHILD(_exit(3)))                                                               \
	X(_Exit, IN_CHILD(_Exit(4)))                                                               \
	X(quick_exit, IN_CHILD(quick_exit(5)))                                                     \
	X(execve, IN_CHILD(execve("/no/such", argv_true, environ)))                                \
	X(execv, IN_CHILD(execv("/no/such", argv_true)))                                           \
	X(execvp, IN_CHILD(execvp("/no/such", argv_true)))                                         \
	X(execvpe, IN_CHILD(execvpe("/no/such", argv_true, environ)))                              \
	X(fexecve, IN_CHILD(fexecve(w.end, argv_true, environ)))                                   \
	X(execl, IN_CHILD(execl("/no/such", "true", "1", NULL)))                                   \
	X(execlp, IN_CHILD(execlp("/no/such", "true", "1", NULL)))                                 \
	X(execle, IN_CHILD(execle("/no/such", "true", "1", NULL, environ)))                        \
	X(vfork, BY_CHILD(vfork()))                                                                \
	X(__vfork, BY_CHILD(__vfork()))                                                            \
	X(clone, BY_CHILD(clone(end_with, child_stack + 65536, CLONE_VM | SIGCHLD, &five)))        \
	X(__clone, BY_CHILD(__clone(end_with, child_stack + 65536, CLONE_VM | SIGCHLD, &six)))     \
	X(posix_spawn,                                                                             \
	  IN_CHILD(errno = posix_spawn(NULL, "/no/such", NULL, NULL, argv_true, environ)))         \
	X(posix_spawnp,                                                                            \
	  IN_CHILD(errno = posix_spawnp(NULL, "/no/such", NULL, NULL, argv_true, environ)))        \
	X(system, IN_CHILD(errno = system("exit 7") >> 8))                                         \
	X(popen, IN_CHILD(errno = pclose(popen("exit 8", "r")) >> 8))                              \
	X(dlopen, !dlopen("libgcc_s.so.1", RTLD_NOW))                                              \
	X(dlmopen, !dlmopen(LM_ID_BASE, "libgcc_s.so.1", RTLD_NOW))                                \
	X(setuid, setuid(getuid()))                                                                \
	X(seteuid, seteuid(geteuid()))                                                             \
	X(setreuid, setreuid(getuid(), geteuid()))                                                 \
	X(setresuid, setresuid(getuid(), geteuid(), geteuid()))                                    \
	X(chroot, chroot("/"))                                                                     \
	X(prctl, prctl(PR_SET_DUMPABLE, 1))                                                        \
	X(syscall, syscall(SYS_close, w.end))                                                      \
	X(sigaction, sigaction(SIGTERM, &act, NULL))                                               \
	X(__sigaction, __sigaction(SIGTERM, &act, NULL))                                           \
	X(signal, signal(SIGINT, SIG_DFL) == SIG_ERR)                                              \
	X(bsd_signal, bsd_signal(SIGINT, SIG_DFL) == SIG_ERR)                                      \
	X(ssignal, ssignal(SIGINT, SIG_DFL) == SIG_ERR)                                            \
	X(__sysv_signal, __sysv_signal(SIGINT, SIG_DFL) == SIG_ERR)                                \
	X(sysv_signal, sysv_signal(SIGINT, SIG_DFL) == SIG_ERR)                                    \
	X(sigset, sigset(SIGINT, SIG_DFL) == SIG_ERR)                                              \
	X(raise, raise(SIGHUP))                                                                    \
	X(pipe2, pipe2(fds, O_CLOEXEC))                                                            \
	X(dlclose, dlclose(w.library))

#define CASE_FUNCTION(name, ...)                                                                   \
	static long case_##name(void)                                                              \
	{                                                                                          \
		return (long)(__VA_ARGS__);                                                        \
	}
CASES(CASE_FUNCTION)

static const struct {
	const char *name;
	long (*call)(void);
} cases[] = {
#define CASE_ROW(name, ...) {#name, case_##name},
	CASES(CASE_ROW)};

#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

static const char *const hooks[] = {
#define HOOK(name) #name,
#include "hooks.def"
#undef HOOK
};

/* Deep in the stack, at a place where no socket was used yet. */
static __attribute__((noinline)) long call_at_depth(long (*call)(void), int depth)
{
	volatile long r = depth ? call_at_depth(call, depth - 1) : (errno = 77, call());

	return r;
}

static void prepare(bool peer_gone)
{
	socklen_t n = sizeof(to);
	int pair[2];

	any = (struct sockaddr_in){.sin_family = AF_INET};
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	len = sizeof(any);
	msg = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	msgs = (struct mmsghdr){.msg_hdr = msg};
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	w.end = pair[0];
	w.peer = pair[1];
	if (peer_gone)
		close(w.peer);
	else
		must(write(w.peer, "x", 1) == 1, "write");
	w.listener = listen_any(&to);
	must(getsockname(w.listener, ADDR(to), &n) == 0, "getsockname");
	w.client = connect_to(&to);
	w.fresh = socket(AF_INET, SOCK_STREAM, 0);
	w.file = open("/proc/self/exe", O_RDONLY);
	w.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	w.set = epoll_create1(0);
	event = (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP, .data.fd = w.peer};
	if (!peer_gone)
		must(epoll_ctl(w.set, EPOLL_CTL_ADD, w.peer, &event) == 0, "epoll_ctl");
	polled = (struct pollfd){.fd = w.end, .events = POLLIN | POLLRDHUP};
	FD_ZERO(&set);
	FD_SET(w.end, &set);
	must(pipe(w.pipe) == 0, "pipe");
	w.stream = fdopen(dup(w.end), "r");
	w.library = dlopen("libgcc_s.so.1", RTLD_NOW);
}

/* How often it was called by then, in this process and its children. */
static unsigned long *all_mallocs;

static void run_case(size_t i, int round)
{
	unsigned long before;
	long r;
	int e;

	prepare(round == 1);
	before = *all_mallocs;
	r = call_at_depth(cases[i].call, round * 20);
	e = errno;
	printf("%s: %ld, errno %d, %lu mallocs\n", cases[i].name, r, e, *all_mallocs - before);
	for (int fd = 3; fd < 300; fd++)
		close(fd);
}

static void *run_cases(void *arg)
{
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < NR_CASES; i++)
			run_case(i, round);
	return arg;
}

static void check_cases(void)
{
	for (size_t h = 0; h < sizeof(hooks) / sizeof(hooks[0]); h++) {
		size_t i = 0;

		while (i < NR_CASES && strcmp(cases[i].name, hooks[h]) != 0)
			i++;
		if (i == NR_CASES)
			printf("FAILED: the hook %s has no row in guest_hooks.c\n", hooks[h]);
	}
}

int guest_hooks(int argc, char **argv)
{
	pthread_t t;

	(void)argc, (void)argv;
	check_cases();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	all_mallocs = mallocs_share();
	run_cases(NULL);
	pthread_create(&t, NULL, run_cases, NULL);
	pthread_join(t, NULL);
	return 0;
}
