/* SPDX-License-Identifier: MIT */
/*
 * client: real TCP clients for the examples.
 *
 *	client PORT MODE=COUNT ...
 *
 * Runs COUNT connections of each mode, one after the other in the order given, and then prints
 * "done". Each is a whole exchange: an answer that does not come within 20 s is an error (status
 *1).
 *
 *	good	asks for something good, reads the answer, hangs up
 *	bad	asks for something bad, reads the refusal, hangs up
 *	cut	as bad, and takes what comes for an answer, be it none
 *	silent	reads the greeting and hangs up
 *	reset	as good, but hangs up with a reset (RST) instead of a FIN
 *	hold	as good, but stays connected
 *	stray	as bad, but stays connected
 *	knock	connects and stays connected, without a word from either side
 *	busy	after "done" it keeps coming back, COUNT connections at a time, as good
 *
 * With hold, stray, knock or busy it stays until its stdin is readable or at its end, or the server
 * is gone, and never longer than a minute.
 */
#include "example.h"

#include <poll.h>

#define SECONDS_FOR_AN_ANSWER 20
#define SECONDS_TO_STAY	      60
#define MAX_BUSY	      64

struct exchange {
	const char *name;
	const char *request; /* NULL: none */
	const char *answer;  /* NULL: none, or any */
};

enum mode { GOOD, BAD, CUT, SILENT, RESET, HOLD, STRAY, KNOCK, BUSY, MODES };

static const struct exchange exchanges[MODES] = {
	[GOOD] = {"good", "hello\n", "ok"},	[BAD] = {"bad", "????\n", "what?"},
	[CUT] = {"cut", "????\n", NULL},	[SILENT] = {"silent", NULL, NULL},
	[RESET] = {"reset", "hello\n", "ok"},	[HOLD] = {"hold", "hello\n", "ok"},
	[STRAY] = {"stray", "????\n", "what?"}, [KNOCK] = {"knock", NULL, NULL},
	[BUSY] = {"busy", "hello\n", "ok"},
};

/* Returns a connected socket, or -1. */
static int dial(uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval timeout = {.tv_sec = SECONDS_FOR_AN_ANSWER};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool expect(int fd, const char *text)
{
	char line[64];

	return read_line(fd, line, sizeof(line)) == 1 && !strcmp(line, text);
}

static bool read_to_end(int fd)
{
	char rest[64];

	while (read(fd, rest, sizeof(rest)) > 0)
		;
	return true;
}

static bool talk(int fd, const struct exchange *x)
{
	return fd >= 0 && expect(fd, "ready") &&
	       (!x->request ||
		(say(fd, x->request) && (x->answer ? expect(fd, x->answer) : read_to_end(fd))));
}

/* Is connected until this program ends. */
static bool stays(enum mode mode)
{
	return mode == HOLD || mode == STRAY || mode == KNOCK;
}

static void reset_on_close(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		die("setsockopt");
}

static void run(uint16_t port, enum mode mode, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = dial(port);

		if (mode == KNOCK ? fd < 0 : !talk(fd, &exchanges[mode])) {
			fprintf(stderr, "client: %s, number %d: not answered as it should be\n",
				exchanges[mode].name, i + 1);
			exit(1);
		}
		if (mode == RESET)
			reset_on_close(fd);
		if (!stays(mode))
			close(fd);
	}
}

/* Returns false when the server is gone. */
static bool come_back(uint16_t port, int count)
{
	int fds[MAX_BUSY];
	bool alive = true;

	for (int i = 0; i < count; i++)
		fds[i] = dial(port);
	for (int i = 0; i < count; i++) {
		alive = talk(fds[i], &exchanges[BUSY]) && alive;
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return alive;
}

static void stay(uint16_t port, int busy)
{
	struct pollfd end = {.fd = STDIN_FILENO, .events = POLLIN};

	/* A pause after each round: every connection leaves a port in TIME_WAIT. */
	while (poll(&end, 1, busy ? 2 : -1) == 0) {
		if (!come_back(port, busy))
			break;
	}
}

static bool parse(const char *arg, enum mode *mode, int *count)
{
	for (*mode = 0; *mode < MODES; (*mode)++) {
		size_t len = strlen(exchanges[*mode].name);

		if (!strncmp(arg, exchanges[*mode].name, len) && arg[len] == '=') {
			*count = atoi(arg + len + 1);
			return *count > 0 && (*mode != BUSY || *count <= MAX_BUSY);
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 0);
	bool holds = false;
	int busy = 0;

	alarm(SECONDS_TO_STAY);
	for (int i = 2; i < argc; i++) {
		enum mode mode;
		int count;

		if (!parse(argv[i], &mode, &count)) {
			fprintf(stderr, "client: cannot make sense of \"%s\"\n", argv[i]);
			return 2;
		}
		if (mode == BUSY)
			busy = count;
		else
			run(port, mode, count);
		holds = holds || stays(mode);
	}
	printf("done\n");
	fflush(stdout);
	if (holds || busy)
		stay(port, busy);
	return 0;
}
