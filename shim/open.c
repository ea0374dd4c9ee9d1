/* SPDX-License-Identifier: MIT */
/*
 * Births, and the calls that tell a socket its addresses.
 */
#include "shim.h"

/* A birth that failed: only the lack of descriptors is worth a word. */
static void birth_failed(int fd, struct at at)
{
	int e = errno;

	if (e == EMFILE || e == ENFILE)
		recorder_incident(REC_INCIDENT_EXHAUSTED, fd, at, NULL, e);
	errno = e;
}

EXPORT int socket(int family, int type, int protocol)
{
	bool record = hook_enter();
	int fd = real.socket(family, type, protocol);

	if (!record)
		return fd;
	if (fd < 0)
		birth_failed(-1, AT_CALLER);
	else
		life_born(fd, &(struct birth){REC_CALL_SOCKET, family, type, protocol, 0},
			  AT_CALLER);
	return fd;
}

EXPORT int socketpair(int family, int type, int protocol, int fds[2])
{
	struct birth birth = {REC_CALL_SOCKETPAIR, family, type, protocol, 0};
	bool record = hook_enter();
	int r = real.socketpair(family, type, protocol, fds);

	if (!record)
		return r;
	if (r < 0) {
		birth_failed(-1, AT_CALLER);
		return r;
	}
	life_born(fds[0], &birth, AT_CALLER);
	life_born(fds[1], &birth, AT_CALLER);
	return r;
}

/*
 * The peer's address is asked for even where the program does not want it: a socket that was
 * reset has forgotten it. Costs no system call; the kernel's copy cannot fail for our buffer.
 */
struct peer {
	struct sockaddr_storage own;
	socklen_t own_len;
	void *addr;
	socklen_t *len;
	socklen_t room;
};

/* The kernel would say EFAULT where the program's `len` leads nowhere: so it is not just read. */
static void peer_prepare(struct peer *p, void *addr, socklen_t *len, struct at at)
{
	p->own_len = sizeof(p->own);
	p->addr = addr ? addr : &p->own;
	p->len = addr ? len : &p->own_len;
	p->room = !addr ? sizeof(p->own) : stack_readable(len, at) ? *len : 0;
}

static void accepted(int listener, int fd, enum rec_call call, const struct peer *p, struct at at)
{
	struct life_ref from = life_find(listener), ref;
	const struct sockaddr *sa = p->addr;
	/* A wrapper below us may succeed where the kernel says EFAULT. */
	socklen_t len = p->room && *p->len < p->room ? *p->len : p->room;
	struct birth birth = {call, 0, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};

	if (from.life) {
		birth.family = from.life->family;
		birth.type = from.life->type;
		birth.protocol = from.life->protocol;
	} else if (len >= sizeof(sa->sa_family)) {
		birth.family = sa->sa_family;
	}
	ref = life_born(fd, &birth, at);
	if (ref.life)
		life_addr(&ref.life->peer, p->addr, len);
}

static void accept_failed(int listener, struct at at)
{
	struct life_ref from = life_find(listener);

	if (errno == EBADF && from.life)
		life_vanished(from);
	else
		birth_failed(listener, at);
}

EXPORT int accept(int listener, __SOCKADDR_ARG addr, socklen_t *len)
{
	void *guest_addr = *(void **)&addr;
	struct peer peer;
	int fd;

	if (!hook_enter())
		return real.accept(listener, addr, len);
	peer_prepare(&peer, guest_addr, len, AT_CALLER);
	fd = real.accept(listener, (struct sockaddr *)peer.addr, peer.len);
	if (fd < 0)
		accept_failed(listener, AT_CALLER);
	else
		accepted(listener, fd, REC_CALL_ACCEPT, &peer, AT_CALLER);
	return fd;
}

EXPORT int accept4(int listener, __SOCKADDR_ARG addr, socklen_t *len, int flags)
{
	void *guest_addr = *(void **)&addr;
	struct peer peer;
	int fd;

	if (!hook_enter())
		return real.accept4(listener, addr, len, flags);
	peer_prepare(&peer, guest_addr, len, AT_CALLER);
	fd = real.accept4(listener, (struct sockaddr *)peer.addr, peer.len, flags);
	if (fd < 0)
		accept_failed(listener, AT_CALLER);
	else
		accepted(listener, fd, REC_CALL_ACCEPT4, &peer, AT_CALLER);
	return fd;
}

/*
 * EALREADY: the handshake goes on; EISCONN: it was over before. The others never looked at the
 * address, or could not: it must not be read here either.
 */
static bool says_nothing(int error)
{
	switch (error) {
	case EALREADY:
	case EISCONN:
	case EAGAIN:
	case EFAULT:
	case EINVAL:
	case EBADF:
	case ENOTSOCK:
		return true;
	}
	return false;
}

/* EINTR: the handshake goes on. */
static void connect_result(struct life_ref ref, int error, const void *addr, socklen_t len,
			   struct at at)
{
	if (!error || error == EINPROGRESS || error == EINTR) {
		life_flag(ref, REC_LIFE_CONNECTED);
		life_addr(&ref.life->peer, addr, len);
		site_connects(ref.life->site, &ref.life->peer);
	} else if (!says_nothing(error)) {
		life_addr(&ref.life->peer, addr, len);
		life_error(ref, error, at);
		life_flag(ref, REC_LIFE_CONNECT_FAILED);
		word_set(&ref.life->reset_errno, (uint32_t)error);
	}
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const void *peer = *(const void *const *)&addr;
	struct life_ref ref = {NULL, 0};
	int r, e;

	if (hook_enter())
		ref = life_find(fd);
	r = real.connect(fd, addr, len);
	if (!ref.life)
		return r;
	e = errno;
	life_touch(ref, REC_CALL_CONNECT, AT_CALLER);
	if (life_is(ref))
		connect_result(ref, r < 0 ? e : 0, peer, len, AT_CALLER);
	errno = e;
	return r;
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const void *local = *(const void *const *)&addr;
	struct life_ref ref = {NULL, 0};
	int r;

	if (hook_enter())
		ref = life_find(fd);
	r = real.bind(fd, addr, len);
	if (r == 0 && life_is(ref))
		life_addr(&ref.life->local, local, len);
	return r;
}

EXPORT int listen(int fd, int backlog)
{
	struct life_ref ref = {NULL, 0};
	int r;

	if (hook_enter())
		ref = life_find(fd);
	r = real.listen(fd, backlog);
	if (r == 0 && life_is(ref))
		life_flag(ref, REC_LIFE_LISTENING);
	return r;
}

/* SO_ERROR is how a program learns that its non-blocking connect failed, or of a reset. */
EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct life_ref ref = {NULL, 0};
	int r, e, error;

	if (hook_enter() && level == SOL_SOCKET && name == SO_ERROR)
		ref = life_find(fd);
	r = real.getsockopt(fd, level, name, value, len);
	if (!ref.life || r < 0 || *len < sizeof(error))
		return r;
	memcpy(&error, value, sizeof(error));
	if (!error)
		return r;
	e = errno;
	life_error(ref, error, AT_CALLER);
	if (!(ref.life->flags & (REC_LIFE_ACCEPTED | REC_LIFE_TOUCHED)) ||
	    ref.life->touch_call == REC_CALL_CONNECT)
		life_flag(ref, REC_LIFE_CONNECT_FAILED);
	errno = e;
	return r;
}
