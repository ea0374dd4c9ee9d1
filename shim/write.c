/* SPDX-License-Identifier: MIT */
/*
 * The write family and shutdown: signs of life, and where EPIPE says that the peer is gone.
 */
#include "shim.h"

/* sendfile(): the file may be what is bad. */
static bool is_of_other(enum rec_call call, int error)
{
	return call == REC_CALL_SENDFILE && error == EBADF;
}

static ssize_t put(struct life_ref ref, enum rec_call call, ssize_t r, struct at at)
{
	int e;

	if (likely(!ref.life))
		return r;
	e = errno;
	life_touch(ref, call, at);
	if (r > 0)
		life_wrote(ref);
	else if (r < 0 && e != EAGAIN && !is_of_other(call, e))
		life_error(ref, e, at);
	errno = e;
	return r;
}

#define FIND(fd) (hook_enter() ? life_find(fd) : (struct life_ref){NULL, 0})

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	struct life_ref ref = FIND(fd);

	if (unlikely(fd == unwinder_fd) && unwinder_is_caller(AT_CALLER))
		return unwinder_probe(buf);
	return put(ref, REC_CALL_WRITE, real.write(fd, buf, n), AT_CALLER);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int nr)
{
	struct life_ref ref = FIND(fd);

	return put(ref, REC_CALL_WRITEV, real.writev(fd, iov, nr), AT_CALLER);
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	struct life_ref ref = FIND(fd);

	return put(ref, REC_CALL_SEND, real.send(fd, buf, n, flags), AT_CALLER);
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG to,
		      socklen_t len)
{
	struct life_ref ref = FIND(fd);

	return put(ref, REC_CALL_SENDTO, real.sendto(fd, buf, n, flags, to, len), AT_CALLER);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct life_ref ref = FIND(fd);

	return put(ref, REC_CALL_SENDMSG, real.sendmsg(fd, msg, flags), AT_CALLER);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *msgs, unsigned nr, int flags)
{
	struct life_ref ref = FIND(fd);

	return (int)put(ref, REC_CALL_SENDMMSG, real.sendmmsg(fd, msgs, nr, flags), AT_CALLER);
}

/*
 * Two descriptors: what was wrong with one of them, and with which, EBADF does not say. Bytes that
 * came out of a socket, or an end of it, are the business of the one that is read from.
 */
static ssize_t moved(struct life_ref from, struct life_ref to, ssize_t r, size_t n, struct at at)
{
	int e = errno;

	if (from.life) {
		life_touch(from, REC_CALL_SPLICE, at);
		if (r == 0 && n && from.life->type == SOCK_STREAM)
			life_eof(from, at);
		else if (r < 0 && e == ECONNRESET)
			life_error(from, e, at);
	}
	if (to.life) {
		life_touch(to, REC_CALL_SPLICE, at);
		if (r > 0)
			life_wrote(to);
		else if (r < 0 && (e == EPIPE || e == ECONNRESET))
			life_error(to, e, at);
	}
	errno = e;
	return r;
}

EXPORT ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	struct life_ref source = FIND(from), sink = FIND(to);

	return moved(source, sink, real.splice(from, from_at, to, to_at, n, flags), n, AT_CALLER);
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t n)
{
	struct life_ref ref = FIND(to);

	return put(ref, REC_CALL_SENDFILE, real.sendfile(to, from, offset, n), AT_CALLER);
}

EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t n)
{
	struct life_ref ref = FIND(to);

	return put(ref, REC_CALL_SENDFILE, real.sendfile64(to, from, offset, n), AT_CALLER);
}

static enum rec_call write_call(long nr)
{
	switch (nr) {
	case SYS_write:
		return REC_CALL_WRITE;
	case SYS_writev:
		return REC_CALL_WRITEV;
	case SYS_sendto:
		return REC_CALL_SENDTO;
	case SYS_sendmsg:
		return REC_CALL_SENDMSG;
	case SYS_sendmmsg:
		return REC_CALL_SENDMMSG;
	}
	return REC_CALL_SENDFILE;
}

/* All that write to their first descriptor. */
long raw_write(long nr, const long a[6], struct at at)
{
	return put(life_find((int)a[0]), write_call(nr), raw_call(nr, a), at);
}

long raw_splice(long nr, const long a[6], struct at at)
{
	struct life_ref source = life_find((int)a[0]), sink = life_find((int)a[2]);

	return moved(source, sink, raw_call(nr, a), (size_t)a[4], at);
}

static int shut(struct life_ref ref, int r, int how, struct at at)
{
	int e = errno;

	if (!ref.life)
		return r;
	life_touch(ref, REC_CALL_SHUTDOWN, at);
	if (r == 0)
		life_shut(ref, how, at);
	else
		life_error(ref, e, at);
	errno = e;
	return r;
}

EXPORT int shutdown(int fd, int how)
{
	struct life_ref ref = FIND(fd);

	return shut(ref, real.shutdown(fd, how), how, AT_CALLER);
}

long raw_shutdown(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);

	return shut(ref, (int)raw_call(nr, a), (int)a[1], at);
}
