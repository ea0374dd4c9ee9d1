/* SPDX-License-Identifier: MIT */
/*
 * The gate before the shim's own system calls. A filter of the guest's may kill for any of them: so
 * none is made once it is there, nor may one be under way in another thread when it comes, be it
 * ours or libunwind's.
 *
 * A thread that installs a filter shuts the gate before, in two steps: no stay begins any more, and
 * those that have begun come to their end; then no call is made, and those under way return.
 */
#include "sys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "house.h"
#include "recording.h"
#include "shards.h"
#include "shim.h"
#include "signals.h"
#include "thread.h"
#include "words.h"

#define WAIT_NS	    100000
#define WAIT_ROUNDS 100000 /* 10 s: a thread inside may have lost its processor for long */
#define SPINS	    20000  /* as a pause, about as long */

static struct gate {
	_Alignas(64) uint32_t inside;
} gates[REC_SHARDS];

static uint32_t stays;

/* Of the gate, with two flags: others rely on it too; who was inside has been waited for. */
enum { OPEN, SHUTTING, SHUT, OPENING, STATE = 3, SHARED = 4, WAITED = 8 };
static uint32_t state;

static struct gate *own_gate(void)
{
	uint32_t shard = thread.shard;

	return &gates[shard ? shard : ((uintptr_t)&thread >> 6) % SHARDS_SHARED];
}

static inline bool is_sealed(void)
{
	return unlikely(__atomic_load_n(&shim.sealed, __ATOMIC_SEQ_CST));
}

/* Returns whether calls may be made, until gate_leave(). */
static inline bool gate_enter(struct gate *gate)
{
	__atomic_fetch_add(&gate->inside, 1, __ATOMIC_SEQ_CST);
	thread.calls++;
	return !is_sealed();
}

static inline void gate_leave(struct gate *gate)
{
	if (unlikely(!thread.calls)) /* a child, that a handler has forked in between */
		return;
	thread.calls--;
	__atomic_fetch_sub(&gate->inside, 1, __ATOMIC_SEQ_CST);
}

long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	struct gate *gate = own_gate();
	long r = -EPERM;

	if (is_sealed()) /* who is about to be refused must not be waited for */
		return r;
	if (gate_enter(gate))
		r = sys_raw(nr, a, b, c, d, e, f);
	gate_leave(gate);
	return r;
}

/* ---- stays ---- */

/* All signals but those that the code itself would raise. */
static const uint64_t most_signals =
	~(1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGILL - 1) |
	  1ull << (SIGFPE - 1) | 1ull << (SIGTRAP - 1) | 1ull << (SIGSYS - 1));

static bool signals_set(int how, const uint64_t *set, uint64_t *before)
{
	return sys_raw(SYS_rt_sigprocmask, how, (long)set, (long)before, 8, 0, 0) == 0;
}

/* Counted only with signals held: a handler that jumped out would leave it counted for ever. */
static bool stay_count(struct stay *stay)
{
	stay->holds = signals_set(SIG_BLOCK, &most_signals, &stay->signals);
	__atomic_fetch_add(&stays, 1, __ATOMIC_SEQ_CST);
	if (likely(__atomic_load_n(&state, __ATOMIC_SEQ_CST) == OPEN))
		return true;
	__atomic_fetch_sub(&stays, 1, __ATOMIC_SEQ_CST);
	if (stay->holds)
		signals_set(SIG_SETMASK, &stay->signals, NULL);
	return false;
}

bool stay_begin(struct stay *stay)
{
	struct gate *gate = own_gate();

	*stay = (struct stay){0};
	if (thread.stays)
		return true; /* within another, whose it all is */
	if (word_get(&state) != OPEN || is_sealed())
		return false;
	stay->outermost = gate_enter(gate) && stay_count(stay);
	gate_leave(gate);
	thread.stays = stay->outermost;
	return stay->outermost;
}

/* Signals are released in any case, but where whoever shuts the gate has lost patience. */
void stay_end(const struct stay *stay)
{
	struct gate *gate = own_gate();
	bool may_call;

	if (!stay->outermost)
		return;
	may_call = gate_enter(gate);
	if (thread.stays) /* or a child, forked in here by a fault's handler */
		__atomic_fetch_sub(&stays, 1, __ATOMIC_SEQ_CST);
	thread.stays = false;
	if (may_call && stay->holds)
		signals_set(SIG_SETMASK, &stay->signals, NULL);
	gate_leave(gate);
}

/* ---- whoever shuts the gate ---- */

static bool nobody_stays(void)
{
	return __atomic_load_n(&stays, __ATOMIC_SEQ_CST) <= (thread.stays ? 1u : 0u);
}

/* But this thread, in whose handler we may be. */
static bool nobody_inside(void)
{
	const struct gate *own = own_gate();

	for (const struct gate *g = gates; g < gates + REC_SHARDS; g++)
		if (__atomic_load_n(&g->inside, __ATOMIC_SEQ_CST) > (g == own ? thread.calls : 0))
			return false;
	return true;
}

/* Who may not sleep spins: the filter of another, who shuts the gate too, may be there by now. */
static void pause_a_while(bool may_sleep)
{
	const struct timespec pause = {0, WAIT_NS};

	if (may_sleep)
		sys_raw(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
	for (volatile int spin = 0; !may_sleep && spin < SPINS; spin++)
		;
}

static void wait_until(bool (*is_so)(void), bool may_sleep)
{
	for (int i = 0; i < WAIT_ROUNDS && !is_so(); i++)
		pause_a_while(may_sleep);
}

/*
 * Another shuts the gate, or has. Returns whether it is shut: so it stays, whatever becomes of that
 * one's filter.
 */
static bool join_other(void)
{
	uint32_t now = __atomic_load_n(&state, __ATOMIC_SEQ_CST);

	for (int i = 0; i < WAIT_ROUNDS && now != OPEN; i++) {
		if ((now & STATE) == SHUT && word_cas(&state, &now, now | SHARED))
			return true;
		pause_a_while(false);
		now = __atomic_load_n(&state, __ATOMIC_SEQ_CST);
	}
	return now != OPEN;
}

/* Where the other's filter was for one thread alone nobody has looked after the rest. */
static void wait_for_insiders(void)
{
	if (word_get(&state) & WAITED)
		return;
	wait_until(nobody_inside, false);
	__atomic_fetch_or(&state, WAITED, __ATOMIC_SEQ_CST);
}

/*
 * Of our own: nobody else's filter comes before the gate is shut. Our handlers go too, and no stay
 * brings them back: what they need to die of the signal may be what the filter kills for.
 */
static void shut(bool all_threads)
{
	wait_until(nobody_stays, true);
	signals_disarm_all();
	__atomic_store_n(&shim.sealed, true, __ATOMIC_SEQ_CST);
	if (all_threads)
		wait_until(nobody_inside, true);
	__atomic_store_n(&state, all_threads ? SHUT | WAITED : SHUT, __ATOMIC_SEQ_CST);
}

/*
 * Before a filter; all_threads: it comes over these too. Returns whether sys_unseal() may be asked
 * to open the gate again. Who has not come out after ten seconds never will (a handler has jumped
 * out of a call), and is waited for once: then the guest goes on.
 */
bool sys_seal(bool all_threads)
{
	uint32_t open = OPEN;

	while (!__atomic_compare_exchange_n(&state, &open, SHUTTING, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST)) {
		if (join_other()) {
			if (all_threads)
				wait_for_insiders();
			return false;
		}
		open = OPEN;
	}
	if (is_sealed()) { /* by a filter that no hook saw */
		__atomic_store_n(&state, SHUT | SHARED | WAITED, __ATOMIC_SEQ_CST);
		return false;
	}
	shut(all_threads);
	return true;
}

/* There is no filter after all. The gate stays shut where another has come to rely on it. */
void sys_unseal(void)
{
	uint32_t now = __atomic_load_n(&state, __ATOMIC_SEQ_CST) & ~(uint32_t)SHARED;

	if (!word_cas(&state, &now, OPENING))
		return;
	__atomic_store_n(&shim.sealed, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&state, OPEN, __ATOMIC_SEQ_CST);
}

/* getpid() has failed, as it cannot: by the gate, shut for a moment, or a filter that no hook saw.
 */
COLD void sys_is_refused(void)
{
	if (word_get(&state) == OPEN && sys_getpid() < 0 && word_get(&state) == OPEN)
		shim.sealed = true;
}

/*
 * In a forked child: whoever was inside is not here to come out again, nor whoever was about to
 * shut the gate. Where it is shut the filter may be here too.
 */
void sys_reborn(void)
{
	memset(gates, 0, sizeof(gates));
	stays = 0;
	if ((state & STATE) == SHUT)
		return;
	shim.sealed &= state == OPEN;
	state = OPEN;
}
