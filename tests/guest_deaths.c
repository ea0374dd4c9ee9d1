/* SPDX-License-Identifier: MIT */
/*
 * Every way to close a socket, and ways that look like it: `guest death HOW` does it to one that
 * its peer has left, and prints its number last.
 */
#include "guest.h"

int __close(int fd);
void closefrom(int low);

static int listener;
static struct sockaddr_in addr;

static void by_close(int fd)
{
	must(close(fd) == 0, "close");
}

static void by___close(int fd)
{
	must(__close(fd) == 0, "__close");
}

static void by_fclose(int fd)
{
	must(fclose(fdopen(fd, "r+")) == 0, "fclose");
}

/* What lies in the buffer cannot be sent any more: EOF is returned, and it is closed. */
static void by_fclose_that_fails(int fd)
{
	FILE *f = fdopen(fd, "w");

	signal(SIGPIPE, SIG_IGN);
	must(shutdown(fd, SHUT_WR) == 0 && fputs("x", f) >= 0, "fputs");
	errno = 0;
	printf("%d", fclose(f));
	printf(" %d\n", errno);
}

static void by_fclose_of_stdin(int fd)
{
	must(dup2(fd, 0) == 0 && close(fd) == 0, "dup2");
	must(fclose(stdin) == 0, "fclose");
}

/* Of a number that is closed already. */
static void by_fclose_twice(int fd)
{
	FILE *f = fdopen(fd, "r");

	must(close(fd) == 0, "close");
	errno = 0;
	printf("%d", fclose(f));
	printf(" %d\n", errno);
}

static void by_pclose(int fd)
{
	FILE *volatile f = fdopen(fd, "r"); /* the compiler knows that it is the wrong function */

	must(pclose(f) == 0, "pclose");
}

static void by_freopen(int fd)
{
	FILE *f = freopen("/dev/null", "r", fdopen(fd, "r"));

	must(f && fileno(f) == fd && fgetc(f) == EOF, "freopen");
}

static void by_freopen64(int fd)
{
	FILE *f = freopen64("/dev/null", "r", fdopen(fd, "r"));

	must(f && fileno(f) == fd, "freopen64");
}

static void by_freopen_that_fails(int fd)
{
	errno = 0;
	printf("%d", freopen("/no/such/file", "r", fdopen(fd, "r")) != NULL);
	printf(" %d\n", errno);
}

static void by_freopen_of_no_path(int fd)
{
	errno = 0;
	printf("%d", freopen(NULL, "r", fdopen(fd, "r")) != NULL);
	printf(" %d\n", errno);
}

static void by_close_range(int fd)
{
	must(close_range((unsigned)fd, (unsigned)fd, 0) == 0, "close_range");
}

static void by_close_range_to_the_end(int fd)
{
	must(close_range((unsigned)fd, ~0u, 0) == 0, "close_range");
}

static void by_close_range_unshare(int fd)
{
	must(close_range((unsigned)fd, ~0u, CLOSE_RANGE_UNSHARE) == 0, "close_range");
}

static void by_closefrom(int fd)
{
	closefrom(fd);
}

static void by_dup2(int fd)
{
	must(dup2(0, fd) == fd, "dup2");
}

static void by_dup3(int fd)
{
	must(dup3(0, fd, O_CLOEXEC) == fd, "dup3");
}

static void by_raw_close(int fd)
{
	must(syscall(SYS_close, fd) == 0, "close");
}

static void by_raw_close_range(int fd)
{
	must(syscall(SYS_close_range, fd, ~0u, 0) == 0, "close_range");
}

static void by_raw_dup2(int fd)
{
#ifdef SYS_dup2
	must(syscall(SYS_dup2, 0, fd) == fd, "dup2");
#else
	must(syscall(SYS_dup3, 0, fd, 0) == fd, "dup3");
#endif
}

static void by_raw_dup3(int fd)
{
	must(syscall(SYS_dup3, 0, fd, 0) == fd, "dup3");
}

/* ---- another thread is inside read() ---- */

static int read_fd, read_result;
static pid_t reader_tid;

static void *read_one(void *arg)
{
	char byte;

	(void)arg;
	__atomic_store_n(&reader_tid, gettid(), __ATOMIC_RELEASE);
	read_result = (int)read(read_fd, &byte, 1);
	return NULL;
}

static bool sleeps(pid_t tid)
{
	char path[60], stat[200] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	must(fd >= 0 && read(fd, stat, sizeof(stat) - 1) > 0 && close(fd) == 0, path);
	end = strrchr(stat, ')');
	return end && end[2] == 'S';
}

/* Starts a thread that blocks in read(fd): returns when it does. */
static pthread_t start_reader(int fd)
{
	pthread_t t;

	read_fd = fd;
	must(pthread_create(&t, NULL, read_one, NULL) == 0, "pthread_create");
	while (!__atomic_load_n(&reader_tid, __ATOMIC_ACQUIRE) || !sleeps(reader_tid))
		usleep(1000);
	return t;
}

/* Its read goes on in the old socket; what it says later is nothing of the number's. */
static void under_a_reader(bool (*end)(int fd), int fd)
{
	int client = connect_to(&addr), server = accept_client(listener);
	pthread_t t;

	must(dup2(server, fd) == fd && close(server) == 0, "dup2");
	t = start_reader(fd);
	must(end(fd), "end");
	close(client);
	pthread_join(t, NULL);
	printf("%d\n", read_result);
}

static bool closes(int fd)
{
	return close(fd) == 0;
}

/* The JVM's way: the number stays taken by an end that is over, until it is closed later. */
static bool dup2s_a_dummy(int fd)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && close(pair[1]) == 0 &&
	       dup2(pair[0], fd) == fd;
}

static void by_close_under_a_reader(int fd)
{
	under_a_reader(closes, fd);
}

static void by_dup2_under_a_reader(int fd)
{
	under_a_reader(dup2s_a_dummy, fd);
}

/* ---- none of these closes it ---- */

static void not_by_fcloseall(int fd)
{
	FILE *f = fdopen(fd, "w");

	must(f && fcloseall() == 0, "fcloseall");
}

static void not_by_fdopen_that_fails(int fd)
{
	errno = 0;
	must(!fdopen(fd, "no mode") && errno == EINVAL, "fdopen");
}

static void not_by_fmemopen(int fd)
{
	char buf[10];

	(void)fd;
	must(fclose(fmemopen(buf, sizeof(buf), "w")) == 0, "fclose");
}

static void not_by_close_range_cloexec(int fd)
{
	must(close_range((unsigned)fd, ~0u, CLOSE_RANGE_CLOEXEC) == 0, "close_range");
}

static void not_by_wrong_close_range(int fd)
{
	must(close_range((unsigned)fd, ~0u, 1 << 20) == -1 && errno == EINVAL, "close_range");
	must(syscall(SYS_close_range, fd, ~0u, 1 << 20) == -1, "close_range");
	must(close_range((unsigned)fd, 1, 0) == -1 && errno == EINVAL, "close_range");
}

/* As a kernel before 5.9 answers. */
static void not_by_close_range_of_old(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {4, code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
	must(close_range((unsigned)fd, ~0u, 0) == -1 && errno == ENOSYS, "close_range");
	must(syscall(SYS_close_range, fd, ~0u, 0) == -1 && errno == ENOSYS, "close_range");
}

static void not_by_dup2_that_fails(int fd)
{
	must(dup2(999, fd) == -1 && dup3(999, fd, 0) == -1 && dup3(0, fd, 12345) == -1, "dup2");
	must(syscall(SYS_dup3, 999, fd, 0) == -1 && errno == EBADF, "dup3");
}

static void not_by_impossible_numbers(int fd)
{
	(void)fd;
	must(close(-1) == -1 && close(1 << 29) == -1 && close(0x7fffffff) == -1, "close");
	must(syscall(SYS_close, -1) == -1 && errno == EBADF, "close");
}

static void not_by_a_vfork_child(int fd)
{
	pid_t pid = vfork();

	if (pid == 0) {
		syscall(SYS_close, fd);
		syscall(SYS_close_range, fd, ~0u, 0);
		syscall(SYS_dup3, 0, fd, 0);
		__close(fd);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

typedef int spawner(pid_t *, const char *, const posix_spawn_file_actions_t *,
		    const posix_spawnattr_t *, char *const[], char *const[]);

static void not_by_spawned(int fd, spawner *spawn)
{
	char *argv[] = {(char *)"true", NULL};
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, fd);
	posix_spawn_file_actions_adddup2(&actions, 0, fd);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	must(spawn(&pid, "/bin/true", &actions, NULL, argv, environ) == 0, "spawn");
	must(waitpid(pid, &status, 0) == pid && status == 0, "true");
	must(spawn(&pid, "/no/such/file", &actions, NULL, argv, environ) == ENOENT, "spawn");
	posix_spawn_file_actions_destroy(&actions);
}

static void not_by_posix_spawn(int fd)
{
	not_by_spawned(fd, posix_spawn);
}

static void not_by_posix_spawnp(int fd)
{
	not_by_spawned(fd, posix_spawnp);
}

static void not_by_system(int fd)
{
	char command[80];

	snprintf(command, sizeof(command), "exec %d>&-", fd);
	printf("%d", system(command));
	printf(" %d\n", system("exit 3"));
}

static void not_by_popen(int fd)
{
	char line[20];
	FILE *f = popen("echo said", "r");

	(void)fd;
	must(f && fgets(line, sizeof(line), f), "popen");
	printf("%s%d\n", line, pclose(f));
}

/* Linux copies from files only. The bad file is not the socket's fault. */
static void not_by_sendfile(int fd)
{
	int out = open("/dev/null", O_WRONLY);

	must(sendfile(out, fd, NULL, 10) == -1 && errno == EINVAL, "sendfile");
	must(sendfile(fd, 999, NULL, 10) == -1 && errno == EBADF, "sendfile");
	must(splice(fd, NULL, 999, NULL, 10, 0) == -1 && errno == EBADF, "splice");
}

static void not_by_splice_into_a_broken_pipe(int fd)
{
	int client = connect_to(&addr), server = accept_client(listener), p[2];

	signal(SIGPIPE, SIG_IGN);
	must(write(client, "x", 1) == 1 && pipe(p) == 0 && close(p[0]) == 0, "pipe");
	must(splice(server, NULL, p[1], NULL, 10, 0) == -1 && errno == EPIPE, "splice");
	must(dup2(server, fd) == fd && close(server) == 0, "dup2");
}

#define WAYS(X)                                                                                    \
	X(by_close)                                                                                \
	X(by___close)                                                                              \
	X(by_fclose)                                                                               \
	X(by_fclose_that_fails)                                                                    \
	X(by_fclose_of_stdin)                                                                      \
	X(by_fclose_twice)                                                                         \
	X(by_pclose)                                                                               \
	X(by_freopen)                                                                              \
	X(by_freopen64)                                                                            \
	X(by_freopen_that_fails)                                                                   \
	X(by_freopen_of_no_path)                                                                   \
	X(by_close_range)                                                                          \
	X(by_close_range_to_the_end)                                                               \
	X(by_close_range_unshare)                                                                  \
	X(by_closefrom)                                                                            \
	X(by_dup2)                                                                                 \
	X(by_dup3)                                                                                 \
	X(by_raw_close)                                                                            \
	X(by_raw_close_range)                                                                      \
	X(by_raw_dup2)                                                                             \
	X(by_raw_dup3)                                                                             \
	X(by_close_under_a_reader)                                                                 \
	X(by_dup2_under_a_reader)                                                                  \
	X(not_by_fcloseall)                                                                        \
	X(not_by_fdopen_that_fails)                                                                \
	X(not_by_fmemopen)                                                                         \
	X(not_by_close_range_cloexec)                                                              \
	X(not_by_wrong_close_range)                                                                \
	X(not_by_close_range_of_old)                                                               \
	X(not_by_dup2_that_fails)                                                                  \
	X(not_by_impossible_numbers)                                                               \
	X(not_by_a_vfork_child)                                                                    \
	X(not_by_posix_spawn)                                                                      \
	X(not_by_posix_spawnp)                                                                     \
	X(not_by_system)                                                                           \
	X(not_by_popen)                                                                            \
	X(not_by_sendfile)                                                                         \
	X(not_by_splice_into_a_broken_pipe)

/* The listener lies below and stays open, so that there is a recording to look into. */
int guest_death(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "";
	int fd;

	listener = listen_any(&addr);
	fd = leak_one(listener, &addr);
#define DO(way)                                                                                    \
	if (!strcmp(how, #way))                                                                    \
		way(fd);
	WAYS(DO)
	printf("fd %d\n", !strcmp(how, "by_fclose_of_stdin") ? 0 : fd);
	return 0;
}

/* What is to be closed at exec is no leak of the next image's. */
int guest_exec_cloexec(int argc, char **argv)
{
	(void)argc;
	listener = listen_any(&addr);
	fcntl(listener, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < 3; i++)
		fcntl(leak_one(listener, &addr), F_SETFD, FD_CLOEXEC);
	serve_one(listener, &addr);
	execl("/proc/self/exe", "guest", "clean", (char *)NULL);
	(void)argv;
	return 1;
}
