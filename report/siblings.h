/* SPDX-License-Identifier: MIT */
/*
 * What became of the other sockets of a birth site, over all processes of the run: where they were
 * closed, and how long after the peer's FIN. Works on raw addresses, read relative to the files
 * that they lie in, so that two processes of one program can be compared.
 */
#ifndef SOCKLINT_SIBLINGS_H
#define SOCKLINT_SIBLINGS_H

#include "history.h"

struct path;

/* Sockets of the place that were closed by one path, in any process; `site` is one's number. */
struct closer {
	const struct path *path;
	const struct process *process;
	uint32_t site;
	uint64_t nr;
};

/* A histogram of times. */
struct times {
	uint64_t nr;
	uint64_t buckets[REC_BUCKETS]; /* of rec_outcome */
	uint64_t max_ns;
};

struct siblings {
	struct closer *closers; /* most sockets first */
	size_t nr_closers, alloc_closers;
	uint64_t nr_closed;
	uint64_t nr_at_end; /* of those: after the program had begun to end */
	/* of those closed before that: */
	struct times dwells; /* from the peer's FIN to our close */
	struct times lives;  /* from birth to close */
};

struct sibling_index;

/* Sockets of one place that were closed at one place, over all processes of the run. */
struct ended {
	const struct process *process; /* whose the sites are */
	uint32_t birth_site;
	uint32_t close_site;
	uint64_t nr;
	uint64_t first_ns, last_ns; /* when the first and the last ended */
	uint64_t nr_active;	    /* these as in rec_outcome */
	uint64_t asked, unread;
	struct times dwells;
};

/*
 * Adds up those outcomes that are wanted, by where the sockets were born and, if by_close, where
 * they were closed. The caller frees the array.
 */
struct ended *ended_sockets(const struct history *h,
			    bool (*wanted)(const struct process *p, const struct rec_outcome *o),
			    bool by_close, size_t *nr);

/* history_read() makes it; it lives as long as the history. */
struct sibling_index *sibling_index_new(const struct history *h);
void sibling_index_free(struct sibling_index *index);
/* Of the sockets born where l was; never NULL. */
const struct siblings *siblings_of(const struct life *l);

/* The buckets of a struct rec_outcome. */
void times_add(struct times *t, const uint32_t buckets[REC_BUCKETS], uint64_t max_ns);
void times_join(struct times *to, const struct times *from);
/* An upper bound (good to a factor of 2) of that many per cent of them; 0 if there is none. */
uint64_t times_percentile(const struct times *t, unsigned int percent);

#endif
