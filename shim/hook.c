/* SPDX-License-Identifier: MIT */
/*
 * Finds the functions behind the hooks. Knows the rows of hooks.def and nothing about sockets.
 */
#include "hook.h"

#include <dlfcn.h>

#include "house.h"
#include "words.h"

OLD_SYMBOL(dlsym)

struct real real;

static const struct {
	const char *name;
	size_t offset;
} hooks[] = {
#define HOOK(name) {#name, offsetof(struct real, name)},
#include "hooks.def"
#undef HOOK
};

/* Idempotent. What the C library lacks stays NULL: then nobody can have linked against it. */
void real_resolve(void)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		void **slot = (void **)((char *)&real + hooks[i].offset);

		if (!word_get(slot))
			word_set(slot, dlsym(RTLD_NEXT, hooks[i].name));
	}
}
