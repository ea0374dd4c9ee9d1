/* SPDX-License-Identifier: MIT */
/*
 * hostile: leaks a few sockets from functions and files whose names try to break out of whatever
 * they are printed into. Assembler, linker and debug information take any name; so must every
 * format.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <socklint.h>

#define TEN(s) s s s s s s s s s s
#define LEAKS  4

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_listener(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, len) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)addr, &len))
		die("listen");
	return fd;
}

static void visit(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		die("connect");
	close(fd);
}

/* Reads to the EOF, and no more is done. */
static inline __attribute__((always_inline)) void read_all(int fd)
{
	char buf[16];

	if (fd < 0)
		die("accept");
	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

#define LEAKY(fn, name)                                                                            \
	void fn(int listener) __asm__("\"" name "\"");                                             \
	__attribute__((noinline)) void fn(int listener)                                            \
	{                                                                                          \
		read_all(accept(listener, NULL, NULL));                                            \
		__asm__ volatile("" ::: "memory"); /* no tail call */                              \
	}

#line 1 "<script>alert('file')</script>.c"
LEAKY(in_markup, "</script><script>alert('function')</script>")
#line 1 "a\" onmouseover=\"alert(6).c"
LEAKY(in_attribute, "x\\\" onclick=\\\"alert(7)' `b` | c | [d](javascript:alert(8))")
#line 1 "\xff\xfe\xc0\x80.c"
LEAKY(in_bad_bytes, "bad \xff\xc0\x80\xed\xa0\x80 bytes")
#line 1 "right \xe2\x80\xae to left.c"
LEAKY(in_right_to_left, "admin \xe2\x80\xae\xe2\x81\xa6 txt.exe \xe2\x80\xa9 end")
#line 1 "::error file=x::y%0A.c"
LEAKY(in_command, "]]> ::set-output name=a::b --> ]]&gt; {{7*7}} ;;; 100%")
#line 1 "long.c"
LEAKY(in_long, TEN(TEN(TEN("wide<b>name"))))

#line 100 "hostile.c"
int main(void)
{
	static void (*const ways[])(int) = {in_markup,	      in_attribute, in_bad_bytes,
					    in_right_to_left, in_command,   in_long};
	struct sockaddr_in addr = {0};
	int listener = open_listener(&addr);
	size_t way;
	int i;

	socklint_keep(listener, "<b onclick='alert(9)'>why</b> \xff \xe2\x80\xae not");
	for (way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		for (i = 0; i < LEAKS; i++) {
			visit(&addr);
			ways[way](listener);
		}
	}
	return 0;
}
