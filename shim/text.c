/* SPDX-License-Identifier: MIT */
/*
 * Small strings without stdio: paths are built and /proc is read with these alone.
 */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "gate.h"
#include "house.h"
#include "sys.h"

struct text text_in(char *buf, size_t room)
{
	buf[0] = '\0';
	return (struct text){buf, room, 0, false};
}

void text_add_n(struct text *t, const char *s, size_t n)
{
	if (t->len + n >= t->room) {
		t->cut = true;
		return;
	}
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_n(t, s, strlen(s));
}

/* A relative path is meant from where the program was started, wherever it goes later. */
void text_add_path(struct text *t, const char *path, size_t n)
{
	char here[512];

	if (n && *path != '/' && SYS2(SYS_getcwd, here, sizeof(here)) > 0) {
		text_add(t, here);
		text_add(t, "/");
	}
	text_add_n(t, path, n);
}

void text_add_number(struct text *t, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	text_add_n(t, digits + i, sizeof(digits) - i);
}

static long read_all(const char *path, char *buf, size_t n)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	size_t got = 0;
	long r = fd;

	if (fd < 0)
		return fd;
	while (got < n && (r = sys_read(fd, buf + got, n - got)) > 0)
		got += (size_t)r;
	sys_close(fd);
	return r < 0 ? r : (long)got;
}

long text_read_file(const char *path, char *buf, size_t n)
{
	struct stay stay;
	long r = gate_hold(&stay) ? read_all(path, buf, n) : -EPERM;

	gate_release(&stay);
	return r;
}
