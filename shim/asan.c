/* SPDX-License-Identifier: MIT */
/*
 * A program that was built with AddressSanitizer, and whose runtime is a library (gcc's is), stops
 * at its start unless that library comes first, for malloc() must be its own. The shim defines
 * nothing of the kind and may stand before it, so it answers when the runtime asks for options.
 */
#include <dlfcn.h>

#include "house.h"
#include "text.h"

const char *__asan_default_options(void); /* no hook, but asked for by name */

OLD_SYMBOL(dlsym)

EXPORT const char *__asan_default_options(void)
{
	static const char ours[] = "verify_asan_link_order=0";
	static char both[4096];
	struct text t = text_in(both, sizeof(both));
	const char *(*next)(void) = dlsym(RTLD_NEXT, "__asan_default_options");
	const char *theirs = next ? next() : NULL;

	text_add(&t, theirs ? theirs : "");
	text_add(&t, ":");
	text_add(&t, ours);
	return t.cut ? ours : both;
}
