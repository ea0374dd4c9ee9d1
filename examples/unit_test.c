/* SPDX-License-Identifier: MIT */
/*
 * unit_test: a cmocka group that fails when it leaves sockets open.
 *
 * The fault is in the code under test: take_guest() forgets the socket of a stranger. The tests see
 * what it returns, and pass. Under libsocklint.so the group fails all the same, and says
 *
 *	socklint: tests left 1 socket open:
 *	  fd 5, CLOSE_WAIT, peer 127.0.0.1:46290, local 127.0.0.1:40339, opened by accept()
 *	    in take_guest (unit_test)
 *	    called from refuses_a_stranger (unit_test)
 */
#include "example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <socklint_cmocka.h>

static int listener;

/* ---- the code under test ---- */

/* The descriptor of a guest who said hello, or -1. */
static __attribute__((noinline)) int take_guest(void)
{
	char line[80];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return -1;
	if (read_line(fd, line, sizeof(line)) <= 0 || !is_good(line))
		return -1; /* no close(fd) */
	return fd;
}

/* ---- its tests ---- */

static void come_and_say(const char *text)
{
	struct sockaddr_in addr = local_address(listener);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(say(fd, text));
	close(fd);
}

static void takes_who_says_hello(void **state)
{
	int fd;

	(void)state;
	come_and_say("hello\n");
	fd = take_guest();
	assert_true(fd >= 0);
	close(fd);
}

static void refuses_a_stranger(void **state)
{
	(void)state;
	come_and_say("who is there?\n");
	assert_int_equal(take_guest(), -1);
}

static int open_listener(void **state)
{
	(void)state;
	listener = bind_to("0");
	return listen(listener, 8);
}

static int close_listener(void **state)
{
	(void)state;
	return close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		socklint_unit_test(takes_who_says_hello),
		cmocka_unit_test(refuses_a_stranger),
	};

	return socklint_run_group_tests(tests, open_listener, close_listener);
}
