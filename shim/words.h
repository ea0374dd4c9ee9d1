/* SPDX-License-Identifier: MIT */
/* Single words of the recording are read and written by several threads, and by the report. */
#ifndef SHIM_WORDS_H
#define SHIM_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define word_get(p)	       __atomic_load_n((p), __ATOMIC_RELAXED)
#define word_set(p, v)	       __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define word_add(p, v)	       __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define word_get_acquire(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define word_set_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define word_cas(p, old, new)                                                                      \
	__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Copies what another thread may read or write meanwhile: each of its words stays whole. */
static inline void words_copy(void *to, const void *from, size_t bytes)
{
	typedef uint32_t __attribute__((may_alias)) half;
	typedef uint64_t __attribute__((may_alias)) word;
	size_t i = 0;

	for (; !(((uintptr_t)to | (uintptr_t)from) % sizeof(word)) && i + sizeof(word) <= bytes;
	     i += sizeof(word))
		word_set((word *)((char *)to + i),
			 word_get((const word *)((const char *)from + i)));
	for (; i < bytes; i += sizeof(half))
		word_set((half *)((char *)to + i),
			 word_get((const half *)((const char *)from + i)));
}

#endif
