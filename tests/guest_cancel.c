/* SPDX-License-Identifier: MIT */
/* Threads that are cancelled in a blocked call, or before a call that would act on it. */
#include "guest.h"

static int cancel_fd = -1, cleaned_up, blocks_in_connect[2];
static sem_t about_to_block, may_block;
static pid_t blocked_tid;

static void count_clean_up(void *arg)
{
	(void)arg;
	cleaned_up++;
}

/* A listener whose queue is full: connect() to it blocks. */
static void fill_queue(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);

	blocks_in_connect[0] = socket(AF_INET, SOCK_STREAM, 0);
	*addr = (struct sockaddr_in){.sin_family = AF_INET};
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(blocks_in_connect[0], (struct sockaddr *)addr, len) == 0 &&
		     listen(blocks_in_connect[0], 0) == 0 &&
		     getsockname(blocks_in_connect[0], (struct sockaddr *)addr, &len) == 0,
	     "listen");
	blocks_in_connect[1] = connect_to(addr);
}

static void block_in_call(const char *call)
{
	struct pollfd p = {cancel_fd, POLLIN, 0};
	struct sockaddr_in full;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (!strcmp(call, "connect"))
		fill_queue(&full);
	if (!strcmp(call, "close"))
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	blocked_tid = (pid_t)syscall(SYS_gettid);
	sem_post(&about_to_block);
	sem_wait(&may_block);
	if (!strcmp(call, "accept"))
		accept(listen_any(&full), NULL, NULL);
	else if (!strcmp(call, "read"))
		read(cancel_fd, &byte, 1);
	else if (!strcmp(call, "recv"))
		recv(cancel_fd, &byte, 1, 0);
	else if (!strcmp(call, "recvmsg"))
		recvmsg(cancel_fd, &msg, 0);
	else if (!strcmp(call, "poll"))
		poll(&p, 1, -1);
	else if (!strcmp(call, "connect"))
		connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&full, sizeof(full));
	else if (!strcmp(call, "close")) {
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		close(cancel_fd); /* the cancellation is pending: this call acts on it */
	}
}

static void *be_cancelled(void *call)
{
	pthread_cleanup_push(count_clean_up, NULL);
	block_in_call(call);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *be_cancelled_at_once(void *call)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	return be_cancelled(call);
}

static long number_of(const char *call)
{
	static const struct {
		const char *name;
		long nr;
	} calls[] = {
		{"accept", SYS_accept},	  {"read", SYS_read},	    {"recv", SYS_recvfrom},
		{"recvmsg", SYS_recvmsg}, {"connect", SYS_connect},
#ifdef SYS_poll
		{"poll", SYS_poll},
#else
		{"poll", SYS_ppoll},
#endif
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, call))
			return calls[i].nr;
	must(false, call);
	return -1;
}

/* /proc says "running", or the number of the call that the thread sleeps in. */
static bool sleeps_in(int proc_syscall, long wanted)
{
	char text[32] = "";
	long nr;

	must(pread(proc_syscall, text, sizeof(text) - 1, 0) > 0, "state of the thread");
	return sscanf(text, "%ld", &nr) == 1 && nr == wanted;
}

/* Cancels it once it sleeps there, and no sooner: anywhere else it may hold what it must not. */
static void cancel_when_blocked(pthread_t t, const char *call)
{
	char path[64];
	int proc_syscall;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)blocked_tid);
	proc_syscall = open(path, O_RDONLY);
	must(proc_syscall >= 0, path);
	sem_post(&may_block);
	while (!sleeps_in(proc_syscall, number_of(call)))
		usleep(1000);
	close(proc_syscall);
	pthread_cancel(t);
}

/* A thread is cancelled inside the blocked call ARG, in both ways that there are. */
int guest_cancel_in(int argc, char **argv)
{
	char *call = argc > 0 ? argv[0] : (char *)(uintptr_t) "accept";
	bool only_deferred = !strcmp(call, "close");

	thread_listener = listen_any(&thread_addr);
	sem_init(&about_to_block, 0, 0);
	sem_init(&may_block, 0, 0);
	for (int i = 0; i < (only_deferred ? 1 : 2); i++) {
		void *result;
		pthread_t t;

		cancel_fd = connect_to(&thread_addr);
		must(pthread_create(&t, NULL, i ? be_cancelled_at_once : be_cancelled, call) == 0,
		     "thread");
		sem_wait(&about_to_block);
		if (!only_deferred) {
			cancel_when_blocked(t, call);
		} else {
			pthread_cancel(t);
			sem_post(&may_block);
		}
		pthread_join(t, &result);
		printf("cancelled: %d, cleaned up: %d\n", result == PTHREAD_CANCELED, cleaned_up);
		close(socket_at_depth(5));
	}
	usleep(150000); /* beyond the time in which a close may still be under way */
	print_sockets();
	return 0;
}
