/* SPDX-License-Identifier: MIT */
/*
 * From a caller to a site, in tens of nanoseconds.
 *
 * A server comes to accept() by the same few paths a million times. So every stack that libunwind
 * walked is kept as a shape: its return addresses, and where above the caller's stack pointer
 * each of them lay. The next time the caller is seen, its shapes are held against the live stack:
 * if each slot holds the very return address, the stack is the same and its site is known. The
 * compiler gives each call site one frame size, so a slot that matches leads to the next; a frame
 * of variable size (alloca) merely misses, and is walked anew.
 *
 * What must hold:
 * - Never read beyond the stack: a slot is read only after all below it matched, and only in
 *   pages that this thread is known to have; a page not yet known is asked of the kernel.
 * - Shapes are immutable once published, and their number is bounded.
 * - A dlclose that took a cited module away ends the epoch, and with it every older shape.
 */
#include "stack.h"

#include "at.h"
#include "house.h"
#include "recording.h"
#include "shim.h"
#include "sites.h"
#include "sys.h"
#include "thread.h"
#include "unwinder.h"
#include "words.h"

#define ARENA_BYTES (4u << 20)
#define HEADS	    4096u
#define CHAIN_MAX   64
#define PAGE	    4096u
#define WALK_BYTES  8192u /* of stack, which a walk may take; a signal's may have less */

struct slot {
	uint64_t pc;
	uint64_t above; /* bytes above the caller's cfa */
};

struct shape {
	uint64_t pc; /* of the caller itself, which needs no slot: we hold it */
	uint32_t next;
	uint32_t epoch;
	uint32_t site;
	uint32_t nr;
	struct slot slots[];
};

static _Alignas(16) char arena[ARENA_BYTES]; /* offset 0 means "none" */
static uint32_t arena_used = 16;
static uint32_t heads[HEADS];

static uint32_t *head_of(uint64_t pc)
{
	return &heads[(pc * 0x9e3779b97f4a7c15u) >> 52];
}

static const struct shape *shape_at(uint32_t offset)
{
	return (const struct shape *)(arena + offset);
}

/*
 * Whether the eight bytes at p can be read. *hi is what is known so far, for one lookup: above a
 * short stack may lie a stranger's mapping, readable now and gone the next time.
 */
static bool page_known(uintptr_t p, uintptr_t *hi)
{
	while (unlikely(p + sizeof(uint64_t) > *hi)) {
		if (shim.sealed || !sys_readable((const void *)*hi))
			return false;
		*hi += PAGE;
	}
	return true;
}

/* A slot that holds its return address lies in the stack, and so do all pages below it. */
static bool shape_matches(const struct shape *s, struct at at, uintptr_t *hi)
{
	const struct slot *slot = s->slots, *end = slot + s->nr;
	uintptr_t p = 0, known = *hi;

	for (; slot < end; slot++) {
		p = at.cfa + slot->above;
		if (unlikely(p + sizeof(uint64_t) > known)) {
			if (!page_known(p, hi))
				return false;
			known = *hi;
		}
		if (*(const uint64_t *)p != slot->pc)
			return false;
	}
	if (unlikely(p >= thread.stack_hi) && at.cfa >= thread.stack_lo && at.cfa < thread.stack_hi)
		thread.stack_hi = (p & ~(uintptr_t)(PAGE - 1)) + PAGE;
	return true;
}

COLD void stack_change(struct at at)
{
	thread.stack_lo = at.cfa & ~(uintptr_t)(PAGE - 1);
	thread.stack_hi = ((at.cfa - 1) & ~(uintptr_t)(PAGE - 1)) + PAGE;
}

/* Whether the program's p leads to memory. No system call where p lies near in the stack. */
bool stack_readable(const void *p, struct at at)
{
	return stack_holds(p, sizeof(uint64_t), at) || (!shim.sealed && sys_readable(p));
}

static const struct shape *shape_find(struct at at)
{
	uint32_t offset = word_get_acquire(head_of(at.pc)), epoch = word_get(&shim.epoch);
	uintptr_t hi;

	stack_enter(at);
	hi = thread.stack_hi;
	for (int i = 0; offset && i < CHAIN_MAX; i++) {
		const struct shape *s = shape_at(offset);

		if (s->pc == at.pc && s->epoch == epoch && shape_matches(s, at, &hi))
			return s;
		offset = s->next;
	}
	return NULL;
}

static void shape_keep(const struct frames *f, uint32_t site, uint32_t epoch)
{
	uint32_t bytes = (uint32_t)(sizeof(struct shape) + (f->nr - 1) * sizeof(struct slot));
	uint32_t offset, *head = head_of(f->pc[0]);
	struct shape *s;

	bytes = (bytes + 15u) & ~15u;
	if (word_get(&arena_used) + bytes > ARENA_BYTES)
		return;
	offset = word_add(&arena_used, bytes);
	if (offset + bytes > ARENA_BYTES)
		return;
	s = (struct shape *)(arena + offset);
	s->pc = f->pc[0];
	s->epoch = epoch;
	s->site = site;
	s->nr = f->nr - 1;
	for (uint32_t i = 1; i < f->nr; i++)
		s->slots[i - 1] = (struct slot){f->pc[i], f->slot[i]};
	s->next = word_get(head);
	while (!word_cas(head, &s->next, offset))
		;
}

static COLD uint32_t site_of_caller(struct at at)
{
	struct frames f;

	f.nr = 1;
	f.flags = REC_SITE_CALLER_ONLY;
	f.pc[0] = at.pc;
	return site_intern(&f);
}

static COLD bool walk_to_site(struct at at, uint32_t *site)
{
	uint32_t epoch = word_get(&shim.epoch);
	struct frames f;

	if (!unwinder_walk(at, &f))
		return false;
	*site = site_intern(&f);
	if (*site && f.cacheable)
		shape_keep(&f, *site, epoch);
	return true;
}

static COLD uint32_t site_by_walking(struct at at)
{
	uint32_t site = 0;

	if (shim.sealed || sys_signal_stack_left((uintptr_t)&site) < WALK_BYTES ||
	    !walk_to_site(at, &site))
		return site_of_caller(at);
	return site;
}

/*
 * The site of this caller's stack, or 0 where there is no room for one more. None without a
 * recording: what a forked child has mapped until it has its own is its parent's.
 */
uint32_t stack_site(struct at at)
{
	const struct shape *s;

	if (unlikely(word_get_acquire(&shim.attach) != ATTACHED))
		return 0;
	s = shape_find(at);
	return likely(s != NULL) ? s->site : site_by_walking(at);
}
