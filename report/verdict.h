/* SPDX-License-Identifier: MIT */
/* What a rule says of one socket, with the evidence kept so that it can be printed. */
#ifndef SOCKLINT_VERDICT_H
#define SOCKLINT_VERDICT_H

#include "history.h"

/* Why an open socket is no fault, or not yet one. The texts stand in the report. */
#define OPEN_REASONS(X)                                                                            \
	X(IN_USE, "in use")                                                                        \
	X(LISTENER, "listening")                                                                   \
	X(NOT_TCP, "not TCP")                                                                      \
	X(UNCONNECTED, "not connected")                                                            \
	X(CLOSING, "being closed by TCP")                                                          \
	X(GRACE, "younger at the end than the grace: too young to judge")                          \
	X(UNDATED, "in doubt: the program was killed, nobody saw when")                            \
	X(NO_PROOF, "no proof that the program moved on")                                          \
	X(CUSTODY, "its thread may still be at work on it")                                        \
	X(IN_FILE, "in a FILE: what is done with it is not seen")                                  \
	X(QUEUE, "waiting in a hand-over queue?")                                                  \
	X(ELSEWHERE, "in the hands of another process")                                            \
	X(HALF_CLOSED, "serving a half-closed peer")                                               \
	X(WATCHED, "watched: the event loop will see its end")                                     \
	X(DWELL, "others of its place were closed as long after the FIN")                          \
	X(NOT_TOLD, "the program was not told that it is over")                                    \
	X(PARKED, "parked: may be reused")                                                         \
	X(ONE_SHOT, "one-shot client")                                                             \
	X(KEPT, "meant to stay open")                                                              \
	X(UNSEEN, "origin unknown")                                                                \
	X(UNKNOWN, "state not known: ended before the kernel could be asked")

enum open_reason {
	OPEN_NONE, /* it is a fault */
#define OPEN_ENUM(name, text) OPEN_##name,
	OPEN_REASONS(OPEN_ENUM)
#undef OPEN_ENUM
		OPEN_REASON_COUNT
};

const char *open_reason_text(enum open_reason reason);

enum proof_kind {
	PROOF_NONE,
	PROOF_TOUCHER_ENDED,   /* the thread that touched it last is no more */
	PROOF_THREAD_MOVED_ON, /* that thread has since touched a younger sibling */
	PROOF_OVERTAKEN,       /* a younger sibling was served and has been closed */
	PROOF_REPLACED,	       /* client: the site opened a new one after the FIN */
	PROOF_SERIES,	       /* the last of a series whose others have proof */
};

/* "thread-moved-on"; NULL for PROOF_NONE. */
const char *proof_name(enum proof_kind kind);

struct proof {
	enum proof_kind kind;
	uint32_t tid;
	uint32_t served; /* sockets of the site that this thread served in all */
};

/* A way in which a rule can be broken: its name, what it means, and what to do about it. */
struct rule_case {
	const char *name;    /* subkind as printed, or NULL */
	const char *meaning; /* one sentence, in TCP terms */
	const char *advice;
	const char
		*since; /* what happened at verdict.since_ns; NULL: it was used for the last time */
	const char *other; /* of a remark: what its other site is, "first close" */
	bool informed;	   /* the program was told: by an EOF, a reset, its own shutdown */
};

struct verdict {
	const struct rule_case *which; /* NULL: the rule does not apply */
	enum open_reason reason;       /* OPEN_NONE: it is a fault */
	uint64_t since_ns;	       /* the FIN, or the end of the connection */
	struct proof proof;
};

#endif
