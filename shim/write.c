/* SPDX-License-Identifier: MIT */
/*
 * The write family and shutdown: signs of life, and where EPIPE says that the peer is gone.
 */
#include "shim.h"

static ssize_t put(struct life_ref ref, enum rec_call call, ssize_t r, struct at at)
{
	int e;

	if (likely(!ref.life))
		return r;
	in_call_end(&ref.life->writer_tid);
	e = errno;
	life_touch(ref, call, at);
	if (r > 0)
		life_wrote(ref);
	else if (r < 0 && e != EAGAIN)
		life_error(ref, e, at);
	errno = e;
	return r;
}

static inline struct life_ref find(int fd)
{
	struct life_ref ref = {NULL, 0};

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
	bool record = hook_enter();
	struct life_ref ref = record ? life_find(fd) : (struct life_ref){NULL, 0};
	ssize_t r = real.sendmsg(fd, msg, flags);

	if (record && r >= 0 && msg->msg_controllen)
		pass_sent(fd, msg, AT_CALLER);
	return put(ref, REC_CALL_SENDMSG, r, AT_CALLER);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *msgs, unsigned nr, int flags)
{
	bool record = hook_enter();
	struct life_ref ref = record ? life_find(fd) : (struct life_ref){NULL, 0};
	int r = real.sendmmsg(fd, msgs, nr, flags);

	for (int i = 0; record && i < r; i++)
		if (msgs[i].msg_hdr.msg_controllen)
			pass_sent(fd, &msgs[i].msg_hdr, AT_CALLER);
	return (int)put(ref, REC_CALL_SENDMMSG, r, AT_CALLER);
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

EXPORT int shutdown(int fd, int how)
{
	struct life_ref ref = hook_enter() ? life_find(fd) : (struct life_ref){NULL, 0};
	int r = real.shutdown(fd, how), e;

	if (!ref.life)
		return r;
	e = errno;
	life_touch(ref, REC_CALL_SHUTDOWN, AT_CALLER);
	if (r == 0)
		life_shut(ref, how, AT_CALLER);
	else
		life_error(ref, e, AT_CALLER);
	errno = e;
	return r;
}
