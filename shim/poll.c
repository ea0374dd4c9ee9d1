/* SPDX-License-Identifier: MIT */
/*
 * poll and select: who waits there for input, and who is told by poll that the peer is gone.
 *
 * The members of a set are stamped on entry (pollers.c), so that they count as waited for however
 * long the call lasts. The set is the program's memory, and where it leads nowhere the kernel says
 * EFAULT: so it is read only where it lies in the live stack, where the same set was there a
 * moment ago, or where the kernel says on being asked that it is there.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "at.h"
#include "clock.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "lives.h"
#include "other.h"
#include "pollers.h"
#include "recording.h"
#include "shim.h"
#include "stack.h"
#include "sys.h"
#include "thread.h"
#include "waits.h"
#include "words.h"

#define KNOWN_FOR_NS 100000000u
#define MEMBERS_MAX  65536u
#define PAGE	     4096u
#define INPUT	     (POLLIN | POLLRDNORM | POLLRDHUP)

/* ---- reading the program's set ------------------------------------------------------------ */

static bool is_there(const void *set, size_t bytes)
{
	uintptr_t from = (uintptr_t)set, last = from + bytes - sizeof(uint64_t), p = from;

	if (shim.sealed || last < from)
		return false;
	do {
		if (!sys_readable((const void *)p))
			return false;
		p = (p & ~(uintptr_t)(PAGE - 1)) + PAGE;
	} while (p <= last);
	return sys_readable((const void *)last);
}

static void now_known(const void *set, size_t bytes, uint64_t now)
{
	thread.polling.known = set;
	thread.polling.known_bytes = bytes;
	thread.polling.known_until_ns = now + KNOWN_FOR_NS;
}

static bool may_read(const void *set, size_t bytes, uint64_t now, struct at at)
{
	const struct polling *p = &thread.polling;

	if (stack_holds(set, bytes, at))
		return true;
	if (set == p->known && bytes == p->known_bytes && now < p->known_until_ns)
		return true;
	if (!is_there(set, bytes))
		return false;
	now_known(set, bytes, now);
	return true;
}

static bool is_due(size_t members, uint64_t now)
{
	return members && members <= MEMBERS_MAX && word_get(&shim.top_chunk) &&
	       (members <= POLL_SMALL_SET || now >= thread.polling.due_ns);
}

/* ---- poll --------------------------------------------------------------------------------- */

static void stamp_polled(const struct pollfd *fds, nfds_t nr, uint64_t now, struct at at)
{
	uint64_t look = nr, ns;
	uint32_t members = 0;

	for (nfds_t i = 0; i < nr; i++)
		look = poller_look_at(look,
				      (uint64_t)(uint16_t)fds[i].events << 32 | (unsigned)fds[i].fd,
				      fds[i].fd);
	if (poller_is_unchanged(look, now, at))
		return;
	ns = poller_next_stamp(now);
	for (nfds_t i = 0; i < nr; i++)
		if (fds[i].events & INPUT)
			members += poller_stamp(fds[i].fd, ns);
	if (members)
		poller_stamped(nr > members ? (uint32_t)nr : members, now, ns, at);
	for (nfds_t i = 0; !members && i < nr; i++)
		if (!fds[i].events)
			poller_drop(fds[i].fd);
}

static struct poll_call poll_begin(const struct pollfd *fds, nfds_t nr, struct at at)
{
	struct poll_call call = {0, NULL};

	if (!hook_enter() || other_waits())
		return call;
	call.began_ns = now_coarse_ns();
	if (is_due(nr, call.began_ns) && may_read(fds, nr * sizeof(*fds), call.began_ns, at))
		stamp_polled(fds, nr, call.began_ns, at);
	poller_waits(&call, at);
	return call;
}

/* Not one that took the number during the call: this thread made or stamped it, or it is older. */
static bool is_known(const struct rec_life *l, uint64_t began_ns)
{
	return l->born_tid == thread_tid() || word_get(&l->poller_tid) == thread_tid() ||
	       l->born_ns <= began_ns;
}

static __attribute__((noinline)) void told(const struct pollfd *fd, uint64_t began_ns, struct at at)
{
	struct life_ref ref = life_find(fd->fd);
	int e = errno;

	if (ref.life && is_known(ref.life, began_ns))
		wait_told(ref, (uint16_t)fd->revents, at);
	errno = e;
}

/* The kernel has read and written the set. Where it must not be asked, only now can we, too. */
static void is_proven(const struct pollfd *fds, nfds_t nr, uint64_t now, struct at at)
{
	now_known(fds, nr * sizeof(*fds), now);
	if (unlikely(shim.sealed) && is_due(nr, now))
		stamp_polled(fds, nr, now, at);
}

static int poll_end(const struct pollfd *fds, nfds_t nr, struct poll_call call, int r, struct at at)
{
	if (!call.began_ns)
		return r;
	poller_returned(&call, at);
	if (r >= 0 && nr)
		is_proven(fds, nr, call.began_ns, at);
	for (nfds_t i = 0, left = r > 0 ? (nfds_t)r : 0; left && i < nr; i++) {
		left -= fds[i].revents != 0;
		if (unlikely((uint16_t)fds[i].revents & EVENTS_GONE))
			told(&fds[i], call.began_ns, at);
	}
	return r;
}

/* The headers say that poll only writes to the set, and the compiler warns of who reads it. */
static inline const struct pollfd *readable(struct pollfd *fds)
{
	const struct pollfd *set;

	__asm__("" : "=r"(set) : "0"(fds));
	return set;
}

EXPORT int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	struct poll_call call = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, call, real.poll(fds, nr, timeout), AT_CALLER);
}

EXPORT int __poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	struct poll_call call = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, call, real.__poll(fds, nr, timeout), AT_CALLER);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask)
{
	struct poll_call call = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, call, real.ppoll(fds, nr, timeout, mask), AT_CALLER);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t nr, int timeout, size_t room)
{
	struct poll_call call = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, call, real.__poll_chk(fds, nr, timeout, room), AT_CALLER);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		       const sigset_t *mask, size_t room)
{
	struct poll_call call = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, call, real.__ppoll_chk(fds, nr, timeout, mask, room), AT_CALLER);
}

/* ---- select ------------------------------------------------------------------------------- */

static size_t set_bytes(int nr)
{
	return ((size_t)nr + 63) / 64 * sizeof(uint64_t);
}

/* Up to 64 members, from number `base`. */
static uint64_t set_word(const fd_set *in, int nr, int base)
{
	uint64_t bits;

	memcpy(&bits, (const char *)in + base / 8, sizeof(bits));
	return nr - base < 64 ? bits & ((UINT64_C(1) << (nr - base)) - 1) : bits;
}

static void stamp_selected(const fd_set *in, int nr, uint64_t now, struct at at)
{
	uint64_t look = (unsigned)nr, ns, bits;
	uint32_t members = 0;

	for (int base = 0; base < nr; base += 64) {
		look = poller_look(look, bits = set_word(in, nr, base));
		for (; bits; bits &= bits - 1)
			look = poller_look_at(look, 0, base + __builtin_ctzll(bits));
	}
	if (poller_is_unchanged(look, now, at))
		return;
	ns = poller_next_stamp(now);
	for (int base = 0; base < nr; base += 64)
		for (bits = set_word(in, nr, base); bits; bits &= bits - 1)
			members += poller_stamp(base + __builtin_ctzll(bits), ns);
	if (members)
		poller_stamped(members, now, ns, at);
}

static struct poll_call select_begin(const fd_set *in, int nr, struct at at)
{
	struct poll_call call = {0, NULL};
	uint64_t now;

	if (!hook_enter() || other_waits())
		return call;
	call.began_ns = now = now_coarse_ns();
	if (in && nr > 0 && (unsigned)nr <= MEMBERS_MAX && word_get(&shim.top_chunk) &&
	    now >= thread.polling.due_ns && may_read(in, set_bytes(nr), now, at))
		stamp_selected(in, nr, now, at);
	poller_waits(&call, at);
	return call;
}

/* That it worked proves little: the kernel reads no more of a set than there can be descriptors. */
static int select_end(struct poll_call call, int r, struct at at)
{
	if (call.began_ns)
		poller_returned(&call, at);
	return r;
}

EXPORT int select(int nr, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	struct poll_call call = select_begin(in, nr, AT_CALLER);

	CANCELLABLE;
	return select_end(call, real.select(nr, in, out, except, timeout), AT_CALLER);
}

EXPORT int __select(int nr, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	struct poll_call call = select_begin(in, nr, AT_CALLER);

	CANCELLABLE;
	return select_end(call, real.__select(nr, in, out, except, timeout), AT_CALLER);
}

EXPORT int pselect(int nr, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
		   const sigset_t *mask)
{
	struct poll_call call = select_begin(in, nr, AT_CALLER);

	CANCELLABLE;
	return select_end(call, real.pselect(nr, in, out, except, timeout, mask), AT_CALLER);
}
