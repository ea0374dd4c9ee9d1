/* SPDX-License-Identifier: MIT */
/*
 * Which programs were started, and which of them the shim did not come along to: counted by name
 * in the run's summary, which a vfork child shares too. Reads the environment that they are given
 * and changes nothing in it.
 */
#include "children.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "house.h"
#include "init.h"
#include "recorder.h"
#include "recording.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "words.h"

#define OUR_NAME "libsocklint"

static bool by_environment; /* we were: not by /etc/ld.so.preload, or the loader's --preload */

/* What the program passes may lead nowhere: the kernel will say EFAULT, so it is not just read. */
static bool is_readable(const void *p, uintptr_t *known_page)
{
	uintptr_t at = (uintptr_t)p, page = at & ~(uintptr_t)4095;

	if (!p || (page != *known_page && !sys_readable((const void *)(at & ~(uintptr_t)7))))
		return false;
	*known_page = page;
	return true;
}

static bool is_preloaded(char *const envp[])
{
	uintptr_t vector = 1, strings = 1; /* no page begins there */

	for (; is_readable(envp, &vector) && is_readable(*envp, &strings); envp++)
		if (!strncmp(*envp, "LD_PRELOAD=", 11) && strstr(*envp, OUR_NAME))
			return true;
	return false;
}

void children_prepare(void)
{
	const char *value = getenv("LD_PRELOAD");

	by_environment = value && strstr(value, OUR_NAME);
}

static struct rec_child *children(void)
{
	return (struct rec_child *)(shim.summary + 1);
}

static void path_copy(char *to, const char *path)
{
	size_t n = strlen(path), room = REC_CHILD_PATH - 1;

	if (n > room)
		path += n - room;
	memcpy(to, path, n < room ? n : room);
}

static bool is_same_path(const struct rec_child *c, const char *path)
{
	size_t n = strlen(path), room = REC_CHILD_PATH - 1;

	return !strncmp(c->path, n > room ? path + (n - room) : path, REC_CHILD_PATH);
}

/* Two processes that come upon a new name at once make two entries: the report adds them up. */
static struct rec_child *child_named(const char *path)
{
	for (uint32_t i = 0; i < REC_CHILDREN_NR; i++) {
		struct rec_child *c = &children()[i];
		uint32_t state = word_get_acquire(&c->state);

		if (state == REC_CHILD_VALID && is_same_path(c, path))
			return c;
		if (state != REC_CHILD_FREE || !word_cas(&c->state, &state, REC_CHILD_CLAIMED))
			continue;
		path_copy(c->path, path);
		word_set_release(&c->state, (uint32_t)REC_CHILD_VALID);
		return c;
	}
	return NULL;
}

/* No room: one that was followed every time makes room for one that was not. */
static struct rec_child *child_evict(const char *path)
{
	for (uint32_t i = 0; i < REC_CHILDREN_NR; i++) {
		struct rec_child *c = &children()[i];
		uint32_t valid = REC_CHILD_VALID;

		if (word_get(&c->bare) || word_get(&c->started) != word_get(&c->loaded) ||
		    !word_cas(&c->state, &valid, REC_CHILD_CLAIMED))
			continue;
		word_set(&c->started, 0);
		word_set(&c->loaded, 0);
		memset(c->path, 0, sizeof(c->path));
		path_copy(c->path, path);
		word_set_release(&c->state, (uint32_t)REC_CHILD_VALID);
		return c;
	}
	recorder_lost(&shim.summary->lost_children);
	return NULL;
}

/* path NULL: only counted. */
static struct started begin(const char *path, char *const envp[])
{
	struct started s = {NULL, false};
	uintptr_t page = 1;

	word_add(&shim.programs_started, 1);
	if (!shim.summary)
		return s;
	word_add(&shim.summary->execs, 1);
	if (shim.sealed)
		return s;
	s.bare = by_environment && !is_preloaded(envp);
	if (!is_readable(path, &page))
		return s;
	s.child = child_named(path);
	if (!s.child && s.bare)
		s.child = child_evict(path);
	if (s.child)
		word_add(s.bare ? &s.child->bare : &s.child->started, 1);
	return s;
}

/* A program is about to be started. In a vfork child too: the summary is the run's. */
struct started child_begin(const char *path, char *const envp[])
{
	int e = errno;
	struct started s = {NULL, false};

	if (hook_enter())
		s = begin(path, envp);
	errno = e;
	return s;
}

/* By fexecve(): the kernel calls it by another name than the report should. */
struct started child_begin_fd(int fd, char *const envp[])
{
	char link[40], path[400];
	struct text t = text_in(link, sizeof(link));
	struct started s = {NULL, false};
	int e = errno;
	long n;

	if (!hook_enter())
		return s;
	text_add(&t, "/proc/self/fd/");
	text_add_number(&t, (uint64_t)(unsigned)fd);
	n = shim.sealed ? -1 : sys_readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	s = begin(n > 0 && by_environment && !is_preloaded(envp) ? path : NULL, envp);
	errno = e;
	return s;
}

/* ... and was not. */
void child_failed(struct started s)
{
	int e = errno;

	if (hook_enter()) {
		word_add(&shim.programs_started, (uint32_t)-1);
		if (shim.summary)
			word_add(&shim.summary->execs, (uint64_t)-1);
		if (s.child)
			word_add(s.bare ? &s.child->bare : &s.child->started, (uint32_t)-1);
	}
	errno = e;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* This image loaded the shim. execvp() searches, so whole names may differ. */
void child_loaded(void)
{
	const char *own = (const char *)getauxval(AT_EXECFN);

	for (uint32_t i = 0; own && i < REC_CHILDREN_NR; i++) {
		struct rec_child *c = &children()[i];

		if (word_get_acquire(&c->state) != REC_CHILD_VALID ||
		    strcmp(last_part(c->path), last_part(own)) != 0 ||
		    word_get(&c->loaded) >= word_get(&c->started))
			continue;
		word_add(&c->loaded, 1);
		return;
	}
}
