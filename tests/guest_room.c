/* SPDX-License-Identifier: MIT */
/* Limits, and the doors into and out of a descriptor. */
#include "guest.h"

int guest_file_limit(int argc, char **argv)
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
int guest_dup(int argc, char **argv)
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
int guest_unseen_doors(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++)
		close_unseen(leak_one(listener, &addr));
	close_range((unsigned)leak_one(listener, &addr), 1000, 0);
	syscall(SYS_close, leak_one(listener, &addr));
	serve_one(listener, &addr);
	return 0;
}
