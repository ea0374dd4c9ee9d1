/*
 * time_wait_pressure: a client that makes a new connection for each question, and closes first.
 *
 * The fault:  ask() dials, asks, reads the answer and hangs up, a thousand times a second or more,
 *             always the same server.
 * TCP:        whoever sends the first FIN goes through FIN_WAIT to TIME_WAIT, and stays there for
 *             60 s: 2 MSL, so that a lost last ACK can be repeated. Nothing leaks, the descriptor
 *             is free; but for so long its local port cannot be used again to the same server, and
 *             there are about 28,000. Then connect() fails with EADDRNOTAVAIL. (Over the loopback,
 *             as here, Linux takes ports in TIME_WAIT again after a second.)
 * The fix:    one connection for many questions, or the server closes first.
 *
 * The server is a child of the program, and well-behaved. Both run in a network of their own where
 * they may make one, so that nobody else is short of ports for the next minute.
 *
 * clients:  none
 * stop:     itself
 * finds:    warning: time-wait-pressure: 15000 sockets opened in dial
 * says:     15000 of 28232 in TIME_WAIT at once
 * says:     close ask (time_wait_pressure.c:
 */
#define _GNU_SOURCE
#include "example.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define QUESTIONS 15000

static void own_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		die("lo");
	close(fd);
}

static int dial(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* socklint: opened here */

	if (fd < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		die("connect");
	return fd;
}

static void ask(const struct sockaddr_in *addr)
{
	int fd = dial(addr);
	char answer[64];

	say(fd, "hello\n");
	read_line(fd, answer, sizeof(answer));
	close(fd); /* the fault: the first FIN is ours, each time */
}

/* Closes second, when the client has: its sockets go straight from CLOSE_WAIT to their end. */
static void serve(int listener)
{
	char line[64];

	for (int i = 0; i < QUESTIONS; i++) {
		int fd = accept(listener, NULL, NULL);

		while (read_line(fd, line, sizeof(line)) > 0)
			say(fd, "ok\n");
		close(fd);
	}
}

int main(void)
{
	struct sockaddr_in addr;
	int listener;
	pid_t server;

	own_network();
	listener = listen_on("0");
	addr = local_address(listener);
	server = fork();
	if (server < 0)
		die("fork");
	if (server == 0) {
		serve(listener);
		exit(0);
	}
	close(listener);
	for (int i = 0; i < QUESTIONS; i++)
		ask(&addr);
	waitpid(server, NULL, 0);
}
