/* SPDX-License-Identifier: MIT */
/* What the shim knows of this thread. */
#ifndef SHIM_THREAD_H
#define SHIM_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "house.h"
#include "recording.h"

/* What a thread knows of its own polling; see poll.c. */
struct polling {
	struct rec_poller *entry;
	uintptr_t loop_pc; /* where it polls in a loop, as opposed to a helper's poll in between */
	uint64_t loop_seen_ns;
	const void *known; /* memory of a set that was there a moment ago ... */
	size_t known_bytes;
	uint64_t known_until_ns; /* ... and is believed to be there as long */
	uint64_t stamp_ns;	 /* the last stamp */
	uint64_t look;		 /* what the set looked like then, ... */
	uintptr_t look_pc;	 /* ... whose it was ... */
	uint64_t look_until_ns;	 /* ... and how long nothing need be done while it stays so */
	uint64_t due_ns;	 /* no stamp before, the set being large */
	bool by_epoll;		 /* it waits by epoll_wait */
};

/* The last call of this thread's on a closed number, for a loop that does not stop. */
struct use {
	uintptr_t pc;
	int fd;
	uint32_t seq;
	struct rec_incident *incident; /* NULL: none */
};

/* Where a thread counts how its sockets end; see outcomes.c. */
struct counting {
	struct rec_outcome *entry;
	uint32_t since; /* thread.ended, when it began to ... */
	uint32_t times; /* ... count there */
};

struct thread {
	/* One cache line: what every read and write uses. */
	_Alignas(64) uint32_t tid; /* 0: ask */
	uint32_t touch_seq;
	struct rec_progress *progress[4]; /* of the sites served last, by the site's number */
	uint64_t id;			  /* the next socket's, while before ids_end */
	uint64_t ids_end;
	uint32_t shard;	  /* where it counts; 0: not settled yet */
	uint32_t counted; /* until it is */
	/* The next ones: births and deaths. */
	uintptr_t stack_lo; /* known to be readable: [stack_lo, stack_hi) */
	uintptr_t stack_hi;
	uint64_t own_stack;	     /* where this thread has been, as other.h has it; 0: nowhere */
	uint32_t ended;		     /* sockets of its */
	struct counting counting[4]; /* in the recording `of` */
	const struct rec_header *of;
	uint32_t calls; /* of ours that are under way: more than one in a handler */
	bool stays;	/* between stay_begin() and stay_end() */
	bool file_open; /* between gate_hold() and gate_release() */
	bool unwinding;
	bool in_birth;	    /* between a call that makes a socket and the record of it */
	uintptr_t close_pc; /* who called close() last, for which number */
	int close_fd;
	struct use use;
	struct polling polling;
};

extern __thread struct thread thread __attribute__((tls_model("initial-exec")));

/* Where the kernel may not be asked: no tid, but no other living thread's number either. */
static inline uint32_t thread_number(void)
{
	return REC_THREAD_NUMBER | (uint32_t)((uintptr_t)&thread >> 6);
}

uint32_t thread_ask(void);

static inline uint32_t thread_tid(void)
{
	uint32_t tid = thread.tid;

	return likely(tid) ? tid : thread_ask();
}

#endif
