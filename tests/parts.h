/* SPDX-License-Identifier: MIT */
/*
 * The shim's parts without its hooks, in an ordinary program: so that the sanitizers can look into
 * the table of lives, the sites and the recorder. What hooks and libunwind would supply is here.
 *
 * A stack is what the test says: parts_call() lays it out in memory of its own, for the cache to
 * hold its shapes against, and unwinder_walk() hands out the same frames.
 */
#ifndef TESTS_PARTS_H
#define TESTS_PARTS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <cmocka.h>

#include "loader.h"

/* Last: they forbid what a guest of the program may not call. */
#include "at.h"
#include "house.h"

#if defined(__SANITIZE_THREAD__)
#define PARTS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PARTS_TSAN 1
#endif
#endif
#ifndef PARTS_TSAN
#define PARTS_TSAN 0
#endif

#define PARTS_THREADS 64

/*
 * A recording is to be made in a fresh directory. Each further call makes of the process what a
 * forked child is: it keeps the sites, and knows of no lives.
 */
void parts_start(void);
/* ... and is made: who needs it first while another makes it slowly may go without. */
void parts_start_made(void);
/* Removes the directory. */
void parts_stop(void);
/* What the command reads of it, now. */
struct recording parts_load(void);

#define PARTS_FRAMES 5u
#define PARTS_STRIDE 24u /* bytes of a frame */

/* The calling thread was called by way of these return addresses, on a stack of the test's. */
struct at parts_call_on(void *cfa, const uint64_t pc[PARTS_FRAMES]);
/* The calling thread is in a call of its own, numbered `where`, and was called by `who`. */
struct at parts_call(uint32_t who, uint32_t where);
/* Whether the site is that one's. */
bool parts_site_is(const struct rec_site *site, uint32_t who, uint32_t where);
/* Stacks walked so far, for the cache did not know them. */
uint32_t parts_walks(void);

/* Runs f in nr threads at once, and waits for them. `tids` are theirs. */
void parts_threads(uint32_t nr, void (*f)(uint32_t who));
extern uint32_t parts_tids[PARTS_THREADS];
void parts_new_thread(pthread_t *t, void *(*f)(void *), void *arg);

/* In any thread. The test fails where the threads have ended: parts_threads() sees to it. */
#define parts_expect(what) parts_expected((what), #what, __LINE__)
void parts_expected(bool ok, const char *what, int line);

#endif
