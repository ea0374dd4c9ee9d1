/* SPDX-License-Identifier: MIT */
/*
 * Births, and the calls that tell a socket its addresses.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "at.h"
#include "hook.h"
#include "house.h"
#include "incidents.h"
#include "init.h"
#include "learnt.h"
#include "lives.h"
#include "outcomes.h"
#include "raw.h"
#include "recording.h"
#include "sites.h"
#include "stack.h"
#include "thread.h"
#include "touch.h"
#include "waits.h"
#include "words.h"

/* A birth that failed: only the lack of descriptors is worth a word. */
static void birth_failed(int fd, enum rec_call call, struct at at)
{
	int e = errno;

	if (e == EMFILE || e == ENFILE)
		incident_exhausted(fd, call, e, at);
	errno = e;
}

static int made_one(int fd, const struct birth *birth, struct at at)
{
	if (fd < 0)
		birth_failed(-1, birth->call, at);
	else
		life_born(fd, birth, at);
	return fd;
}

EXPORT int socket(int family, int type, int protocol)
{
	struct birth birth = {REC_CALL_SOCKET, family, type, protocol, 0};
	bool record = hook_enter();
	int fd;

	thread.in_birth = record;
	fd = real.socket(family, type, protocol);
	if (record)
		made_one(fd, &birth, AT_CALLER);
	thread.in_birth = false;
	return fd;
}

long raw_socket(long nr, const long a[6], struct at at)
{
	struct birth birth = {REC_CALL_SOCKET, (int)a[0], (int)a[1], (int)a[2], 0};

	return made_one((int)raw_call(nr, a), &birth, at);
}

static int made_two(int r, const int fds[2], const struct birth *birth, struct at at)
{
	if (r < 0) {
		birth_failed(-1, birth->call, at);
		return r;
	}
	life_born(fds[0], birth, at);
	life_born(fds[1], birth, at);
	return r;
}

EXPORT int socketpair(int family, int type, int protocol, int fds[2])
{
	struct birth birth = {REC_CALL_SOCKETPAIR, family, type, protocol, 0};
	bool record = hook_enter();
	int r = real.socketpair(family, type, protocol, fds);

	return record ? made_two(r, fds, &birth, AT_CALLER) : r;
}

long raw_socketpair(long nr, const long a[6], struct at at)
{
	struct birth birth = {REC_CALL_SOCKETPAIR, (int)a[0], (int)a[1], (int)a[2], 0};

	return made_two((int)raw_call(nr, a), (const int *)a[3], &birth, at);
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

/* Who waits in accept() says so at the listener. */
static inline struct life_ref listener_enter(int listener)
{
	struct life_ref ref = life_find(listener);

	if (ref.life)
		in_call_begin(&ref.life->reader_tid);
	return ref;
}

static inline void listener_leave(struct life_ref ref)
{
	if (ref.life)
		in_call_end(&ref.life->reader_tid);
}

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
	if (!ref.life)
		return;
	life_peer(ref, p->addr, len);
	life_accepted_from(from, ref.life->born_ns);
}

static void accept_failed(int listener, enum rec_call call, struct at at)
{
	struct life_ref from = life_find(listener);

	if (errno == EBADF && from.life)
		life_vanished(from);
	else
		birth_failed(listener, call, at);
}

EXPORT int accept(int listener, __SOCKADDR_ARG addr, socklen_t *len)
{
	void *guest_addr = *(void **)&addr;
	struct life_ref in;
	struct peer peer;
	int fd;

	CANCELLABLE;
	if (!hook_enter())
		return real.accept(listener, addr, len);
	in = listener_enter(listener);
	peer_prepare(&peer, guest_addr, len, AT_CALLER);
	thread.in_birth = true;
	fd = real.accept(listener, (struct sockaddr *)peer.addr, peer.len);
	listener_leave(in);
	if (fd < 0)
		accept_failed(listener, REC_CALL_ACCEPT, AT_CALLER);
	else
		accepted(listener, fd, REC_CALL_ACCEPT, &peer, AT_CALLER);
	thread.in_birth = false;
	return fd;
}

EXPORT int accept4(int listener, __SOCKADDR_ARG addr, socklen_t *len, int flags)
{
	void *guest_addr = *(void **)&addr;
	struct life_ref in;
	struct peer peer;
	int fd;

	CANCELLABLE;
	if (!hook_enter())
		return real.accept4(listener, addr, len, flags);
	in = listener_enter(listener);
	peer_prepare(&peer, guest_addr, len, AT_CALLER);
	thread.in_birth = true;
	fd = real.accept4(listener, (struct sockaddr *)peer.addr, peer.len, flags);
	listener_leave(in);
	if (fd < 0)
		accept_failed(listener, REC_CALL_ACCEPT4, AT_CALLER);
	else
		accepted(listener, fd, REC_CALL_ACCEPT4, &peer, AT_CALLER);
	thread.in_birth = false;
	return fd;
}

long raw_accept(long nr, const long a[6], struct at at)
{
	enum rec_call call = nr == SYS_accept4 ? REC_CALL_ACCEPT4 : REC_CALL_ACCEPT;
	struct peer peer;
	int fd;

	peer_prepare(&peer, (void *)a[1], (socklen_t *)a[2], at);
	fd = (int)real.syscall(nr, a[0], peer.addr, peer.len, a[3]);
	if (fd < 0)
		accept_failed((int)a[0], call, at);
	else
		accepted((int)a[0], fd, call, &peer, at);
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
	struct rec_addr peer;

	if (!error || error == EINPROGRESS || error == EINTR) {
		life_flag(ref, REC_LIFE_CONNECTED);
		life_peer(ref, addr, len);
		peer = rec_life_peer(ref.life, life_rest(ref));
		site_connects(ref.life->site, &peer);
	} else if (!says_nothing(error)) {
		life_peer(ref, addr, len);
		life_error(ref, error, at);
		life_flag(ref, REC_LIFE_CONNECT_FAILED);
		word_set(&ref.life->reset_errno, (uint8_t)error);
	}
}

static int connected(struct life_ref ref, int fd, int r, const void *addr, socklen_t len,
		     struct at at)
{
	int e = errno;

	if (!ref.life)
		return (int)use_returned(fd, REC_CALL_CONNECT, r, at);
	in_call_end(&ref.life->writer_tid);
	life_touch(ref, REC_CALL_CONNECT, at);
	if (life_is(ref))
		connect_result(ref, r < 0 ? e : 0, addr, len, at);
	errno = e;
	return r;
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const void *peer = *(const void *const *)&addr;
	struct life_ref ref = {NULL, 0, -1};

	CANCELLABLE;
	if (hook_enter())
		ref = life_find(fd);
	if (ref.life)
		in_call_begin(&ref.life->writer_tid);
	return connected(ref, fd, real.connect(fd, addr, len), peer, len, AT_CALLER);
}

long raw_connect(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);

	return connected(ref, (int)a[0], (int)raw_call(nr, a), (const void *)a[1], (socklen_t)a[2],
			 at);
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const void *local = *(const void *const *)&addr;
	struct life_ref ref = {NULL, 0, -1};
	int r;

	if (hook_enter())
		ref = life_find(fd);
	r = real.bind(fd, addr, len);
	if (r == 0 && life_is(ref))
		life_local(ref, local, len);
	return r;
}

long raw_bind(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);
	long r = raw_call(nr, a);

	(void)at;
	if (r == 0 && life_is(ref))
		life_local(ref, (const void *)a[1], (socklen_t)a[2]);
	return r;
}

static void listens(struct life_ref ref)
{
	if (!life_is(ref))
		return;
	life_flag(ref, REC_LIFE_LISTENING);
	outcome_listener_opens(ref.life);
}

EXPORT int listen(int fd, int backlog)
{
	struct life_ref ref = {NULL, 0, -1};
	int r;

	if (hook_enter())
		ref = life_find(fd);
	r = real.listen(fd, backlog);
	if (r == 0)
		listens(ref);
	return r;
}

long raw_listen(long nr, const long a[6], struct at at)
{
	struct life_ref ref = life_find((int)a[0]);
	long r = raw_call(nr, a);

	(void)at;
	if (r == 0)
		listens(ref);
	return r;
}

/* SO_ERROR is how a program learns that its non-blocking connect failed, or of a reset. */
EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct life_ref ref = {NULL, 0, -1};
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

/*
 * SO_LINGER of 0 s, as proxies set it before they close: the kernel sends a RST and keeps no
 * TIME_WAIT (tcp(7), socket(7)).
 */
EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct life_ref ref = {NULL, 0, -1};
	struct linger linger;
	int r;

	if (unlikely(level == SOL_SOCKET && name == SO_LINGER) && hook_enter())
		ref = life_find(fd);
	r = real.setsockopt(fd, level, name, value, len);
	if (likely(!ref.life) || r < 0 || len < sizeof(linger))
		return r;
	memcpy(&linger, value, sizeof(linger));
	life_aborts(ref, linger.l_onoff && !linger.l_linger);
	return r;
}
