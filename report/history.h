/* SPDX-License-Identifier: MIT */
/*
 * What happened: processes, the sockets they hold open, and how far their threads have got, over
 * all recordings of a run. Addresses stay raw. Judges nothing: that is for the rules.
 */
#ifndef SOCKLINT_HISTORY_H
#define SOCKLINT_HISTORY_H

#include <stdbool.h>

#include "collection.h"
#include "kinship.h"
#include "policy.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

enum process_end {
	PROCESS_ENDED,	   /* by itself: exit() and the like */
	PROCESS_SIGNALLED, /* by a signal that the shim saw */
	PROCESS_REPLACED,  /* by exec: what it held is closed, or the next image's */
	PROCESS_KILLED,	   /* nobody could say good-bye */
	PROCESS_RUNNING,
};

struct process {
	const struct recording *rec;
	uint32_t pid;
	enum process_end end;
	uint64_t threads; /* alive at that instant; 0: not known */
	uint64_t now_ns;  /* the instant to judge by: its end, its last sign of life, or now */
	struct kinship *kinship;	/* who is whose sibling */
	struct sibling_index *siblings; /* of all processes: what became of those that ended */
	const struct policy *policy;	/* never NULL */
	const struct rec_sample *const *samples; /* the time line: in order, and consistent */
	size_t nr_samples;
	bool unreadable;      /* runs, but we may not look into it */
	uint64_t nr_followed; /* processes of the run, with a recording or without */
	size_t passed_on;     /* sockets left to a next image of which nothing is known */
};

/* One descriptor that was open at the end. */
struct life {
	const struct process *process;
	int fd;
	struct whole_life r;
	const struct rec_life *recorded; /* as it stands in the recording, or NULL */
	struct life *next_holder;	 /* of the same socket */
};

/*
 * What somebody knew of a socket that he has passed on and may hold no more: an image that ended
 * by exec, or a process that sent it by SCM_RIGHTS.
 */
struct origin {
	struct life life;   /* as it was there; of what was sent only the birth is known */
	bool sent;	    /* else passed on by exec */
	uint32_t sent_site; /* where it was sent */
};

/* The close of a descriptor by the process that opened the socket. */
struct closing {
	const struct process *process; /* NULL: none is known */
	uint32_t site;		       /* 0 and ... */
	uint64_t ns;		       /* ... 0 where the descriptor's slot has been used again */
};

/*
 * One socket and all descriptors behind it. The pointers name the holder that knows best; those
 * that may be NULL say so. Flags are those of all holders together.
 */
struct socket {
	const struct life *birth; /* where it was born, as far as still open */
	const struct life *holders;
	size_t nr_holders;
	uint32_t flags;		      /* enum rec_life_flag */
	const struct life *touched;   /* last touch in the process of birth */
	const struct life *elsewhere; /* later touch in another process, or NULL */
	const struct life *eof;	      /* who read the EOF, or NULL */
	const struct life *told;      /* whose wait said that the peer is gone, or NULL */
	const struct life *reset;     /* who was told of a reset, or NULL */
	const struct life *facts;     /* newest answer of the kernel, or NULL */
	const struct life *kept;      /* whose program said that it is meant to stay, or NULL */
	uint64_t write_ns;	      /* last write by anybody */
	const struct origin *opened;  /* who opened it, where no holder did; or NULL */
	const struct origin *sent;    /* who sent it, or NULL */
	const struct life *before;    /* who used it last in an image that exec replaced, or NULL */
	struct closing closed;	      /* where who opened it does not hold it any more */
	bool sent_away;		      /* to a process of which nothing is known */
};

struct history {
	const struct policy *policy; /* as those of its processes */
	struct process *processes;
	size_t nr_processes;
	struct life *lives;
	size_t nr_lives;
	struct socket *sockets;
	size_t nr_sockets;
	struct sibling_index *siblings;
	struct origin *origins; /* by cookie */
	size_t nr_origins;
	bool has_receivers;	     /* some process has received sockets */
	uint64_t followed;	     /* sockets ever born */
	uint64_t followed_processes; /* those without a recording included */
};

#define HISTORY_INIT                                                                               \
	{                                                                                          \
		.processes = NULL                                                                  \
	}

/*
 * To be called in this order: history_read() takes over what the recordings say (the collection
 * must outlive the history), live_complete() of live.h may correct what it says of processes that
 * still run, history_join() makes sockets of the lives.
 */
void history_read(struct history *h, const struct collection *c);
/* How strictly to judge, if not by policy_default; the policy must outlive the history. */
void history_set_policy(struct history *h, const struct policy *policy);
void history_join(struct history *h);
void history_release(struct history *h);

/* history_origin.c: parts of history_read() and history_join(). */
void origins_read(struct history *h);
void origins_join(struct history *h);
/* history_closed.c: the last part of history_join(). */
void closings_join(struct history *h);
/* Where the socket was opened, as far as anybody knows. */
const struct life *socket_opened(const struct socket *s);
/* No hook saw it being opened, in no process. */
bool socket_is_unseen(const struct socket *s);

/*
 * The module that a place, or an address where no module was named, lies in, or NULL; and its
 * offset there.
 */
const struct rec_module *process_module(const struct process *p, uint64_t place, uint64_t *offset);
/* When it was told to stop by a signal that it catches, if it then ended before long; or 0. */
uint64_t process_stop_ns(const struct process *p);
/* The program's name, for people. */
const char *process_name(const struct process *p);
/* CLOCK_REALTIME at this instant of the recording's clock, in ns; 0 for 0. */
uint64_t process_real_ns(const struct process *p, uint64_t ns);
/* "accept4"; "?" for codes that this socklint does not know. */
const char *call_name(uint32_t call);

#endif
