/* SPDX-License-Identifier: MIT */
/*
 * What the guest does past every hook: libraries that bind to the C library directly, io_uring.
 * Nothing is done about it; it is written down, so that the report can say that it is partly blind.
 */
#include "load.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "hook.h"
#include "house.h"
#include "init.h"
#include "jump.h"
#include "modules.h"
#include "recording.h"
#include "shim.h"
#include "words.h"

static void flag_add(uint32_t *flags, uint32_t flag)
{
	if (!(word_get(flags) & flag))
		__atomic_fetch_or(flags, flag, __ATOMIC_RELAXED);
}

/* To the run as well: a process that shows no socket has no recording, or one that is folded. */
void blind_to(uint32_t flag)
{
	flag_add(&shim.head->flags, flag);
	blind_tell_summary();
}

void blind_tell_summary(void)
{
	uint32_t flags = word_get(&shim.head->flags) & (REC_HEADER_IO_URING | REC_HEADER_DEEPBIND);

	if (shim.summary && flags && (word_get(&shim.summary->flags) & flags) != flags)
		__atomic_fetch_or(&shim.summary->flags, flags, __ATOMIC_RELAXED);
}

static void look(bool other_namespace, int mode)
{
	int e = errno;

	if (!real.dlopen || !real.dlmopen) /* the library of dlopen() came later than we did */
		real_resolve();
	if (hook_enter() && !(mode & RTLD_NOLOAD)) {
		module_loads();
		if (other_namespace || (mode & RTLD_DEEPBIND))
			blind_to(REC_HEADER_DEEPBIND);
	}
	errno = e;
}

void *load_dlopen(const char *file, int mode);
void *load_dlmopen(Lmid_t space, const char *file, int mode);

/* Return what the hooks below jump to. */
__attribute__((used)) void *load_dlopen(const char *file, int mode)
{
	void *to;

	(void)file;
	look(false, mode);
	memcpy(&to, &real.dlopen, sizeof(to));
	return to;
}

__attribute__((used)) void *load_dlmopen(Lmid_t space, const char *file, int mode)
{
	void *to;

	(void)file;
	look(space != LM_ID_BASE, mode);
	memcpy(&to, &real.dlmopen, sizeof(to));
	return to;
}

/*
 * dlopen() looks at its return address: the RUNPATH, $ORIGIN and namespace of its caller decide
 * what is found, and where.
 */
JUMP_BEHIND(dlopen, load_dlopen);
JUMP_BEHIND(dlmopen, load_dlmopen);
