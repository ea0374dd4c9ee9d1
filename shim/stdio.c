/* SPDX-License-Identifier: MIT */
/*
 * Sockets inside a FILE. The C library reads, writes and closes them by itself, where no hook
 * looks: so from fdopen() on nobody knows what is done with one, until the FILE is closed.
 * (fcloseall() and exit() flush, and close nothing.)
 */
#include <errno.h>
#include <stdio.h>

#include "at.h"
#include "close.h"
#include "hook.h"
#include "house.h"
#include "incidents.h"
#include "init.h"
#include "lives.h"
#include "recording.h"
#include "touch.h"

/* The descriptor of a FILE, or -1 (memory, a cookie, closed). */
static int descriptor(FILE *f)
{
	int e = errno, fd = fileno(f);

	errno = e;
	return fd;
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	struct life_ref ref = hook_enter() ? life_find(fd) : (struct life_ref){NULL, 0, -1};
	FILE *f = real.fdopen(fd, mode);
	int e = errno;

	if (f && ref.life) {
		life_touch(ref, REC_CALL_FDOPEN, AT_CALLER);
		if (life_is(ref))
			life_flag(ref, REC_LIFE_STDIO);
	}
	errno = e;
	return f;
}

/* The last write may fail: the descriptor is closed all the same. */
static int close_file(FILE *f, int (*const *really)(FILE *f), struct at at)
{
	bool record = hook_enter(), died; /* and only now *really is there */
	int fd = record ? descriptor(f) : -1, r;
	uint32_t undo;

	died = fd >= 0 && life_die(fd, at, &undo);
	r = (*really)(f);
	if (fd < 0 || died)
		return r;
	if (r < 0 && errno == EBADF)
		incident_double_close(fd, at);
	else
		close_forget(fd);
	return r;
}

EXPORT int fclose(FILE *f)
{
	return close_file(f, &real.fclose, AT_CALLER);
}

/* Of a FILE that popen() did not make it is fclose(). */
EXPORT int pclose(FILE *f)
{
	return close_file(f, &real.pclose, AT_CALLER);
}

/*
 * What was open is closed in any case: also if the new file cannot be opened, and where its number
 * is kept for the new one. A path of NULL opens /proc/self/fd/N anew, which no socket allows.
 */
static void file_dies(FILE *f, struct at at)
{
	int fd = descriptor(f);
	uint32_t undo;

	if (fd >= 0)
		life_die(fd, at, &undo);
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *f)
{
	if (hook_enter())
		file_dies(f, AT_CALLER);
	return real.freopen(path, mode, f);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *f)
{
	if (hook_enter())
		file_dies(f, AT_CALLER);
	return real.freopen64(path, mode, f);
}
