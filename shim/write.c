/* SPDX-License-Identifier: MIT */
/*
 * The write family and shutdown: signs of life, and where EPIPE says that the peer is gone.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "at.h"
#include "hook.h"
#include "house.h"
#include "incidents.h"
#include "init.h"
#include "learnt.h"
#include "lives.h"
#include "pass.h"
#include "raw.h"
#include "recording.h"
#include "touch.h"
#include "unwinder.h"
#include "waits.h"

/* sendfile(): the file may be what is bad. */
static bool is_of_other(enum rec_call call, int error)
{
	return call == REC_CALL_SENDFILE && error == EBADF;
}

/* The first time, or nothing, or of a socket that somebody else closed or uses meanwhile. */
static __attribute__((noinline)) ssize_t put_rarely(struct life_ref ref, enum rec_call call,
						    ssize_t r, struct at at)
{
	uint64_t now;
	int e = errno;

	in_call_end(&ref.life->writer_tid);
	now = life_touch(ref, call, at);
	if (r > 0)
		life_wrote(ref, now);
	else if (r < 0 && e != EAGAIN && !is_of_other(call, e))
		life_error(ref, e, at);
	errno = e;
	return r;
}

static inline __attribute__((always_inline)) ssize_t
put(struct life_ref ref, int fd, enum rec_call call, ssize_t r, struct at at)
{
	uint64_t now = 0;

	if (!ref.life)
		return use_returned(fd, call, r, at);
	if (likely(r > 0))
		now = life_touch_again(ref, &ref.life->writer_tid, call, at.pc);
	if (unlikely(!now))
		return put_rarely(ref, call, r, at);
	word_set(&ref.life->write_ns, now);
	return r;
}

/* It may have taken descriptors along. */
static ssize_t put_message(struct life_ref ref, int fd, const struct msghdr *msg, ssize_t r,
			   struct at at)
{
	if (r >= 0 && msg->msg_controllen && hook_enter())
		pass_sent(fd, msg, at);
	return put(ref, fd, REC_CALL_SENDMSG, r, at);
}

static int put_many(struct life_ref ref, int fd, const struct mmsghdr *msgs, int r, struct at at)
{
	bool record = hook_enter();

	for (int i = 0; record && i < r; i++)
		if (msgs[i].msg_hdr.msg_controllen)
			pass_sent(fd, &msgs[i].msg_hdr, at);
	return (int)put(ref, fd, REC_CALL_SENDMMSG, r, at);
}

static inline __attribute__((always_inline)) struct life_ref find(int fd)
{
	struct life_ref ref = {NULL, 0, fd};

	if (hook_enter())
		ref = life_find(fd);
	if (ref.life)
		in_call_begin(&ref.life->writer_tid);
	return ref;
}

#define FIND(fd)                                                                                   \
	find(fd);                                                                                  \
	CANCELLABLE

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	struct life_ref ref = FIND(fd);

	if (unlikely(fd == unwinder_fd) && unwinder_is_caller(AT_CALLER))
		return unwinder_probe(buf);
	return put(ref, fd, REC_CALL_WRITE, real.write(fd, buf, n), AT_CALLER);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int nr)
{
	struct life_ref ref = FIND(fd);

	return put(ref, fd, REC_CALL_WRITEV, real.writev(fd, iov, nr), AT_CALLER);
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	struct life_ref ref = FIND(fd);

	return put(ref, fd, REC_CALL_SEND, real.send(fd, buf, n, flags), AT_CALLER);
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG to,
		      socklen_t len)
{
	struct life_ref ref = FIND(fd);

	return put(ref, fd, REC_CALL_SENDTO, real.sendto(fd, buf, n, flags, to, len), AT_CALLER);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct life_ref ref = FIND(fd);

	return put_message(ref, fd, msg, real.sendmsg(fd, msg, flags), AT_CALLER);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *msgs, unsigned nr, mmsg_flags flags)
{
	struct life_ref ref = FIND(fd);

	return put_many(ref, fd, msgs, real.sendmmsg(fd, msgs, nr, flags), AT_CALLER);
}

/*
 * Two descriptors: what was wrong with one of them, and with which, EBADF does not say. Bytes that
 * came out of a socket, or an end of it, are the business of the one that is read from.
 */
static ssize_t moved(struct life_ref from, struct life_ref to, ssize_t r, size_t n, struct at at)
{
	uint64_t now;
	int e = errno;

	if (from.life) {
		in_call_end(&from.life->reader_tid);
		life_touch(from, REC_CALL_SPLICE, at);
		if (r == 0 && n && from.life->type == SOCK_STREAM)
			life_eof(from, at);
		else if (r < 0 && e == ECONNRESET)
			life_error(from, e, at);
	}
	if (to.life) {
		in_call_end(&to.life->writer_tid);
		now = life_touch(to, REC_CALL_SPLICE, at);
		if (r > 0)
			life_wrote(to, now);
		else if (r < 0 && (e == EPIPE || e == ECONNRESET))
			life_error(to, e, at);
	}
	errno = e;
	return r;
}

EXPORT ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	bool record = hook_enter();
	struct life_ref source = {NULL, 0, -1}, sink = {NULL, 0, -1};

	CANCELLABLE;
	if (record) {
		source = life_find(from);
		sink = life_find(to);
	}
	if (source.life)
		in_call_begin(&source.life->reader_tid);
	if (sink.life)
		in_call_begin(&sink.life->writer_tid);
	return moved(source, sink, real.splice(from, from_at, to, to_at, n, flags), n, AT_CALLER);
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t n)
{
	struct life_ref ref = FIND(to);

	return put(ref, to, REC_CALL_SENDFILE, real.sendfile(to, from, offset, n), AT_CALLER);
}

EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t n)
{
	struct life_ref ref = FIND(to);

	return put(ref, to, REC_CALL_SENDFILE, real.sendfile64(to, from, offset, n), AT_CALLER);
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
	}
	return REC_CALL_SENDFILE;
}

long raw_sendmsg(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);

	return put_message(ref, (int)a[0], (const struct msghdr *)a[1], raw_call(nr, a), at);
}

long raw_sendmmsg(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);
	int r = (int)raw_call(nr, a);

	return put_many(ref, (int)a[0], (const struct mmsghdr *)a[1], r, at);
}

/* All others that write to their first descriptor. */
long raw_write(long nr, const long a[6], struct at at)
{
	return put(life_find((int)a[0]), (int)a[0], write_call(nr), raw_call(nr, a), at);
}

long raw_splice(long nr, const long a[6], struct at at)
{
	struct life_ref source = life_find((int)a[0]), sink = life_find((int)a[2]);

	return moved(source, sink, raw_call(nr, a), (size_t)a[4], at);
}

static int shut(struct life_ref ref, int fd, int r, int how, struct at at)
{
	int e = errno;

	if (!ref.life)
		return (int)use_returned(fd, REC_CALL_SHUTDOWN, r, at);
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
	struct life_ref ref = hook_enter() ? life_find(fd) : (struct life_ref){NULL, 0, -1};

	return shut(ref, fd, real.shutdown(fd, how), how, AT_CALLER);
}

long raw_shutdown(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);

	return shut(ref, (int)a[0], (int)raw_call(nr, a), (int)a[1], at);
}
