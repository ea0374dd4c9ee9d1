/* SPDX-License-Identifier: MIT */
/*
 * How processes are made that run on our memory. Nothing is recorded but that there may be one from
 * now on (other.c). The child of vfork() returns by its parent's frames, and then the parent does:
 * so none of them may be ours, and the hooks are jumps.
 */
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "at.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "jump.h"
#include "raw.h"
#include "shim.h"
#include "words.h"

void *vfork_vfork(void);
void *vfork___vfork(void);
void *vfork_clone(int (*f)(void *), void *stack, int flags);
void *vfork___clone(int (*f)(void *), void *stack, int flags);

static bool shares_memory(long flags)
{
	return (flags & (CLONE_VM | CLONE_THREAD)) == CLONE_VM;
}

static void may_be_shared(void)
{
	if (!word_get(&shim.shared)) /* all threads read that line */
		word_set(&shim.shared, true);
}

static void *before(bool shares, const void *function)
{
	void *to;

	hook_enter(); /* and now the function is there */
	if (shares)
		may_be_shared();
	memcpy(&to, function, sizeof(to));
	return to;
}

/* Return what the hooks below jump to. */
__attribute__((used)) void *vfork_vfork(void)
{
	return before(true, &real.vfork);
}

__attribute__((used)) void *vfork___vfork(void)
{
	return before(true, &real.__vfork);
}

__attribute__((used)) void *vfork_clone(int (*f)(void *), void *stack, int flags)
{
	(void)f, (void)stack;
	return before(shares_memory(flags), &real.clone);
}

__attribute__((used)) void *vfork___clone(int (*f)(void *), void *stack, int flags)
{
	(void)f, (void)stack;
	return before(shares_memory(flags), &real.__clone);
}

JUMP_BEHIND(vfork, vfork_vfork);
JUMP_BEHIND(__vfork, vfork___vfork);
JUMP_BEHIND(clone, vfork_clone);
JUMP_BEHIND(__clone, vfork___clone);

/* SYS_clone, whose first argument has the flags; of SYS_clone3 they lie in the program's memory. */
long raw_clone(long nr, const long a[6], struct at at)
{
	(void)at;
	if (nr != SYS_clone || shares_memory(a[0]))
		may_be_shared();
	return raw_call(nr, a);
}
