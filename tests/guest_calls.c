/* SPDX-License-Identifier: MIT */
/* `calls WHAT N`: one thing N times, for test_syscalls to count what each of them costs. */
#include "guest.h"

#include <ucontext.h>

static struct sockaddr_in addr;
static int listener;

static void do_nothing(void)
{
}

static void do_socket(void)
{
	close(socket(AF_INET, SOCK_STREAM, 0));
}

static void do_jit(void)
{
	close(through_jit(socket_at_depth, 2));
}

static void do_connection(void)
{
	serve_one(listener, &addr);
}

static void do_exchange(void)
{
	static int client, server;
	char byte = 0;

	if (!client) {
		client = connect_to(&addr);
		server = accept_client(listener);
	}
	must(write(client, &byte, 1) == 1 && read(server, &byte, 1) == 1, "there");
	must(send(server, &byte, 1, 0) == 1 && recv(client, &byte, 1, 0) == 1, "back");
}

static void *socket_in_thread(void *arg)
{
	do_socket();
	return arg;
}

static void do_thread(void)
{
	pthread_t t;

	must(pthread_create(&t, NULL, socket_in_thread, NULL) == 0, "thread");
	pthread_join(t, NULL);
}

static void do_duplicate(void)
{
	int fd = dup(listener);

	must(dup2(listener, fd) == fd, "dup2");
	close(fd);
}

static void do_wait(void)
{
	static int client, set;
	struct epoll_event event = {.events = EPOLLIN}, got;
	struct pollfd polled;
	struct timeval now = {0, 0};
	fd_set read_set;

	if (!client) {
		client = connect_to(&addr);
		set = epoll_create1(0);
		must(epoll_ctl(set, EPOLL_CTL_ADD, client, &event) == 0, "add");
	}
	must(epoll_ctl(set, EPOLL_CTL_MOD, client, &event) == 0, "modify");
	must(epoll_wait(set, &got, 1, 0) == 0, "epoll_wait");
	polled = (struct pollfd){.fd = client, .events = POLLIN};
	must(poll(&polled, 1, 0) == 0, "poll");
	FD_ZERO(&read_set);
	FD_SET(client, &read_set);
	must(select(client + 1, &read_set, NULL, NULL, &now) == 0, "select");
}

/* From the first on, there may be another process on our memory. */
static void vfork_once(void)
{
	static pid_t pid;

	if (pid)
		return;
	pid = vfork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void do_socket_after_vfork(void)
{
	vfork_once();
	do_socket();
}

static void do_wait_after_vfork(void)
{
	vfork_once();
	do_wait();
}

static ucontext_t here, there;

static void live_there(void)
{
	for (;;) {
		do_socket();
		swapcontext(&there, &here);
	}
}

/* One life on this stack, and one on another. */
static void do_coroutine(void)
{
	static char stack[65536] __attribute__((aligned(4096)));

	if (!there.uc_stack.ss_sp) {
		getcontext(&there);
		there.uc_stack.ss_sp = stack;
		there.uc_stack.ss_size = sizeof(stack);
		makecontext(&there, live_there, 0);
	}
	do_socket();
	swapcontext(&here, &there);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void do_fork_and_socket(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		do_socket();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void do_failed_exec(void)
{
	char *const args[] = {(char *)"no", NULL};

	execv("/no/such", args);
}

/* Left open, for the end to ask about. */
static void do_open(void)
{
	connect_to(&addr);
	accept_client(listener);
}

static const struct {
	const char *name;
	void (*once)(void);
	bool listens; /* needs a listener, which is open before */
} things[] = {
	{"nothing", do_nothing, false},
	{"socket", do_socket, false},
	{"jit", do_jit, false},
	{"connection", do_connection, true},
	{"exchange", do_exchange, true},
	{"thread", do_thread, false},
	{"duplicate", do_duplicate, true},
	{"stamped", stamp_itself, false},
	{"wait", do_wait, true},
	{"after_vfork", do_socket_after_vfork, false},
	{"wait_after_vfork", do_wait_after_vfork, true},
	{"coroutine", do_coroutine, false},
	{"fork", do_fork, true},
	{"fork_and_socket", do_fork_and_socket, true},
	{"failed_exec", do_failed_exec, true},
	{"open", do_open, true},
};

int guest_calls(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0;

	for (size_t i = 0; argc > 0 && i < sizeof(things) / sizeof(things[0]); i++) {
		if (strcmp(things[i].name, argv[0]) != 0)
			continue;
		if (things[i].listens)
			listener = listen_any(&addr);
		while (n-- > 0)
			things[i].once();
		return 0;
	}
	return 97;
}
