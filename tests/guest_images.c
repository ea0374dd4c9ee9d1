/* SPDX-License-Identifier: MIT */
/* Children that do something to a socket before they become another program. */
#include "guest.h"

#include <sys/socket.h>
#include <sys/wait.h>

#define CHILDREN 20

static int pair[2], listener;
static struct sockaddr_in addr;

static void become(const char *guest, const char *arg)
{
	execl("/proc/self/exe", "guest", guest, arg, NULL);
	must(false, "exec");
}

/* As runtimes prepare the standard input of a program that they start. */
static void takes_a_pair(void)
{
	dup2(pair[0], 0);
	become("nothing", NULL);
}

static void closes_what_is_not_its_own(void)
{
	close(dup(listener));
	fcntl(listener, F_SETFD, FD_CLOEXEC);
	become("nothing", NULL);
}

static void is_handed_a_listener(void)
{
	close(dup(listener));
	become("nothing", NULL);
}

static void has_its_own_closed(void)
{
	must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0, "socket");
	takes_a_pair();
}

static void tries_first(void)
{
	dup2(pair[0], 0);
	execl("/no/such", "such", NULL);
	dup2(pair[1], 1);
	execl("/no/such", "such", NULL);
	become("nothing", NULL);
}

/* What it leaves, the next program does not touch. */
static void leaks_before(void)
{
	fcntl(listener, F_SETFD, FD_CLOEXEC);
	leak_one(listener, &addr);
	serve_one(listener, &addr);
	become("nothing", NULL);
}

static void leaks_after(void)
{
	dup2(pair[0], 0);
	become("exec_chain", "0");
}

/* It goes on as it was. */
static void leaks_when_it_fails(void)
{
	dup2(pair[0], 0);
	execl("/no/such", "such", NULL);
	leak_one(listener, &addr);
	serve_one(listener, &addr);
	_exit(0);
}

/* A shell between who opened it and who forgets it, with nothing to tell of itself. */
static void leaks_behind_a_shell(void)
{
	char self[PATH_MAX] = "", fd[12];
	int client = connect_to(&addr);

	fcntl(listener, F_SETFD, FD_CLOEXEC);
	snprintf(fd, sizeof(fd), "%d", accept_client(listener));
	close(client);
	must(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0, "who we are");
	execl("/bin/sh", "sh", "-c", "\"$0\" inetd_kept $1 & eval \"exec $1>&-\"; wait", self, fd,
	      (char *)NULL);
	must(false, "exec");
}

static const struct {
	const char *name;
	void (*child)(void);
	int nr;
} ways[] = {
	{"takes_a_pair", takes_a_pair, CHILDREN},
	{"closes_what_is_not_its_own", closes_what_is_not_its_own, CHILDREN},
	{"is_handed_a_listener", is_handed_a_listener, CHILDREN},
	{"has_its_own_closed", has_its_own_closed, CHILDREN},
	{"tries_first", tries_first, CHILDREN},
	{"leaks_before", leaks_before, 3},
	{"leaks_after", leaks_after, 1},
	{"leaks_when_it_fails", leaks_when_it_fails, 3},
	{"leaks_behind_a_shell", leaks_behind_a_shell, 3},
};

/* The parent opens, and closes all in the end. */
int guest_becomes(int argc, char **argv)
{
	size_t way = 0;

	must(argc > 0, "a way");
	while (strcmp(ways[way].name, argv[0]) != 0)
		way++;
	listener = listen_any(&addr);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	for (int i = 0; i < ways[way].nr; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			ways[way].child();
		must(waitpid(pid, &status, 0) == pid && status == 0, "child");
	}
	close(listener);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/* An image of its own that was not forked; "pair" and a listener are open where it fails. */
int guest_fails_to_become(int argc, char **argv)
{
	(void)argc, (void)argv;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	execl("/no/such", "such", NULL);
	listener = listen_any(&addr);
	return 0;
}
