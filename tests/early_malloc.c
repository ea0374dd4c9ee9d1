/* SPDX-License-Identifier: MIT */
/*
 * An allocator as jemalloc is one: it makes itself ready at the first malloc(), with its lock
 * held, and calls hooked functions meanwhile. Whoever allocates in there would wait forever; here
 * it is said and ends. The constructor runs before that of a preloaded library.
 */
#define _GNU_SOURCE
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static alignas(16) char heap[16 << 20];
static size_t used;
static bool is_locked, is_ready;

static void make_ready(void)
{
	char c;

	is_locked = true;
	close((int)syscall(SYS_dup, 0));
	if (read(-1, &c, 1) < 0)
		is_ready = true;
	is_locked = false;
}

void *malloc(size_t n)
{
	static const char said[] = "malloc() within malloc(): this would hang\n";
	char *p;

	if (is_locked && write(2, said, sizeof(said) - 1))
		_exit(9);
	if (!is_ready)
		make_ready();
	p = heap + __atomic_fetch_add(&used, ((n + 15) & ~(size_t)15) + 16, __ATOMIC_RELAXED);
	if (p + n + 16 > heap + sizeof(heap))
		return NULL;
	memcpy(p, &n, sizeof(n));
	return p + 16;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t nr, size_t n)
{
	return malloc(nr * n); /* never used before: zero */
}

void *realloc(void *old, size_t n)
{
	void *p = malloc(n);
	size_t had = 0;

	if (old)
		memcpy(&had, (char *)old - 16, sizeof(had));
	if (p && old)
		memcpy(p, old, had < n ? had : n);
	return p;
}

__attribute__((constructor)) static void first_use(void)
{
	free(malloc(1));
	if (getenv("EARLY_SOCKET"))
		socket(AF_INET, SOCK_STREAM, 0);
}
