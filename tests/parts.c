/* SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

void parts_new_thread(pthread_t *t, void *(*f)(void *), void *arg);

void parts_new_thread(pthread_t *t, void *(*f)(void *), void *arg)
{
	if (pthread_create(t, NULL, f, arg))
		exit(99);
}

static void say_wrong(const char *what, int line)
{
	printf("line %d: not so: %s\n", line, what);
}

#include "parts.h"
#include "children.h"
#include "clock.h"
#include "epoll.h"
#include "gate.h"
#include "init.h"
#include "load.h"
#include "options.h"
#include "recorder.h"
#include "recording.h"
#include "shim.h"
#include "signals.h"
#include "slots.h"
#include "sys.h"
#include "tell.h"
#include "thread.h"
#include "unwinder.h"
#include "words.h"

/* ---- in the place of init.c, unwinder.c and tell.c ---- */

struct shim shim;
static uint32_t alive = 1;
uint32_t *init_alive = &alive;
static struct rec_header no_head;

bool init_or_reborn(void)
{
	return true;
}

void init_alive_again(void)
{
}

void init_head_reset(void)
{
	memset(&no_head, 0, sizeof(no_head));
	shim.head = &no_head;
}

void tell_prepare(void)
{
}

void tell(void)
{
}

void tell_failure(int error)
{
	(void)error;
}

void tell_line(const char *line, size_t n)
{
	(void)line, (void)n;
}

/* ---- in the place of load.c, children.c, epoll.c and signals.c ---- */

void signals_disarm_all(void)
{
}

void blind_tell_summary(void)
{
}

void child_loaded(void)
{
}

uint64_t epoll_fds[EPOLL_FDS / 64];

void epoll_closed(int fd)
{
	(void)fd;
}

void epoll_unwatch(struct rec_life *l)
{
	(void)l;
}

#define FRAMES PARTS_FRAMES
#define STRIDE PARTS_STRIDE

/* Above the stack lie zeros, which are no return address. */
static __thread _Alignas(4096) uint64_t stack[1024];
static __thread struct frames now;
static uint32_t walks;

struct at parts_call_on(void *cfa, const uint64_t pc[FRAMES])
{
	struct at at = {pc[0], (uintptr_t)cfa};

	now = (struct frames){.nr = FRAMES, .cacheable = true};
	for (uint32_t i = 0; i < FRAMES; i++) {
		now.slot[i] = i * STRIDE;
		now.pc[i] = pc[i];
		if (i)
			*(uint64_t *)(at.cfa + now.slot[i]) = now.pc[i];
	}
	return at;
}

struct at parts_call(uint32_t who, uint32_t where)
{
	uint64_t pc[FRAMES] = {0x1000 + 16u * where};

	for (uint32_t i = 1; i < FRAMES; i++)
		pc[i] = 0x100000u * (who + 1) + 0x1000u * i + where;
	return parts_call_on(stack + 8, pc);
}

bool parts_site_is(const struct rec_site *site, uint32_t who, uint32_t where)
{
	if (!site || site->nr != FRAMES || site->pc[0] != 0x1000 + 16u * where)
		return false;
	for (uint32_t i = 1; i < FRAMES; i++)
		if (site->pc[i] != 0x100000u * (who + 1) + 0x1000u * i + where)
			return false;
	return true;
}

uint32_t parts_walks(void)
{
	return word_get(&walks);
}

bool unwinder_present(void)
{
	return true;
}

bool unwinder_enter(struct stay *stay)
{
	(void)stay;
	return true;
}

void unwinder_leave(const struct stay *stay)
{
	(void)stay;
}

bool gate_hold(struct stay *stay)
{
	return stay_begin(stay);
}

void gate_release(const struct stay *stay)
{
	stay_end(stay);
}

bool unwinder_walk(struct at at, struct frames *frames)
{
	(void)at;
	*frames = now;
	word_add(&walks, 1);
	return true;
}

/* ---- a recording ---- */

static char dir[64];

void parts_start(void)
{
	strcpy(dir, "/tmp/socklint-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	strcpy(options.dir, dir);
	options.report = REPORT_NONE;
	options.max_size = 256u << 20;
	memset(shim.lives, 0, sizeof(shim.lives));
	memset(lives_first, 0, sizeof(lives_first));
	shim.lives[0] = lives_first;
	shim.top_chunk = 0;
	shim.pid = sys_getpid();
	shim.start_ns = now_ns();
	shim.next_id = 1;
	shim.oldest_id = 0;
	thread.ids_end = 0;
	shim.next_listeners_ns = 0;
	shim.next_refresh_ns = UINT64_MAX; /* the numbers here are no descriptors */
	shim.attach = DETACHED;
	shim.summary = NULL;
	shim.progress = NULL;
	shim.incidents = NULL;
	memset(shim.outcomes, 0, sizeof(shim.outcomes));
	shim.run_dir[0] = '\0';
	shim.started = true;
	shim.ended = 0;
	shim.folded = false;
	memset(thread.progress, 0, sizeof(thread.progress));
	init_head_reset();
}

void parts_start_made(void)
{
	parts_start();
	assert_true(recorder_ready());
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void parts_stop(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct recording parts_load(void)
{
	struct strbuf why = STRBUF_INIT;
	struct recording r;

	if (recording_load(&r, shim.path, &why) != LOAD_OK)
		fail_msg("%s", why.buf);
	strbuf_release(&why);
	return r;
}

/* ---- threads ---- */

uint32_t parts_tids[PARTS_THREADS];
static void (*job)(uint32_t who);
static uint32_t nr_ready, nr_wanted;
static uint32_t nr_wrong;

void parts_expected(bool ok, const char *what, int line)
{
	if (!ok && word_add(&nr_wrong, 1) < 5)
		say_wrong(what, line);
}

static void *run(void *arg)
{
	uint32_t who = (uint32_t)(uintptr_t)arg;

	parts_tids[who] = thread_tid();
	__atomic_fetch_add(&nr_ready, 1, __ATOMIC_ACQ_REL);
	while (word_get_acquire(&nr_ready) < nr_wanted)
		sys_sleep_ns(10000);
	job(who);
	return NULL;
}

void parts_threads(uint32_t nr, void (*f)(uint32_t who))
{
	pthread_t t[PARTS_THREADS];

	job = f;
	nr_wrong = 0;
	nr_ready = 0;
	nr_wanted = nr;
	for (uintptr_t i = 0; i < nr; i++)
		parts_new_thread(&t[i], run, (void *)i);
	for (uint32_t i = 0; i < nr; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(word_get(&nr_wrong), 0);
}
