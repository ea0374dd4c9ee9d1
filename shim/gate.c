/* SPDX-License-Identifier: MIT */
/*
 * Who may be inside libunwind, and who may have a file of ours open.
 *
 * - A fork while a thread is inside leaves the child with a locked mutex. So fork closes the gate
 *   and waits for those inside; a child that was born all the same never unwinds.
 * - libunwind holds a mutex of its own, and takes the loader's: who waits there for a thread that
 *   is stalled waits for ever. So one thread at a time is let in, and who waits in vain goes
 *   without a stack.
 * - A handler that jumped out of it, or a thread cancelled in it, would leave its lock or the
 *   loader's held and the gate shut for ever: signals wait while a thread is inside.
 */
#include "gate.h"

#include <errno.h>

#include "clock.h"
#include "house.h"
#include "ldso.h"
#include "recording.h"
#include "shim.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define WAIT_NS	       50000
#define WAIT_ROUNDS    100	  /* 5 ms, more than the slowest walk needs */
#define STALE_NS       100000000u /* whoever closed it so long ago has been jumped out of */
#define STALLED_ROUNDS 1000  /* 100 ms, as sleeps are: who was inside all the while is stalled */
#define TURN_ROUNDS    50000 /* 5 s: where it is the turn of others all the time */

static uint64_t walker;		/* who is inside: its thread, and which visit; or 0 */
static uint64_t stalled;	/* a walker that was waited for in vain */
static uint32_t stalled_loader; /* the tid of who has the loader's lock, likewise */
static uint32_t visits;
static uint32_t inside, files_open, gate_closed;
static uint64_t gate_closed_ns;

/*
 * A handler may have jumped out of the fork that closed it. To take a slow fork for that is no
 * harm: its child sees that somebody is inside.
 */
static bool gate_is_closed(void)
{
	uint32_t nr = __atomic_load_n(&gate_closed, __ATOMIC_SEQ_CST);

	if (likely(!nr))
		return false;
	if (now_ns() < word_get(&gate_closed_ns) + STALE_NS)
		return true;
	word_cas(&gate_closed, &nr, 0);
	return false;
}

static bool gate_pass(void)
{
	__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
	if (gate_is_closed()) {
		__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
		return false;
	}
	thread.unwinding = true;
	return true;
}

/* ---- one at a time ---- */

/* A thread of the guest's that is in the loader's list is no different from one of ours. */
static bool loader_is_free(bool may_sleep)
{
	uint32_t other;

	for (int i = 0; i < STALLED_ROUNDS; i++) {
		other = ldso_lock_owner();
		if (!other || other == thread_tid()) {
			if (unlikely(word_get(&stalled_loader)))
				word_set(&stalled_loader, 0);
			return true;
		}
		if (!may_sleep || other == word_get(&stalled_loader))
			return false;
		sys_sleep_ns(WAIT_NS);
	}
	word_set(&stalled_loader, other);
	return false;
}

static bool walker_become(bool may_sleep)
{
	uint64_t own = (uint64_t)(uintptr_t)&thread << 10; /* which is aligned to 64 bytes */
	uint64_t me = own | word_add(&visits, 1) % 65536, other = 0, last = 0;

	for (int i = 0, alike = 0; i < TURN_ROUNDS && alike < STALLED_ROUNDS; i++) {
		other = 0;
		if (likely(word_cas(&walker, &other, me)))
			return true;
		if (!may_sleep || other == word_get(&stalled) || other >> 16 == me >> 16)
			return false;
		alike = other == last ? alike + 1 : 0;
		last = other;
		sys_sleep_ns(WAIT_NS);
	}
	word_set(&stalled, other);
	return false;
}

static bool enter_alone(bool may_sleep)
{
	if (thread.unwinding || shim.never_unwind || !loader_is_free(may_sleep) ||
	    !walker_become(may_sleep))
		return false;
	if (gate_pass())
		return true;
	word_set_release(&walker, 0);
	return false;
}

/* Without a stay, for there is a filter, only for what makes no system call: see unwinder_walk().
 */
bool unwinder_enter(struct stay *stay)
{
	if (enter_alone(stay_begin(stay)))
		return true;
	stay_end(stay);
	return false;
}

void unwinder_leave(const struct stay *stay)
{
	if (thread.unwinding) { /* or a child, forked by a fault's handler in here */
		thread.unwinding = false;
		__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
		word_set_release(&walker, 0);
	}
	stay_end(stay);
}

/*
 * While a file of ours is open: a child that is forked by another thread would keep it, and a
 * handler that jumped out would too. So forks wait for this, and this waits for a fork. Returns
 * whether one may be opened.
 */
bool gate_hold(struct stay *stay)
{
	if (!stay_begin(stay))
		return false;
	for (int i = 0; i <= WAIT_ROUNDS && !thread.unwinding && !thread.file_open; i++) {
		__atomic_fetch_add(&files_open, 1, __ATOMIC_SEQ_CST);
		stay->file = i == WAIT_ROUNDS || !gate_is_closed();
		thread.file_open = stay->file;
		if (stay->file)
			break;
		__atomic_fetch_sub(&files_open, 1, __ATOMIC_SEQ_CST);
		sys_sleep_ns(WAIT_NS);
	}
	return true;
}

/* Also where it was not held. */
void gate_release(const struct stay *stay)
{
	if (stay->file && thread.file_open) {
		thread.file_open = false;
		__atomic_fetch_sub(&files_open, 1, __ATOMIC_SEQ_CST);
	}
	stay_end(stay);
}

/* Before a fork. Several threads may fork at once. */
void gate_close(void)
{
	word_set(&gate_closed_ns, now_ns());
	__atomic_fetch_add(&gate_closed, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < WAIT_ROUNDS && !thread.unwinding && !shim.sealed; i++) {
		if (!__atomic_load_n(&inside, __ATOMIC_SEQ_CST) &&
		    !__atomic_load_n(&files_open, __ATOMIC_SEQ_CST))
			return;
		sys_sleep_ns(WAIT_NS);
	}
}

void gate_open(void)
{
	uint32_t nr = __atomic_load_n(&gate_closed, __ATOMIC_SEQ_CST);

	while (nr && !word_cas(&gate_closed, &nr, nr - 1))
		;
}

/* In a forked child: whoever was inside is not here to come out again. */
void gate_reborn(void)
{
	if (inside || ldso_lock_is_stuck()) {
		shim.never_unwind = true;
		shim.head->flags |= REC_HEADER_NO_UNWIND_AFTER_FORK;
	}
	inside = 0;
	walker = 0;
	files_open = 0;
	gate_closed = 0;
}
