/* SPDX-License-Identifier: MIT */
/*
 * The gate before the shim's own system calls. A filter of the guest's may kill for any of them: so
 * none is made once it is there, nor may one be under way in another thread when it comes, be it
 * ours or libunwind's.
 */
#include "shim.h"

#define WAIT_NS	    100000
#define WAIT_ROUNDS 2000 /* 0.2 s: a thread inside may have lost its processor */

static struct gate {
	_Alignas(64) uint32_t inside;
} gates[REC_SHARDS];

static struct gate *own_gate(void)
{
	uint32_t shard = thread.shard;

	return &gates[shard ? shard : ((uintptr_t)&thread >> 6) % SHARDS_SHARED];
}

long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	struct gate *gate = own_gate();
	long r = -EPERM;

	__atomic_fetch_add(&gate->inside, 1, __ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&shim.sealed, __ATOMIC_SEQ_CST)))
		r = sys_raw(nr, a, b, c, d, e, f);
	__atomic_fetch_sub(&gate->inside, 1, __ATOMIC_SEQ_CST);
	return r;
}

static bool nobody_inside(void)
{
	for (uint32_t i = 0; i < REC_SHARDS; i++)
		if (__atomic_load_n(&gates[i].inside, __ATOMIC_SEQ_CST))
			return false;
	return true;
}

/* With shim.sealed set, and the filter not there yet. */
void sys_wait_for_others(void)
{
	const struct timespec pause = {0, WAIT_NS};

	for (int i = 0; i < WAIT_ROUNDS && (unwinder_is_busy() || !nobody_inside()); i++)
		sys_raw(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
}

/* In a forked child: whoever was inside is not here to come out again. */
void sys_reborn(void)
{
	memset(gates, 0, sizeof(gates));
}
