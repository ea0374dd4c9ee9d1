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

/*
 * All that is known of a life: its struct rec_life, its addresses unpacked, and of its struct
 * rec_life_rest what its flags say is there; else that is 0.
 */
struct whole_life {
	uint32_t seq;
	uint32_t site;
	uint64_t born_ns;
	uint32_t flags;
	uint16_t born_by;
	uint16_t touch_call;
	uint64_t touch_ns;
	uint64_t touch_pc;
	uint32_t touch_tid;
	uint32_t touch_seq;
	uint32_t reader_tid;
	uint32_t writer_tid;
	uint64_t write_ns;
	uint64_t id;
	uint32_t born_tid;
	uint16_t family;
	uint8_t type;
	uint8_t protocol;
	struct rec_addr local;
	struct rec_addr peer;
	uint64_t eof_ns;
	uint32_t eof_site;
	uint32_t eof_tid;
	uint64_t reset_ns;
	uint32_t reset_site;
	uint32_t reset_errno;
	uint64_t shut_ns;
	uint32_t shut_site;
	uint32_t told_site;
	uint64_t told_ns;
	uint64_t close_ns;
	uint32_t close_site;
	uint32_t close_tid;
	uint64_t facts_ns;
	uint64_t kernel_cookie;
	uint32_t kernel_last_ack_ms;
	uint32_t kernel_unread;
	uint32_t kernel_unsent;
	uint8_t kernel_tcp_state;
	uint8_t kernel_eof_unread;
	uint16_t kernel_error;
	int32_t epoll_fd;
	uint32_t epoll_events;
	uint32_t poller_tid;
	uint64_t polled_ns;
};

struct recorded_life {
	int fd;
	const struct rec_life *recorded; /* in data */
	struct whole_life *life;
};

struct recording {
	char *path;
	unsigned char *data; /* a private copy of the whole file */
	size_t size;
	struct rec_header *header; /* in data; its strings end, its shards are added up */
	struct recorded_life *lives;
	size_t nr_lives, alloc_lives;
	struct whole_life *whole_lives; /* what lives[].life points into */
	struct rec_site **sites;	/* by id; NULL where there is none */
	size_t nr_sites;
	struct rec_module **modules;
	size_t nr_modules, alloc_modules;
	struct rec_module **numbered; /* the same, by number; NULL where there is none */
	size_t nr_numbers;
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
/* loader_chunks.c, loader_lives.c: parts of recording_load(). */
void recording_walk_chunks(struct recording *r);
void recording_join_lives(struct recording *r);
/* Whether the file behind fd, the same recording, still has this one of its open lives. */
bool recording_life_goes_on(const struct recording *r, int fd, const struct rec_life *l);
/* NULL when there is no such site, or it holds no stack. */
const struct rec_site *recording_site(const struct recording *r, uint32_t id);

/* Likewise, by the number that places name. */
const struct rec_module *recording_module(const struct recording *r, uint32_t number);

/* As recording_load(), for the directory's summary. */
/* children: REC_CHILDREN_NR of them; those that make no sense are free. */
enum load_status summary_load(struct rec_summary *sum, struct rec_child *children, const char *path,
			      struct strbuf *why);

#endif
