/* SPDX-License-Identifier: MIT */
/*
 * libunwind, kept as a prisoner: the only file that sees it.
 *
 * - It is opened RTLD_LOCAL, for its _Unwind_* would otherwise replace libgcc's in the guest.
 * - It opens a pipe to probe addresses and never checks that the pipe is still its own. Its
 *   pipe2, read, write, syscall and close are bound to the hooks, which know the caller and the
 *   number unwinder_fd, and answer without any descriptor.
 * - It repeats a read or write of the pipe while errno is EINTR, whatever the call returned, and
 *   the guest's may be EINTR on entry: the answers set errno to 0, and the walk restores it.
 * - A fork while a thread is inside leaves the child with a locked mutex. So there is a gate:
 *   fork closes it and waits for those inside; a child that was born all the same never unwinds.
 * - It holds a mutex of its own, and takes the loader's: who waits there for a thread that is
 * stalled waits for ever. So one thread at a time is let in, and who waits in vain goes without a
 * stack.
 * - A handler that jumped out of it, or a thread cancelled in it, would leave its lock or the
 *   loader's held and the gate shut for ever: signals wait while a thread is inside.
 */
#include "unwinder.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <ucontext.h>
#include <unistd.h>

#include "at.h"
#include "clock.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "ldso.h"
#include "modules.h"
#include "options.h"
#include "recording.h"
#include "shim.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

OLD_SYMBOL(dlsym)

#define STR2(x)		 #x
#define STR(x)		 STR2(x)
#define GATE_WAIT_NS	 50000
#define GATE_WAIT_ROUNDS 100	    /* 5 ms, more than the slowest walk needs */
#define GATE_STALE_NS	 100000000u /* whoever closed it so long ago has been jumped out of */
#define STALLED_ROUNDS                                                                             \
	1000		  /* 100 ms, as sleeps are: whoever was inside all the while is stalled    \
			   */
#define TURN_ROUNDS 50000 /* 5 s: where it is the turn of others all the time */

static struct {
	typeof(&unw_tdep_getcontext) getcontext;
	typeof(&unw_init_local) init_local;
	typeof(&unw_step) step;
	typeof(&unw_get_reg) get_reg;
} lib;

static struct {
	uintptr_t lo, size; /* libunwind's own image */
} image;

static uint64_t walker;		/* who is inside: its thread, and which visit; or 0 */
static uint64_t stalled;	/* a walker that was waited for in vain */
static uint32_t stalled_loader; /* the tid of who has the loader's lock, likewise */
static uint32_t visits;
static uint32_t inside, files_open, gate_closed;
static uint64_t gate_closed_ns;

static int image_find(struct dl_phdr_info *info, size_t size, void *step)
{
	uintptr_t lo = UINTPTR_MAX, hi = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD)
			continue;
		lo = from < lo ? from : lo;
		hi = from + p->p_memsz > hi ? from + p->p_memsz : hi;
	}
	if ((uintptr_t)step < lo || (uintptr_t)step >= hi)
		return 0;
	image.lo = lo;
	image.size = hi - lo;
	return 1;
}

/*
 * dlopen() mallocs: so only in the constructor, never in a hook. An allocator that is about to set
 * itself up may call one with its lock held (jemalloc: syscall(SYS_open)). `step` is written last,
 * for other constructors may have started threads.
 */
void unwinder_load(void)
{
	void *h = real.dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	typeof(lib.step) step;

	if (!h)
		return;
	lib.getcontext = dlsym(h, STR(unw_tdep_getcontext));
	lib.init_local = dlsym(h, STR(unw_init_local));
	lib.get_reg = dlsym(h, STR(unw_get_reg));
	step = dlsym(h, STR(unw_step));
	if (!lib.getcontext || !lib.init_local || !lib.get_reg || !step)
		return;
	dl_iterate_phdr(image_find, (void *)step);
	ldso_find_lock();
	word_set_release(&lib.step, step);
}

bool unwinder_present(void)
{
	return word_get_acquire(&lib.step) != NULL;
}

bool unwinder_is_caller(struct at at)
{
	return at.pc - image.lo < image.size;
}

/* ---- the gate ---- */

/*
 * A handler may have jumped out of the fork that closed it. To take a slow fork for that is no
 * harm: its child sees that somebody is inside.
 */
static bool gate_is_closed(void)
{
	uint32_t nr = __atomic_load_n(&gate_closed, __ATOMIC_SEQ_CST);

	if (likely(!nr))
		return false;
	if (now_ns() < word_get(&gate_closed_ns) + GATE_STALE_NS)
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
		sys_sleep_ns(GATE_WAIT_NS);
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
		sys_sleep_ns(GATE_WAIT_NS);
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
	for (int i = 0; i <= GATE_WAIT_ROUNDS && !thread.unwinding && !thread.file_open; i++) {
		__atomic_fetch_add(&files_open, 1, __ATOMIC_SEQ_CST);
		stay->file = i == GATE_WAIT_ROUNDS || !gate_is_closed();
		thread.file_open = stay->file;
		if (stay->file)
			break;
		__atomic_fetch_sub(&files_open, 1, __ATOMIC_SEQ_CST);
		sys_sleep_ns(GATE_WAIT_NS);
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
void unwinder_gate_close(void)
{
	word_set(&gate_closed_ns, now_ns());
	__atomic_fetch_add(&gate_closed, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < GATE_WAIT_ROUNDS && !thread.unwinding && !shim.sealed; i++) {
		if (!__atomic_load_n(&inside, __ATOMIC_SEQ_CST) &&
		    !__atomic_load_n(&files_open, __ATOMIC_SEQ_CST))
			return;
		sys_sleep_ns(GATE_WAIT_NS);
	}
}

void unwinder_gate_open(void)
{
	uint32_t nr = __atomic_load_n(&gate_closed, __ATOMIC_SEQ_CST);

	while (nr && !word_cas(&gate_closed, &nr, nr - 1))
		;
}

/* In a forked child: whoever was inside is not here to come out again. */
void unwinder_reborn(void)
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

/* ---- the walk ---- */

/* On x86_64 a call leaves its return address right below the caller's stack pointer. */
static bool slot_is_known(struct at at, unw_word_t sp, unw_word_t ip, uint32_t *slot)
{
#if defined(__x86_64__)
	if (sp < at.cfa + 8 || sp - at.cfa > UINT32_MAX)
		return false;
	*slot = (uint32_t)(sp - 8 - at.cfa);
	return *(const uint64_t *)(sp - 8) == ip;
#else
	(void)at, (void)sp, (void)ip, (void)slot;
	return false;
#endif
}

/*
 * Generated code has no unwind information. There libunwind follows the frame pointer, and no
 * longer knows the stack pointer; but it took the return address from right above the frame
 * pointer. fp: the frame pointer one step before.
 */
static bool slot_is_above(unw_word_t fp, struct at at, const struct frames *f, unw_word_t ip,
			  uint32_t *slot)
{
#if defined(__x86_64__)
	unw_word_t p = fp + 8;

	if (fp % 8 || p <= at.cfa + f->slot[f->nr - 1] || p - at.cfa > UINT32_MAX ||
	    !sys_readable((const void *)p) || *(const uint64_t *)p != ip)
		return false;
	*slot = (uint32_t)(p - at.cfa);
	return true;
#else
	(void)fp, (void)at, (void)f, (void)ip, (void)slot;
	return false;
#endif
}

/*
 * Whether a signal came between: its frame, which begins where the stack pointer was one step
 * before, says so. libunwind's own way to tell would read code, which need not be readable.
 */
static bool is_interrupted(unw_word_t before, unw_word_t sp, unw_word_t ip)
{
#if defined(__x86_64__)
	const greg_t *regs = ((const ucontext_t *)before)->uc_mcontext.gregs;

	return before % 8 == 0 && sys_readable(&regs[REG_RSP]) && sys_readable(&regs[REG_RIP]) &&
	       (unw_word_t)regs[REG_RSP] == sp && (unw_word_t)regs[REG_RIP] == ip;
#else
	(void)before, (void)sp, (void)ip;
	return false;
#endif
}

/* A frame of the walk. */
struct step {
	unw_word_t ip, sp, fp;
};

static bool step_read(unw_cursor_t *cursor, struct step *s)
{
	if (lib.get_reg(cursor, UNW_REG_IP, &s->ip) < 0 ||
	    lib.get_reg(cursor, UNW_REG_SP, &s->sp) < 0 || !s->ip)
		return false;
#if defined(__x86_64__)
	if (lib.get_reg(cursor, UNW_X86_64_RBP, &s->fp) < 0)
#endif
		s->fp = 0;
	return true;
}

/*
 * Returns whether to go on. Not beyond a signal: there are as many stacks as instructions that one
 * may interrupt, and the recording would grow with each.
 */
static bool frames_add(struct frames *f, struct at at, const struct step *before,
		       const struct step *s)
{
	unw_word_t sp = s->sp, ip = s->ip;
	uint32_t slot = 0;
	bool known = !f->nr || slot_is_known(at, sp, ip, &slot) ||
		     slot_is_above(before->fp, at, f, ip, &slot);

	if (!known && is_interrupted(before->sp, sp, ip)) {
		f->flags |= REC_SITE_HANDLER;
		return false;
	}
	if (sp < at.cfa)
		return true;
	if (f->nr == options.depth) {
		f->flags |= REC_SITE_TRUNCATED;
		return false;
	}
	f->cacheable &= known;
	f->slot[f->nr] = slot;
	f->pc[f->nr++] = ip;
	return true;
}

/*
 * Walks from our own frame outwards; what lies below at.cfa is the shim and is left out. Frames
 * beyond options.depth are not taken. Not inlined: its context must stay alive while it steps.
 */
static __attribute__((noinline)) void walk(struct at at, struct frames *f)
{
	unw_context_t context;
	unw_cursor_t cursor;
	struct step before = {0, 0, 0}, s;

	if (lib.getcontext(&context) < 0 || lib.init_local(&cursor, &context) < 0)
		return;
	while (lib.step(&cursor) > 0) {
		if (!step_read(&cursor, &s))
			return;
		if (s.sp < at.cfa && !f->nr)
			continue;
		if (!frames_add(f, at, &before, &s))
			return;
		before = s;
	}
}

/*
 * libunwind sets itself up at its first use, and looks without a lock whether it has. So that is
 * here, before there are threads; after start(), for it opens its pipe.
 */
void unwinder_warm(void)
{
	unw_context_t context;
	unw_cursor_t cursor;
	struct stay stay;
	int e = errno;

	if (!unwinder_present() || !unwinder_enter(&stay))
		return;
	if (thread.stays && lib.getcontext(&context) >= 0)
		lib.init_local(&cursor, &context);
	unwinder_leave(&stay);
	errno = e;
}

/* Returns whether there are frames that begin with the caller. errno is the guest's: kept. */
bool unwinder_walk(struct at at, struct frames *f)
{
	struct stay stay;
	int e = errno;

	f->nr = 0;
	f->flags = 0;
	f->cacheable = true;
	if (!unwinder_present() || !unwinder_enter(&stay))
		return false;
	if (thread.stays)
		walk(at, f);
	unwinder_leave(&stay);
	errno = e;
	return f->nr && f->pc[0] == at.pc;
}

/* ---- hooks ---- */

/* libunwind writes a byte from the address it wants to know about into its pipe. */
long unwinder_probe(const void *address)
{
	errno = sys_readable(address) ? 0 : EFAULT;
	return errno ? -1 : 1;
}

EXPORT int pipe2(int fds[2], int flags)
{
	if (hook_enter() && unwinder_is_caller(AT_CALLER)) {
		fds[0] = fds[1] = unwinder_fd;
		return 0;
	}
	return real.pipe2(fds, flags);
}

EXPORT int dlclose(void *handle)
{
	bool record = hook_enter();
	int r = real.dlclose(handle);

	if (record && r == 0 && shim.nr_modules)
		module_unloaded();
	return r;
}
