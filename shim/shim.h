/* SPDX-License-Identifier: MIT */
/* What the shim knows of this process. */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "house.h"
#include "recording.h"
#include "sys.h"

#define LIVES_L2       16384u
#define LIVES_L1       1009u /* up to descriptor 2^30 */
#define SITE_CHUNKS    512u
#define MODULE_CHUNKS  16u
#define OUTCOME_CHUNKS 256u

/*
 * Whether the program has begun to stop: its last listener was closed, it was handed a signal that
 * it catches, or exit() was called.
 */
enum end_began { END_NOT_YET, END_NO_LISTENER, END_SIGNALLED, END_EXITS };

/* Where the recording stands; only recorder.c moves it. */
enum attach_state { DETACHED, ATTACHING, ATTACHED, ATTACH_FAILED };

struct shim {
	/* One cache line: what calls on sockets read, and hardly anybody writes. */
	_Alignas(64) int pid;
	uint32_t attach;    /* enum attach_state */
	bool sealed;	    /* a seccomp filter: ask the kernel nothing more */
	bool coarse_clock;  /* the time stamp counter was taken away: only that clock is left */
	bool notable;	    /* the outcomes hold what a rule may speak of */
	bool shared;	    /* another process may run on our memory (other.c) */
	uint32_t end_began; /* enum end_began */
	uint32_t nr_sites;
	struct rec_header *head; /* the recording's, or `init_no_head` while there is none */
	struct rec_progress *progress;
	uint64_t next_refresh_ns;
	uint64_t oldest_id; /* none below is given to a socket any more */
	/* All else. */
	int parent_pid;
	uint32_t attaching_tid;
	bool forked;		   /* this process was forked by one under the shim */
	bool never_unwind;	   /* forked while another thread was inside libunwind */
	bool started;		   /* init_start ran to its end */
	uint32_t ended;		   /* the end was recorded, or is being */
	bool modules_stale;	   /* a dlclose while there was no recording */
	bool folded;		   /* ... and the recording, with nothing to tell, was unlinked */
	bool resumed;		   /* ... and the exec failed: what is open was open there */
	uint32_t programs_started; /* by this image, as far as hooks saw it */
	uint32_t nr_modules;
	uint64_t forked_ns;	    /* the last fork: who was born before it has several holders */
	uint64_t next_listeners_ns; /* when the lives may next be looked through for listeners */
	uint64_t end_began_ns;	    /* END_NO_LISTENER, END_SIGNALLED: when */
	uint32_t refresh_cursor;
	uint32_t top_chunk; /* highest lives chunk in use, plus 1 */
	uint64_t start_ns;
	uint64_t start_real_ns;
	uint64_t starttime;
	struct rec_summary *summary;
	uintptr_t *lives[LIVES_L1]; /* slots.c */
	struct rec_site *sites[SITE_CHUNKS];
	struct rec_module *modules[MODULE_CHUNKS];
	struct rec_incident *incidents;
	struct rec_outcome *outcomes[OUTCOME_CHUNKS];
	struct rec_poller *pollers;
	struct rec_sample *samples; /* NULL until there is one */
	struct rec_sent *sent;	    /* NULL until something is */
	struct rec_kept *kept; /* likewise; in a child, its parent's until it has a recording */
	uint32_t image;	       /* number of this recording among those of the pid */
	char run_dir[600];
	char path[700];
	struct stat stderr_at_start;
	/* Written now and then by any thread: away from what every call reads. */
	_Alignas(64) uint64_t next_id;
	uint32_t nr_settled; /* threads that were given a shard of their own */
};

extern struct shim shim;

/*
 * A vfork child shares our memory, and what it closes is not ours. One system call: what is done
 * for each connection asks other.h. It cannot fail: where it does there is a filter that no hook
 * saw come.
 */
static inline bool process_is_other(void)
{
	int pid = shim.sealed ? shim.pid : sys_getpid();

	if (unlikely(pid < 0))
		sys_is_refused();
	return pid != shim.pid && pid >= 0;
}

#endif
