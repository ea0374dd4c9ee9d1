/* SPDX-License-Identifier: MIT */
/*
 * Which epoll set watches a socket, and what its events say.
 *
 * An event names its socket by the program's own word (event.data): its descriptor, a pointer, an
 * index. So each word that a socket was put into a set with is kept here, in a table of fixed size
 * that may lose entries and is never believed unless the life confirms it. What is lost is a
 * notice, or that an EPOLLONESHOT has fired: both hide a fault, none makes one up. Ordinary events
 * cost one test.
 *
 * A socket in several sets counts as watched by the one it was put into last, one that waits for
 * input before one that does not. If two threads rearm and take an event of the same socket at the
 * same time, it may look fired until the next of either.
 */
#include "epoll.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

#include "at.h"
#include "clock.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "lives.h"
#include "other.h"
#include "pollers.h"
#include "raw.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "stack.h"
#include "waits.h"
#include "words.h"

#define ENTRIES	 65536u
#define WINDOW	 4u
#define INPUT	 ((uint32_t)(EPOLLIN | EPOLLRDNORM | EPOLLRDHUP))
#define NO_OWNER UINT64_MAX /* the word stands for several sockets of one set */

struct entry {
	uint64_t data;
	uint64_t owner; /* descriptor << 32 | seq; or NO_OWNER */
	uint64_t check; /* tells a torn entry from a whole one */
};

static struct entry table[ENTRIES];
static bool oneshot_used;

static uint64_t check_of(int epfd, uint64_t data, uint64_t owner)
{
	return (data ^ (owner << 29 | owner >> 35)) * 0x9e3779b97f4a7c15u + (unsigned)epfd + 1;
}

static struct entry *entry_at(int epfd, uint64_t data, uint32_t i)
{
	uint64_t hash = (data ^ (uint64_t)(unsigned)epfd << 40) * 0x9e3779b97f4a7c15u >> 48;

	return &table[(hash + i) % ENTRIES];
}

/* Returns the owner of a whole entry of this word, or 0. */
static uint64_t entry_owner(const struct entry *e, int epfd, uint64_t data)
{
	uint64_t check = word_get_acquire(&e->check), owner = word_get(&e->owner);

	if (word_get(&e->data) != data || check != check_of(epfd, data, owner))
		return 0;
	return owner;
}

static struct life_ref owner_life(int epfd, uint64_t owner)
{
	struct life_ref ref = {NULL, 0, -1};

	if ((owner & 1) && owner != NO_OWNER)
		ref = life_find((int)(owner >> 32));
	if (ref.life && (ref.seq != (uint32_t)owner || word_get(&ref.life->epoll_fd) != epfd))
		ref.life = NULL;
	return ref;
}

/* The socket that an event is about. */
static struct life_ref find_owner(int epfd, uint64_t data)
{
	for (uint32_t i = 0; i < WINDOW; i++) {
		uint64_t owner = entry_owner(entry_at(epfd, data, i), epfd, data);

		if (owner)
			return owner_life(epfd, owner);
	}
	return (struct life_ref){NULL, 0, -1};
}

static void entry_write(struct entry *e, int epfd, uint64_t data, uint64_t owner)
{
	word_set(&e->check, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	word_set(&e->data, data);
	word_set(&e->owner, owner);
	word_set_release(&e->check, check_of(epfd, data, owner));
}

/* An entry of no known set can only be judged by its life: is that the one it was written for? */
static bool entry_is_free(const struct entry *e)
{
	uint64_t owner = word_get(&e->owner);
	struct rec_life *l = owner & 1 && owner != NO_OWNER ? life_slot((int)(owner >> 32)) : NULL;

	return !l || word_get(&l->seq) != (uint32_t)owner || word_get(&l->epoll_fd) < 0;
}

static void remember(int epfd, uint64_t data, int fd, uint32_t seq)
{
	uint64_t owner = (uint64_t)(unsigned)fd << 32 | seq;
	struct entry *to = NULL;

	for (uint32_t i = 0; i < WINDOW; i++) {
		struct entry *e = entry_at(epfd, data, i);
		uint64_t before = entry_owner(e, epfd, data);

		if (before == owner)
			return;
		if (before) {
			bool other = owner_life(epfd, before).life && before >> 32 != (unsigned)fd;

			entry_write(e, epfd, data, other ? NO_OWNER : owner);
			return;
		}
		if (!to && entry_is_free(e))
			to = e;
	}
	entry_write(to ? to : entry_at(epfd, data, 0), epfd, data, owner);
}

/* ---- epoll_create ------------------------------------------------------------------------ */

static int made(int fd)
{
	if (fd >= 0)
		epoll_made(fd);
	return fd;
}

EXPORT int epoll_create(int size)
{
	return hook_enter() ? made(real.epoll_create(size)) : real.epoll_create(size);
}

EXPORT int epoll_create1(int flags)
{
	return hook_enter() ? made(real.epoll_create1(flags)) : real.epoll_create1(flags);
}

long raw_epoll_create(long nr, const long a[6], struct at at)
{
	(void)at;
	return made((int)raw_call(nr, a));
}

/* ---- epoll_ctl --------------------------------------------------------------------------- */

void epoll_unwatch(struct rec_life *l)
{
	word_set(&l->epoll_fd, -1);
	word_set(&l->epoll_events, 0);
	__atomic_fetch_and(&l->flags, ~(uint32_t)REC_LIFE_FIRED, __ATOMIC_RELAXED);
}

/*
 * Nobody waits on it any more, on purpose. When that came about is kept where a poll loop would
 * stamp it. A program that stops takes its sockets out of the set and leaves them to exit(): what
 * was watched when its end began counts as watched.
 */
static void watched_until_now(struct rec_life *l)
{
	word_set(&l->poller_tid, 0);
	word_set(&l->polled_ns, now_coarse_ns());
}

void epoll_dismiss(struct rec_life *l)
{
	if (word_get(&shim.end_began))
		return;
	watched_until_now(l);
	epoll_unwatch(l);
}

static bool is_better_watched(const struct rec_life *l, int epfd, uint32_t events)
{
	int set = word_get(&l->epoll_fd);

	return set >= 0 && set != epfd && (word_get(&l->epoll_events) & INPUT) && !(events & INPUT);
}

static void watch(int epfd, int fd, struct life_ref ref, const struct epoll_event *event)
{
	struct rec_life *l = ref.life;

	if (!life_is(ref) || is_better_watched(l, epfd, event->events))
		return;
	if (event->events & EPOLLONESHOT)
		word_set(&oneshot_used, true);
	if (word_get(&l->flags) & REC_LIFE_FIRED)
		__atomic_fetch_and(&l->flags, ~(uint32_t)REC_LIFE_FIRED, __ATOMIC_RELAXED);
	word_set(&l->epoll_events, event->events);
	word_set(&l->epoll_fd, epfd);
	remember(epfd, event->data.u64, fd, ref.seq);
	epoll_filled(epfd);
}

/* What a call that failed must leave as it was. */
struct watched {
	int epoll_fd;
	uint32_t events;
	uint32_t fired;
};

static void watch_again(struct life_ref ref, const struct watched *before)
{
	if (!life_is(ref))
		return;
	word_set(&ref.life->epoll_events, before->events);
	word_set(&ref.life->epoll_fd, before->epoll_fd);
	if (before->fired)
		life_flag(ref, REC_LIFE_FIRED);
}

typedef int ctl_function(int epfd, int op, int fd, struct epoll_event *event);

/*
 * Recorded before the call where the event can be read by then (it mostly lies in the caller's
 * frame): another thread may be handed the first event at once, and has to know whose it is.
 */
static int ctl_add(int epfd, int op, int fd, struct epoll_event *event, struct life_ref ref,
		   ctl_function *really, struct at at)
{
	const struct rec_life *l = ref.life;
	struct watched before = {word_get(&l->epoll_fd), word_get(&l->epoll_events),
				 word_get(&l->flags) & REC_LIFE_FIRED};
	bool early = stack_holds(event, sizeof(*event), at);
	int set = epoll_set_of(epfd), r;

	if (early)
		watch(set, fd, ref, event);
	r = really(epfd, op, fd, event);
	if (r == 0 && !early)
		watch(set, fd, ref, event);
	else if (r != 0 && early)
		watch_again(ref, &before);
	return r;
}

static int ctl(int epfd, int op, int fd, struct epoll_event *event, ctl_function *really,
	       struct at at)
{
	struct life_ref ref = life_find(fd);
	int r;

	if (ref.life && (op == EPOLL_CTL_ADD || op == EPOLL_CTL_MOD))
		return ctl_add(epfd, op, fd, event, ref, really, at);
	r = really(epfd, op, fd, event);
	if (r == 0 && op == EPOLL_CTL_DEL && life_is(ref) &&
	    word_get(&ref.life->epoll_fd) == epoll_set_of(epfd))
		epoll_dismiss(ref.life);
	return r;
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (!hook_enter())
		return real.epoll_ctl(epfd, op, fd, event);
	return ctl(epfd, op, fd, event, real.epoll_ctl, AT_CALLER);
}

/* ---- epoll_wait -------------------------------------------------------------------------- */

static __attribute__((noinline)) void deliver(int epfd, const struct epoll_event *event,
					      struct at at)
{
	struct life_ref ref = find_owner(epoll_set_of(epfd), event->data.u64);
	int e = errno;

	if (!ref.life)
		return;
	if (word_get(&ref.life->epoll_events) & EPOLLONESHOT) {
		watched_until_now(ref.life);
		life_flag(ref, REC_LIFE_FIRED | REC_LIFE_HANDED);
	}
	if (event->events & EVENTS_GONE)
		wait_told(ref, event->events, at);
	errno = e;
}

static int waited(int epfd, struct rec_poller *turn, const struct epoll_event *events, int r,
		  struct at at)
{
	uint32_t of_note = word_get(&oneshot_used) ? UINT32_MAX : EVENTS_GONE;
	uint64_t now = now_coarse_ns();

	poller_turn_begins(turn, now);
	for (int i = 0; i < r; i++)
		if (unlikely(events[i].events & of_note))
			deliver(epfd, &events[i], at);
	wait_returned(now);
	return r;
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int room, int timeout)
{
	struct rec_poller *turn;

	if (!hook_enter() || other_waits())
		return real.epoll_wait(epfd, events, room, timeout);
	turn = poller_turn_ends();
	return waited(epfd, turn, events, real.epoll_wait(epfd, events, room, timeout), AT_CALLER);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int room, int timeout,
		       const sigset_t *mask)
{
	struct rec_poller *turn;
	int r;

	if (!hook_enter() || other_waits())
		return real.epoll_pwait(epfd, events, room, timeout, mask);
	turn = poller_turn_ends();
	r = real.epoll_pwait(epfd, events, room, timeout, mask);
	return waited(epfd, turn, events, r, AT_CALLER);
}

/* Where the C library lacks it a program may still find ours by dlsym(). */
EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int room,
			const struct timespec *timeout, const sigset_t *mask)
{
	bool record = hook_enter() && !other_waits();
	struct rec_poller *turn = record ? poller_turn_ends() : NULL;
	int r;

	if (real.epoll_pwait2)
		r = real.epoll_pwait2(epfd, events, room, timeout, mask);
	else
		r = (int)real.syscall(SYS_epoll_pwait2, epfd, events, room, timeout, mask, 8L);
	return record ? waited(epfd, turn, events, r, AT_CALLER) : r;
}

static int ctl_by_syscall(int epfd, int op, int fd, struct epoll_event *event)
{
	return (int)real.syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

long raw_epoll_ctl(long nr, const long a[6], struct at at)
{
	(void)nr;
	return ctl((int)a[0], (int)a[1], (int)a[2], (struct epoll_event *)a[3], ctl_by_syscall, at);
}

long raw_epoll_wait(long nr, const long a[6], struct at at)
{
	struct rec_poller *turn;

	if (other_waits())
		return raw_call(nr, a);
	turn = poller_turn_ends();
	return waited((int)a[0], turn, (const struct epoll_event *)a[1], (int)raw_call(nr, a), at);
}
