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
 * - A thread is let in by the gate alone (gate.c).
 */
#include "unwinder.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <ucontext.h>
#include <unistd.h>

#include "at.h"
#include "clock.h"
#include "gate.h"
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

#define STR2(x) #x
#define STR(x)	STR2(x)

static struct {
	typeof(&unw_tdep_getcontext) getcontext;
	typeof(&unw_init_local) init_local;
	typeof(&unw_step) step;
	typeof(&unw_get_reg) get_reg;
} lib;

static struct {
	uintptr_t lo, size; /* libunwind's own image */
} image;

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
