/* SPDX-License-Identifier: MIT */
/*
 * Who waits in poll and select.
 *
 * On entry a thread stamps the sockets of its set that it waits for input on, so that it counts
 * as waiting however long the call lasts; a large set only as often as costs little. The set is
 * the program's memory, and where it leads nowhere the kernel says EFAULT: so it is read only
 * where it lies in the live stack, where the same set was there a moment ago, or where the kernel
 * says on being asked that it is there.
 *
 * Many programs poll in two places: in their loop, and in a helper that waits for one socket in
 * between. The helper's poll must not make all others look as if they had left the loop's set. So
 * the place that polls first is taken for the loop, until it has not come by for a second.
 */
#include "shim.h"

#define WINDOW	      8u /* entries that one thread may lie in */
#define EVICT_IDLE_NS 1000000000u
#define LOOP_GONE_NS  1000000000u
#define KNOWN_FOR_NS  100000000u
#define SMALL_SET     32u  /* members that are stamped each time */
#define PAUSE_NS      400u /* per member of a larger set: about 1 % of the time */
#define MEMBERS_MAX   65536u
#define PAGE	      4096u
#define INPUT	      (POLLIN | POLLRDNORM | POLLRDHUP)

/* ---- the thread's entry ------------------------------------------------------------------ */

/* A chunk made twice in a race is left empty in the file. */
static bool table_make(void)
{
	struct rec_poller *table, *before = NULL;

	if (word_get(&shim.pollers_refused))
		return false;
	table = recorder_grow(REC_CHUNK_POLLERS, 1, 0, REC_POLLERS_NR, sizeof(*table));
	if (!table) {
		word_set(&shim.pollers_refused, true);
		return false;
	}
	if (!word_cas(&shim.pollers, &before, table))
		((struct rec_chunk *)table)[-1].nr = 0;
	return true;
}

static bool entry_take(struct rec_poller *p, uint32_t tid)
{
	uint32_t before = word_get(&p->tid);

	if (before == UINT32_MAX || !word_cas(&p->tid, &before, UINT32_MAX))
		return false;
	word_set(&p->waiting, 0);
	word_set(&p->stamped_ns, 0);
	word_set_release(&p->tid, tid);
	return true;
}

static struct rec_poller *entry_find(uint32_t tid, uint64_t now)
{
	uint32_t hash = tid * 2654435761u >> 7;
	struct rec_poller *oldest = NULL;

	for (uint32_t i = 0; i < WINDOW; i++) {
		struct rec_poller *p = &shim.pollers[(hash + i) % REC_POLLERS_NR];

		if (word_get(&p->tid) == tid)
			return p;
		if (word_get(&p->waiting) ||
		    (word_get(&p->tid) && word_get(&p->stamped_ns) + EVICT_IDLE_NS > now))
			continue;
		if (!oldest || word_get(&p->stamped_ns) < word_get(&oldest->stamped_ns))
			oldest = p;
	}
	return oldest && entry_take(oldest, tid) ? oldest : NULL;
}

static struct rec_poller *entry_cached(void)
{
	struct rec_poller *p = thread.polling.entry, *table = word_get_acquire(&shim.pollers);

	return table && p >= table && p < table + REC_POLLERS_NR && word_get(&p->tid) == thread.tid
		       ? p
		       : NULL;
}

static struct rec_poller *entry_get(uint64_t now)
{
	struct rec_poller *p = entry_cached();

	if (likely(p != NULL))
		return p;
	if (!word_get_acquire(&shim.pollers) && !table_make())
		return NULL;
	thread.polling.entry = p = entry_find(thread_tid(), now);
	return p;
}

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

/* ---- stamps ------------------------------------------------------------------------------- */

static bool stamp(int fd, uint64_t ns)
{
	struct life_ref ref = life_find(fd);

	if (!ref.life)
		return false;
	word_set(&ref.life->poller_tid, thread_tid());
	word_set(&ref.life->polled_ns, ns);
	return true;
}

static bool is_loop(const struct rec_poller *entry, uint64_t now, struct at at)
{
	return thread.polling.loop_pc == at.pc || !thread.polling.loop_pc ||
	       word_get(&entry->stamped_ns) + LOOP_GONE_NS < now;
}

/* The members have been stamped. */
static void stamped(uint32_t members, uint64_t now, uint64_t ns, struct at at)
{
	struct rec_poller *entry = entry_get(now);

	if (members > SMALL_SET)
		thread.polling.due_ns = now + (uint64_t)members * PAUSE_NS;
	if (!entry || !is_loop(entry, now, at))
		return;
	thread.polling.loop_pc = at.pc;
	word_set(&entry->stamped_ns, ns);
}

/* The clock is coarse, but who left between two stamps must be told from who stayed. */
static uint64_t next_stamp(uint64_t now)
{
	struct polling *p = &thread.polling;

	p->stamp_ns = now > p->stamp_ns ? now : p->stamp_ns + 1;
	return p->stamp_ns;
}

static bool is_due(size_t members, uint64_t now)
{
	return members && members <= MEMBERS_MAX && word_get(&shim.top_chunk) &&
	       (members <= SMALL_SET || now >= thread.polling.due_ns);
}

static void set_waiting(uint32_t waiting)
{
	struct rec_poller *entry = entry_cached();

	if (entry)
		word_set(&entry->waiting, waiting);
}

/* ---- poll --------------------------------------------------------------------------------- */

static void stamp_polled(const struct pollfd *fds, nfds_t nr, uint64_t now, struct at at)
{
	uint64_t ns = next_stamp(now);
	uint32_t members = 0;

	for (nfds_t i = 0; i < nr; i++)
		if (fds[i].events & INPUT)
			members += stamp(fds[i].fd, ns);
	if (members)
		stamped(nr > members ? (uint32_t)nr : members, now, ns, at);
}

/* A call on a set; began_ns: when, or 0 where nothing is recorded. */
struct polled {
	uint64_t began_ns;
	bool stamped;
};

static struct polled poll_begin(const struct pollfd *fds, nfds_t nr, struct at at)
{
	struct polled p = {0, false};

	if (!hook_enter())
		return p;
	p.began_ns = now_coarse_ns();
	if (is_due(nr, p.began_ns) && may_read(fds, nr * sizeof(*fds), p.began_ns, at)) {
		stamp_polled(fds, nr, p.began_ns, at);
		p.stamped = true;
	}
	set_waiting(1);
	return p;
}

/* Not one that took the number during the call: this thread made or stamped it, or it is older. */
static bool is_known(const struct rec_life *l, uint64_t began_ns)
{
	return l->born_tid == thread_tid() || word_get(&l->poller_tid) == thread_tid() ||
	       l->born_ns <= began_ns;
}

static void told(const struct pollfd *fd, uint64_t began_ns, struct at at)
{
	struct life_ref ref = life_find(fd->fd);

	if (ref.life && is_known(ref.life, began_ns))
		wait_told(ref, (uint16_t)fd->revents, at);
}

static int poll_end(const struct pollfd *fds, nfds_t nr, struct polled p, int r, struct at at)
{
	int e = errno;

	if (!p.began_ns)
		return r;
	set_waiting(0);
	if (r >= 0 && nr) {
		now_known(fds, nr * sizeof(*fds), p.began_ns);
		if (!p.stamped && shim.sealed && is_due(nr, p.began_ns))
			stamp_polled(fds, nr, p.began_ns, at);
	}
	for (nfds_t i = 0, left = r > 0 ? (nfds_t)r : 0; left && i < nr; i++) {
		left -= fds[i].revents != 0;
		if (unlikely((uint16_t)fds[i].revents & EVENTS_GONE))
			told(&fds[i], p.began_ns, at);
	}
	wait_returned();
	errno = e;
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
	struct polled p = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, p, real.poll(fds, nr, timeout), AT_CALLER);
}

EXPORT int __poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	struct polled p = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, p, real.__poll(fds, nr, timeout), AT_CALLER);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask)
{
	struct polled p = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, p, real.ppoll(fds, nr, timeout, mask), AT_CALLER);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t nr, int timeout, size_t room)
{
	struct polled p = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, p, real.__poll_chk(fds, nr, timeout, room), AT_CALLER);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		       const sigset_t *mask, size_t room)
{
	struct polled p = poll_begin(readable(fds), nr, AT_CALLER);

	CANCELLABLE;
	return poll_end(fds, nr, p, real.__ppoll_chk(fds, nr, timeout, mask, room), AT_CALLER);
}

/* ---- select ------------------------------------------------------------------------------- */

static size_t set_bytes(int nr)
{
	return ((size_t)nr + 63) / 64 * sizeof(uint64_t);
}

static void stamp_selected(const fd_set *in, int nr, uint64_t now, struct at at)
{
	uint64_t ns = next_stamp(now), bits;
	uint32_t members = 0;

	for (int base = 0; base < nr; base += 64) {
		memcpy(&bits, (const char *)in + base / 8, sizeof(bits));
		if (nr - base < 64)
			bits &= (UINT64_C(1) << (nr - base)) - 1;
		for (; bits; bits &= bits - 1)
			members += stamp(base + __builtin_ctzll(bits), ns);
	}
	if (members)
		stamped(members, now, ns, at);
}

static bool select_begin(const fd_set *in, int nr, struct at at)
{
	uint64_t now;

	if (!hook_enter())
		return false;
	now = now_coarse_ns();
	if (in && nr > 0 && (unsigned)nr <= MEMBERS_MAX && word_get(&shim.top_chunk) &&
	    now >= thread.polling.due_ns && may_read(in, set_bytes(nr), now, at))
		stamp_selected(in, nr, now, at);
	set_waiting(1);
	return true;
}

/* That it worked proves little: the kernel reads no more of a set than there can be descriptors. */
static int select_end(bool record, int r)
{
	int e = errno;

	if (!record)
		return r;
	set_waiting(0);
	wait_returned();
	errno = e;
	return r;
}

EXPORT int select(int nr, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	bool record = select_begin(in, nr, AT_CALLER);

	CANCELLABLE;
	return select_end(record, real.select(nr, in, out, except, timeout));
}

EXPORT int __select(int nr, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	bool record = select_begin(in, nr, AT_CALLER);

	CANCELLABLE;
	return select_end(record, real.__select(nr, in, out, except, timeout));
}

EXPORT int pselect(int nr, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
		   const sigset_t *mask)
{
	bool record = select_begin(in, nr, AT_CALLER);

	CANCELLABLE;
	return select_end(record, real.pselect(nr, in, out, except, timeout, mask));
}
