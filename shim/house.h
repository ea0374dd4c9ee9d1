/* SPDX-License-Identifier: MIT */
/*
 * The rules of the house, for every file of the shim.
 *
 * Code here runs inside somebody else's program: in signal handlers, in vfork children, in
 * threads about to be cancelled, on 16 KiB stacks, before main and after exit. It may use
 * real.x, raw system calls (sys.h), atomics and the clocks (clock.h). Never malloc, stdio, a lock,
 * a thread, a changed errno or return value. What fails is counted in the recording's header.
 *
 * at:		where a hook was called from
 * life:	one socket in one descriptor; its slot is reused, its seq tells generations apart
 * site:	an interned backtrace
 */
#ifndef SHIM_HOUSE_H
#define SHIM_HOUSE_H

/* What declares the functions that are forbidden below. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define EXPORT	    __attribute__((visibility("default")))
#define COLD	    __attribute__((cold, noinline))

/* Binds to the oldest version of a symbol: the shim must load where glibc is older than here. */
#if defined(__x86_64__) && defined(__GLIBC__)
#define OLD_SYMBOL(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5");
#else
#define OLD_SYMBOL(name)
#endif

/* Not in the guest's house. (fork, exit and their like stay usable: they are hooks here.) */
#pragma GCC poison malloc calloc realloc free strdup printf fprintf snprintf fopen puts fputs
#pragma GCC poison clock_gettime pthread_create pthread_mutex_lock pthread_sigmask sigprocmask
#pragma GCC poison perror abort

#endif
