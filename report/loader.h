/* SPDX-License-Identifier: MIT */
/*
 * Opens one recording and says what lies where in it. The one place that distrusts the file: what
 * it hands on is bounded, aligned and NUL-terminated; what the numbers mean is the history's.
 */
#ifndef SOCKLINT_LOADER_H
#define SOCKLINT_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "recording.h"
#include "text.h"

struct recorded_life {
	int fd;
	struct rec_life *life;
};

struct recording {
	char *path;
	unsigned char *data; /* a private copy of the whole file */
	size_t size;
	struct rec_header *header; /* in data; its strings end, its shards are added up */
	struct recorded_life *lives;
	size_t nr_lives, alloc_lives;
	struct rec_site **sites; /* by id; NULL where there is none */
	size_t nr_sites;
	struct rec_module **modules;
	size_t nr_modules, alloc_modules;
	struct rec_progress **progress;
	size_t nr_progress, alloc_progress;
	struct rec_incident **incidents;
	size_t nr_incidents, alloc_incidents;
	struct rec_outcome **outcomes;
	size_t nr_outcomes, alloc_outcomes;
	struct rec_poller **pollers;
	size_t nr_pollers, alloc_pollers;
	struct rec_sent **sent; /* in no order */
	size_t nr_sent, alloc_sent;
	struct rec_kept **kept; /* their reasons end */
	size_t nr_kept, alloc_kept;
	struct rec_sample **samples; /* in time order; their numbers fit together */
	size_t nr_samples, alloc_samples;
	uint64_t read_ns;     /* when it was read: of what came later it says nothing */
	uint64_t seen_end_ns; /* when "socklint run" saw its process end; 0: it did not */
	bool seen_exit;	      /* ... and that it ended by itself */
	bool told;	      /* its run was ended by a signal, whatever it made of that */
	size_t nr_damaged;    /* chunks that made no sense and were stepped over */
};

enum load_status {
	LOAD_OK,
	LOAD_UNBORN, /* empty so far: its process had no time to write the header */
	LOAD_BAD,
};

/* On anything but LOAD_OK why says what is wrong and what to do; nothing is to be released. */
enum load_status recording_load(struct recording *r, const char *path, struct strbuf *why);
void recording_release(struct recording *r);
/* loader_chunks.c: a part of recording_load(). */
void recording_walk_chunks(struct recording *r);
/* Whether the file behind fd, the same recording, still has this one of its open lives. */
bool recording_life_goes_on(const struct recording *r, int fd, const struct rec_life *l);
/* NULL when there is no such site, or it holds no stack. */
const struct rec_site *recording_site(const struct recording *r, uint32_t id);

/* As recording_load(), for the directory's summary. */
/* children: REC_CHILDREN_NR of them; those that make no sense are free. */
enum load_status summary_load(struct rec_summary *sum, struct rec_child *children, const char *path,
			      struct strbuf *why);

#endif
