/* SPDX-License-Identifier: MIT */
/*
 * The lock that the dynamic loader of glibc holds in dl_iterate_phdr(), and while it adds and
 * removes modules. A fork does not reset it: where another thread held it, it stays held in the
 * child for ever. Its programmer may do without the loader there; so must we.
 *
 * Where the lock lies nobody says, so it is looked for: a recursive mutex in the loader's data that
 * is held inside dl_iterate_phdr(), and is not after it.
 */
#include "ldso.h"

#include <dlfcn.h>
#include <link.h>

#include "house.h"
#include "words.h"

#ifdef __GLIBC__

OLD_SYMBOL(dlsym)

#define CANDIDATES 4u
#define RECURSIVE  1 /* PTHREAD_MUTEX_RECURSIVE_NP, of a header that house.h forbids */

struct search {
	uintptr_t data; /* the loader's */
	const pthread_mutex_t *held[CANDIDATES];
	uint32_t nr;
};

static const pthread_mutex_t *lock; /* NULL: not found */

static bool is_held(const pthread_mutex_t *m)
{
	return m->__data.__kind == RECURSIVE &&
	       (word_get(&m->__data.__lock) || word_get(&m->__data.__count));
}

static void look_through(struct search *s, uintptr_t end)
{
	for (uintptr_t p = s->data; p + sizeof(*lock) <= end && s->nr < CANDIDATES; p += 8) {
		const pthread_mutex_t *m = (const pthread_mutex_t *)p;

		if (is_held(m) && m->__data.__count == 1)
			s->held[s->nr++] = m;
	}
}

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && s->data - from < p->p_memsz) {
			look_through(s, from + p->p_memsz);
			return 1;
		}
	}
	return 0;
}

void ldso_find_lock(void)
{
	struct search s = {.data = (uintptr_t)dlsym(RTLD_DEFAULT, "_rtld_global")};
	const pthread_mutex_t *found = NULL;
	uint32_t nr = 0;

	if (!s.data)
		return;
	dl_iterate_phdr(look, &s);
	for (uint32_t i = 0; i < s.nr; i++) {
		if (is_held(s.held[i]))
			continue;
		found = s.held[i];
		nr++;
	}
	if (nr == 1)
		lock = found;
}

/* In a forked child: whoever held it then is not here to give it back. */
bool ldso_lock_is_stuck(void)
{
	return lock && is_held(lock);
}

/* The tid of who holds it, or 0. */
uint32_t ldso_lock_owner(void)
{
	return lock && is_held(lock) ? (uint32_t)word_get(&lock->__data.__owner) : 0;
}

#else

void ldso_find_lock(void)
{
}

bool ldso_lock_is_stuck(void)
{
	return false;
}

uint32_t ldso_lock_owner(void)
{
	return 0;
}

#endif
