/* SPDX-License-Identifier: MIT */
/*
 * The start of the shim in a process image. Runs in the constructor, or, all but
 * libunwind, in the first hook that anybody calls before it. Nothing of the guest's is touched here
 * but memory.
 */
#include "init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "children.h"
#include "clock.h"
#include "end.h"
#include "found.h"
#include "hook.h"
#include "house.h"
#include "images.h"
#include "options.h"
#include "process.h"
#include "recording.h"
#include "shim.h"
#include "signals.h"
#include "slots.h"
#include "summary.h"
#include "sys.h"
#include "tell.h"
#include "unwinder.h"
#include "wishes.h"
#include "words.h"

struct shim shim;

enum { START_NOT_YET, START_UNDER_WAY, START_DONE };
static uint32_t start_state;

enum { ALIVE_NO, ALIVE_YES, ALIVE_BEING_REBORN };
static uint32_t alive_without_page;
uint32_t *init_alive = &alive_without_page;

static struct rec_header no_head; /* counts until there is a recording */

/* A word that every kind of fork sets back to zero: so a child notices, hook or no hook. */
static void alive_page_make(void)
{
	uint32_t *page = sys_mmap(-1, 0, 4096);

	if (page && SYS3(SYS_madvise, page, 4096, MADV_WIPEONFORK) == 0)
		init_alive = page;
	init_alone();
}

/* Nobody else runs on our memory, unless a fork cannot be noticed. */
void init_alone(void)
{
	word_set(&shim.shared, init_alive == &alive_without_page);
}

/* A new process, or one whose recording is gone, counts from zero. */
void init_head_reset(void)
{
	uint64_t fd_limit = shim.head->fd_limit;

	memset(&no_head, 0, sizeof(no_head));
	no_head.fd_limit = fd_limit;
	shim.head = &no_head;
}

void init_alive_again(void)
{
	word_set_release(init_alive, ALIVE_YES);
}

static void start(void)
{
	struct rlimit limit;

	clock_find();
	shim.pid = sys_getpid();
	shim.sealed = shim.pid < 0; /* by a filter that came with the exec */
	shim.parent_pid = sys_getppid();
	shim.start_ns = now_ns();
	shim.start_real_ns = clock_ns(CLOCK_REALTIME);
	shim.head = &no_head;
	shim.lives[0] = lives_first;
	shim.next_id = 1;
	if (sys_fstat(2, &shim.stderr_at_start) < 0)
		shim.stderr_at_start.st_mode = 0;
	if (sys_getrlimit(RLIMIT_NOFILE, &limit) == 0)
		no_head.fd_limit = limit.rlim_cur;
	options_read(getenv("SOCKLINT_OPTIONS"));
	wish_suppressions(getenv("SOCKLINT_SUPPRESSIONS"));
	wish_epoch(getenv("SOURCE_DATE_EPOCH"));
	alive_page_make();
	tell_prepare();
	children_prepare();
	if (options.dir[0])
		summary_open(options.dir, false);
	if (options.on_signal)
		signals_arm_all();
	shim.started = true;
}

/* The slow half of hook_enter(): before the start, or in a child whose fork no hook saw. */
COLD bool init_or_reborn(void)
{
	int e = errno;
	bool ok = true;

	if (word_get_acquire(&start_state) == START_DONE) {
		ok = word_cas(init_alive, &(uint32_t){ALIVE_NO}, ALIVE_BEING_REBORN);
		if (ok)
			process_reborn(NULL);
	} else {
		real_resolve();
		/* In .preinit_array the C library knows no environment yet: nor we our options. */
		ok = environ && word_cas(&start_state, &(uint32_t){START_NOT_YET}, START_UNDER_WAY);
		if (ok) {
			start();
			init_alive_again();
			word_set_release(&start_state, START_DONE);
		}
	}
	errno = e;
	return ok;
}

int __cxa_atexit(void (*f)(void *), void *arg, void *dso);

static bool ends_later; /* than our destructor */

static void record_end(void *arg)
{
	(void)arg;
	end_record(REC_END_RETURN, 0);
}

/*
 * Libraries close sockets in their destructors, which the loader runs after ours. What is
 * registered so early, for no library, runs when the loader has done with all of them.
 */
static void end_after_destructors(void)
{
	ends_later = __cxa_atexit(record_end, NULL, NULL) == 0;
}

/*
 * libunwind is loaded here and never in a hook: dlopen() allocates, and a hook may be called by an
 * allocator that holds its lock (jemalloc reads a file while it makes itself ready).
 */
__attribute__((constructor(101))) static void constructor(void)
{
	if (!hook_enter())
		return;
	end_after_destructors();
	unwinder_load();
	unwinder_warm();
	if (unwinder_present()) /* a socket of an earlier constructor may have made the recording */
		shim.head->flags &= ~(uint32_t)REC_HEADER_NO_UNWINDER;
	found_at_start();
	images_drop_spent();
}

__attribute__((destructor(101))) static void destructor(void)
{
	if (!ends_later)
		end_record(REC_END_RETURN, 0);
}
