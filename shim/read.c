/* SPDX-License-Identifier: MIT */
/*
 * The read family: where the program learns of the EOF, and of a reset.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
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

/* What was asked for. */
struct request {
	enum rec_call call;
	size_t bytes;
	int flags;
};

static inline struct request request(enum rec_call call, size_t bytes, int flags)
{
	return (struct request){call, bytes, flags};
}

/* A result of 0 is the EOF then: something was asked for, and not only peeked at. */
static inline bool request_wants(struct request q)
{
	return q.bytes && !(q.flags & (MSG_PEEK | MSG_ERRQUEUE));
}

/* The first time, or nothing, or of a socket that somebody else closed or uses meanwhile. */
static __attribute__((noinline)) ssize_t got_rarely(struct life_ref ref, enum rec_call call,
						    bool wanted, ssize_t r, struct at at)
{
	int e = errno;

	in_call_end(&ref.life->reader_tid);
	life_touch(ref, call, at);
	if (r == 0 && wanted && ref.life->type == SOCK_STREAM)
		life_eof(ref, at);
	else if (r < 0 && e != EAGAIN)
		life_error(ref, e, at);
	errno = e;
	return r;
}

static inline __attribute__((always_inline)) ssize_t got(struct life_ref ref, int fd,
							 struct request q, ssize_t r, struct at at)
{
	if (!ref.life)
		return use_returned(fd, q.call, r, at);
	if (likely(r > 0 && life_touch_again(ref, &ref.life->reader_tid, q.call, at.pc)))
		return r;
	return got_rarely(ref, q.call, request_wants(q), r, at);
}

static size_t iov_bytes(const struct iovec *iov, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		n += iov[i].iov_len;
	return n;
}

/* To begin with: the life that the descriptor holds now, and not after the call. */
static inline __attribute__((always_inline)) struct life_ref find(int fd)
{
	struct life_ref ref = {NULL, 0, fd};

	if (hook_enter())
		ref = life_find(fd);
	if (ref.life)
		in_call_begin(&ref.life->reader_tid);
	return ref;
}

#define FIND(fd)                                                                                   \
	find(fd);                                                                                  \
	CANCELLABLE

EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	struct life_ref ref = FIND(fd);

	if (unlikely(fd == unwinder_fd) && unwinder_is_caller(AT_CALLER)) {
		errno = 0;
		return 1;
	}
	return got(ref, fd, request(REC_CALL_READ, n, 0), real.read(fd, buf, n), AT_CALLER);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int nr)
{
	struct life_ref ref = FIND(fd);
	ssize_t r = real.readv(fd, iov, nr);

	if (!ref.life)
		return use_returned(fd, REC_CALL_READV, r, AT_CALLER);
	return got(ref, fd, request(REC_CALL_READV, r ? 0 : iov_bytes(iov, (size_t)nr), 0), r,
		   AT_CALLER);
}

EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	struct life_ref ref = FIND(fd);

	return got(ref, fd, request(REC_CALL_RECV, n, flags), real.recv(fd, buf, n, flags),
		   AT_CALLER);
}

EXPORT ssize_t recvfrom(int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *len)
{
	struct life_ref ref = FIND(fd);

	return got(ref, fd, request(REC_CALL_RECVFROM, n, flags),
		   real.recvfrom(fd, buf, n, flags, from, len), AT_CALLER);
}

/* It may have brought descriptors, by whatever it came. */
static ssize_t got_message(struct life_ref ref, int fd, const struct msghdr *msg, int flags,
			   ssize_t r, struct at at)
{
	size_t bytes = 0;

	if (r >= 0 && msg->msg_controllen && hook_enter())
		pass_received(msg, REC_CALL_RECVMSG, at);
	if (ref.life && r == 0)
		bytes = iov_bytes(msg->msg_iov, msg->msg_iovlen);
	return got(ref, fd, request(REC_CALL_RECVMSG, bytes, flags), r, at);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct life_ref ref = FIND(fd);

	return got_message(ref, fd, msg, flags, real.recvmsg(fd, msg, flags), AT_CALLER);
}

/* A stream fills one message after the other; an EOF is a last message of no bytes. */
static int got_many(struct life_ref ref, int fd, int r, const struct mmsghdr *msgs, int flags,
		    struct at at)
{
	const struct mmsghdr *last = r > 0 ? &msgs[r - 1] : NULL;
	bool record = hook_enter();
	size_t bytes = 0;

	for (int i = 0; record && i < r; i++)
		if (msgs[i].msg_hdr.msg_controllen)
			pass_received(&msgs[i].msg_hdr, REC_CALL_RECVMMSG, at);
	if (ref.life && last)
		bytes = iov_bytes(last->msg_hdr.msg_iov, last->msg_hdr.msg_iovlen);
	got(ref, fd, request(REC_CALL_RECVMMSG, bytes, flags), last ? (ssize_t)last->msg_len : r,
	    at);
	return r;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *msgs, unsigned nr, mmsg_flags flags,
		    struct timespec *timeout)
{
	struct life_ref ref = FIND(fd);

	return got_many(ref, fd, real.recvmmsg(fd, msgs, nr, flags, timeout), msgs, (int)flags,
			AT_CALLER);
}

/* ---- what programs built with _FORTIFY_SOURCE call ---- */

EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
	struct life_ref ref = FIND(fd);

	return got(ref, fd, request(REC_CALL_READ, n, 0), real.__read_chk(fd, buf, n, room),
		   AT_CALLER);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
	struct life_ref ref = FIND(fd);

	return got(ref, fd, request(REC_CALL_RECV, n, flags),
		   real.__recv_chk(fd, buf, n, room, flags), AT_CALLER);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags,
			      __SOCKADDR_ARG from, socklen_t *len)
{
	struct life_ref ref = FIND(fd);

	return got(ref, fd, request(REC_CALL_RECVFROM, n, flags),
		   real.__recvfrom_chk(fd, buf, n, room, flags, from, len), AT_CALLER);
}

/* ---- by syscall() ---- */

/* read, recvfrom */
long raw_read(long nr, const long a[6], struct at at)
{
	bool recv = nr == SYS_recvfrom;
	struct request q = request(recv ? REC_CALL_RECVFROM : REC_CALL_READ, (size_t)a[2],
				   recv ? (int)a[3] : 0);

	return got(life_find((int)a[0]), (int)a[0], q, raw_call(nr, a), at);
}

long raw_readv(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);
	long r = raw_call(nr, a);
	size_t bytes = ref.life && !r ? iov_bytes((const struct iovec *)a[1], (size_t)a[2]) : 0;

	return got(ref, (int)a[0], request(REC_CALL_READV, bytes, 0), r, at);
}

long raw_recvmsg(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);

	return got_message(ref, (int)a[0], (const struct msghdr *)a[1], (int)a[2], raw_call(nr, a),
			   at);
}

long raw_recvmmsg(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);
	int r = (int)raw_call(nr, a);

	return got_many(ref, (int)a[0], r, (const struct mmsghdr *)a[1], (int)a[3], at);
}
