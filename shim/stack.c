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
 * - A dlclose that took a cited module away takes with it every shape that leads through it.
 * - Their number is bounded: when all cells are taken the oldest shape makes room. Nobody waits for
 *   that. Who is just reading it, a signal's handler perhaps, finds afterwards that its seq has
 * moved and believes nothing; what he reads meanwhile leads him nowhere, for in a cell there is
 * never a slot below the caller's cfa, nor a `next` but a cell.
 * - One thread at a time writes; another that comes meanwhile leaves its stack to be walked again.
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

#define CELLS	   4096u
#define HEADS	   4096u
#define CHAIN_MAX  64
#define PAGE	   4096u
#define WALK_BYTES 8192u /* of stack, which a walk may take; a signal's may have less */

struct slot {
	uint64_t pc;
	uint64_t above; /* bytes above the caller's cfa */
};

struct shape {
	uint64_t pc; /* of the caller itself, which needs no slot: we hold it */
	struct shape *next;
	uint32_t seq; /* odd: not to be believed */
	uint32_t site;
	uint32_t nr;
	struct slot slots[REC_SITE_FRAMES - 1];
};

static struct shape cells[CELLS];
static struct shape *heads[HEADS];
static uint64_t nr_kept; /* ever: the next one has cell number nr_kept % CELLS */
static uint32_t keeping; /* a thread writes */

static struct shape **head_of(uint64_t pc)
{
	return &heads[(pc * 0x9e3779b97f4a7c15u) >> 52];
}

/*
 * Whether the eight bytes at p can be read. *hi is what is known so far, for one lookup: above a
 * short stack may lie a stranger's mapping, readable now and gone the next time.
 */
static COLD bool page_known(uintptr_t p, uintptr_t *hi)
{
	while (p + sizeof(uint64_t) > *hi) {
		if (shim.sealed || !sys_readable((const void *)*hi))
			return false;
		*hi += PAGE;
	}
	return true;
}

/*
 * Returns its site if this is it, or 0. A slot that holds its return address lies in the stack, and
 * so do all pages below it.
 */
static uint32_t shape_match(const struct shape *s, struct at at, uintptr_t *hi)
{
	uint32_t seq = word_get_acquire(&s->seq), site;
	const struct slot *slot = s->slots, *end = slot + word_get(&s->nr);
	uintptr_t p = 0, known = *hi;

	for (; slot < end; slot++) {
		p = at.cfa + word_get(&slot->above);
		if (unlikely(p + sizeof(uint64_t) > known)) {
			if (!page_known(p, hi))
				return 0;
			known = *hi;
		}
		if (*(const uint64_t *)p != word_get(&slot->pc))
			return 0;
	}
	if (unlikely(word_get(&s->pc) != at.pc)) /* it has become another's since it was found */
		return 0;
	site = word_get(&s->site);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (unlikely(seq & 1 || word_get(&s->seq) != seq))
		return 0;
	if (unlikely(p >= thread.stack_hi) && at.cfa >= thread.stack_lo && at.cfa < thread.stack_hi)
		thread.stack_hi = (p & ~(uintptr_t)(PAGE - 1)) + PAGE;
	return site;
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

/* The site, or 0. */
static uint32_t shape_find(struct at at)
{
	const struct shape *s = word_get_acquire(head_of(at.pc));
	uintptr_t hi;
	uint32_t site;

	stack_enter(at);
	hi = thread.stack_hi;
	for (int i = 0; s && i < CHAIN_MAX; i++) {
		if (word_get(&s->pc) == at.pc && (site = shape_match(s, at, &hi)))
			return site;
		s = word_get_acquire(&s->next);
	}
	return 0;
}

/* ---- writing: by one thread at a time ---- */

static bool is_believed(const struct shape *s)
{
	return !(word_get(&s->seq) & 1);
}

static bool shape_is(const struct shape *s, const struct frames *f, uint32_t site)
{
	if (s->pc != f->pc[0] || s->site != site || s->nr != f->nr - 1)
		return false;
	for (uint32_t i = 1; i < f->nr; i++)
		if (s->slots[i - 1].pc != f->pc[i] || s->slots[i - 1].above != f->slot[i])
			return false;
	return true;
}

static struct shape *chain_find(const struct frames *f, uint32_t site)
{
	struct shape *s = *head_of(f->pc[0]);

	while (s && !shape_is(s, f, site))
		s = s->next;
	return s;
}

/* Makes room for one more: what is not believed goes, and what nobody would come to at the end. */
static void chain_prune(struct shape **link)
{
	for (int i = 1; *link && i < CHAIN_MAX;) {
		if (is_believed(*link)) {
			link = &(*link)->next;
			i++;
		} else {
			word_set_release(link, (*link)->next);
		}
	}
	word_set_release(link, NULL);
}

/* Takes it out of its chain, if it is still there. */
static void chain_remove(const struct shape *s)
{
	struct shape **link = head_of(s->pc);

	while (*link && *link != s)
		link = &(*link)->next;
	if (*link)
		word_set_release(link, s->next);
}

/* In the oldest cell, in no chain and not to be believed yet. */
static struct shape *shape_make(const struct frames *f, uint32_t site)
{
	struct shape *s = &cells[word_add(&nr_kept, 1) % CELLS];

	if (s->pc) /* it had another */
		chain_remove(s);
	__atomic_fetch_or(&s->seq, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	word_set(&s->pc, f->pc[0]);
	word_set(&s->site, site);
	word_set(&s->nr, f->nr - 1);
	for (uint32_t i = 1; i < f->nr; i++) {
		word_set(&s->slots[i - 1].pc, f->pc[i]);
		word_set(&s->slots[i - 1].above, f->slot[i]);
	}
	return s;
}

static void chain_keep(const struct frames *f, uint32_t site)
{
	struct shape **head = head_of(f->pc[0]), *s = chain_find(f, site);

	if (s && is_believed(s))
		return;
	if (!s) {
		chain_prune(head);
		s = shape_make(f, site);
		word_set(&s->next, *head);
		word_set_release(head, s);
	}
	__atomic_fetch_add(&s->seq, 1, __ATOMIC_RELEASE);
}

/* With signals held: a handler that jumped out would leave nobody to write any more. */
static void shape_keep(const struct frames *f, uint32_t site)
{
	uint32_t nobody = 0;
	struct stay stay;

	if (stay_begin(&stay) && word_cas(&keeping, &nobody, 1)) {
		chain_keep(f, site);
		word_set_release(&keeping, 0);
	}
	stay_end(&stay);
}

/* In a forked child: who wrote then is not here to end it. */
void stack_reborn(void)
{
	keeping = 0;
}

static bool shape_leads_through(const struct shape *s, uint64_t lo, uint64_t hi)
{
	uint32_t nr = word_get(&s->nr);

	if (word_get(&s->pc) - lo < hi - lo)
		return true;
	for (uint32_t i = 0; i < nr; i++)
		if (word_get(&s->slots[i].pc) - lo < hi - lo)
			return true;
	return false;
}

/*
 * What is just being written does not lead there: its frames lie on a live stack. Where the code
 * comes back to the same place, so do the shapes, one after the other as they are walked again.
 */
void stack_forget(uint64_t lo, uint64_t hi)
{
	uint64_t nr = word_get(&nr_kept);

	for (struct shape *s = cells; s < cells + (nr < CELLS ? nr : CELLS); s++)
		if (is_believed(s) && shape_leads_through(s, lo, hi))
			__atomic_fetch_or(&s->seq, 1, __ATOMIC_RELAXED);
}

/* ---- from a caller to a site ---- */

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
	struct frames f;

	if (!unwinder_walk(at, &f))
		return false;
	*site = site_intern(&f);
	if (*site && f.cacheable)
		shape_keep(&f, *site);
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
	uint32_t site;

	if (unlikely(word_get_acquire(&shim.attach) != ATTACHED))
		return 0;
	site = shape_find(at);
	return likely(site != 0) ? site : site_by_walking(at);
}
