/* SPDX-License-Identifier: MIT */
/*
 * Other processes that run on our memory: children of vfork(), and of clone() with CLONE_VM. What
 * they close is theirs, and would be taken for ours.
 *
 * getpid() tells, and is a third of what a short connection costs. So a death asks only where there
 * can be such a child:
 * - from the first vfork(), or clone() of that kind, on: for good and everywhere, as nothing says
 *   safely that the child is gone (a handler may ask between the hook and the system call, threads
 *   of the child may live on), and who starts programs that way has no death to spare;
 * - where the thread is on a stack that it was not seen on before: a child that no hook saw being
 *   made has our thread's memory, or none of ours, and needs a stack of its own;
 * - in a thread's first death, and where a fork cannot be noticed (before Linux 4.14).
 *
 * What slips by: a vfork, or a clone onto a stack that this thread has used, by an instruction of
 * the program's own, whose child then calls the C library's close(). The end finds out: see end.c.
 */
#include "other.h"

#include "house.h"
#include "shim.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define GAP_PAGES 16u /* between what is known and what is added to it */

/* This thread has been on that page. */
static void own_stack_add(uintptr_t page)
{
	uint64_t own = word_get(&thread.own_stack), from = page, to = page + 1;
	uint64_t own_from = own >> OWN_NR_BITS, own_to = own_from + own % (1u << OWN_NR_BITS);

	if (own && from <= own_to + GAP_PAGES && own_from <= to + GAP_PAGES) {
		from = from < own_from ? from : own_from;
		to = to > own_to ? to : own_to;
	}
	if (to - from >= 1u << OWN_NR_BITS) {
		from = page;
		to = page + 1;
	}
	word_set(&thread.own_stack, from << OWN_NR_BITS | (to - from));
}

/* The slow half of other_runs(). Nothing is learnt where the kernel may not be asked. */
COLD bool other_ask(uintptr_t here)
{
	int pid = shim.sealed ? shim.pid : sys_getpid();

	if (unlikely(pid < 0))
		sys_is_refused();
	else if (pid == shim.pid && !shim.sealed)
		own_stack_add(here >> OWN_PAGE_BITS);
	return pid != shim.pid && pid >= 0;
}
