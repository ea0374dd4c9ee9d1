/* SPDX-License-Identifier: MIT */
/*
 * What all kinds of waiting share: being told that the peer is gone, the leave of a thread that is
 * cancelled while it waits, and what a wait's return is used for.
 *
 * A thread that leaves a read by siglongjmp stays in reader_tid until it reads that socket again,
 * or ends: the socket seems waited for and is not, which can hide a leak but never make one up.
 */
#include "waits.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "at.h"
#include "clock.h"
#include "facts.h"
#include "house.h"
#include "lives.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "stack.h"
#include "stuck.h"
#include "thread.h"
#include "words.h"

#define SEEN_EVERY_NS 10000000u

REC_ASSERT("poll and epoll use the same bits",
	   EPOLLHUP == POLLHUP && (uint32_t)EPOLLRDHUP == POLLRDHUP && EPOLLERR == POLLERR);

/*
 * POLLERR alone is none: a time stamp in the error queue says so too. POLLHUP of a socket that was
 * never connected means nothing, of one whose connect failed it is that failure; and what our own
 * shutdown brought about is no news of the peer's: there only an error is.
 */
static bool is_news(const struct rec_life *l, uint32_t events)
{
	uint32_t flags = word_get(&l->flags);

	if (!(events & EVENTS_GONE) || l->type != SOCK_STREAM)
		return false;
	if (!(flags & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED)))
		return false;
	if (flags & (REC_LIFE_CONNECT_FAILED | REC_LIFE_TOLD))
		return false;
	if (flags & REC_LIFE_SHUT_RD)
		return events & POLLERR;
	return !(events & POLLERR) || word_get(&l->touch_call) != REC_CALL_CONNECT;
}

/* The program was handed these events. */
void wait_told(struct life_ref ref, uint32_t events, struct at at)
{
	struct rec_life *l = ref.life;

	if (!life_is(ref) || !is_news(l, events))
		return;
	word_set(&l->told_site, stack_site(at));
	word_set(&l->told_ns, now_ns());
	life_flag(ref, REC_LIFE_TOLD);
}

/*
 * A wait has returned: a sign of life, and now and then a moment to look after the idle. Leaves
 * errno alone.
 */
void wait_returned(uint64_t now)
{
	if (now >= word_get(&shim.head->last_seen_ns) + SEEN_EVERY_NS)
		word_set(&shim.head->last_seen_ns, now);
	if (unlikely(now >= word_get(&shim.next_refresh_ns)) &&
	    word_get(&shim.attach) == ATTACHED && !shim.sealed && !process_is_other())
		facts_refresh(now);
}

/* This thread is inside no call any more. */
static void leave_all(void)
{
	uint32_t tid = thread.tid;

	for (uint32_t fd = life_next(0); tid && fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct rec_life *l = life_slot((int)fd);

		if (l && word_get(&l->reader_tid) == tid)
			word_set(&l->reader_tid, 0);
		if (l && word_get(&l->writer_tid) == tid)
			word_set(&l->writer_tid, 0);
	}
	if (thread.polling.entry && word_get(&thread.polling.entry->tid) == tid)
		word_set(&thread.polling.entry->waiting, 0);
}

#define CLEANUP_PHASE	2 /* _UA_CLEANUP_PHASE of the C++ ABI */
#define CONTINUE_UNWIND 8 /* _URC_CONTINUE_UNWIND */

/*
 * The personality of the hooks that are CANCELLABLE: what an unwinder calls on its way through
 * their frames. Costs the hooks nothing, and needs no landing pad, which would need libgcc.
 */
__attribute__((used)) int wait_unwound(int version, int actions, uint64_t class, void *exception,
				       void *context)
{
	(void)version, (void)class, (void)exception, (void)context;
	if (actions & CLEANUP_PHASE) {
		leave_all();
		stuck_returned();
	}
	return CONTINUE_UNWIND;
}
