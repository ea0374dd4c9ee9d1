/* SPDX-License-Identifier: MIT */
/*
 * Forges recordings for the unit tests: an image in memory whose parts are handed out to be filled
 * in, and files made of it. Times are in seconds; the process ends at second FORGE_END.
 */
#ifndef SOCKLINT_TESTS_FORGE_H
#define SOCKLINT_TESTS_FORGE_H

#include <stddef.h>

#include "loader.h"

#define FORGE_END	 1000
#define FORGE_S(seconds) ((uint64_t)((seconds)*1e9))

struct forge;

/* A process that ended by SIGTERM. */
struct forge *forge_new(uint32_t pid);
void forge_free(struct forge *f);
struct rec_header *forge_header(struct forge *f);
void *forge_image(struct forge *f, size_t *size);
size_t forge_chunk_at(struct forge *f, enum rec_chunk_kind kind);

/* A site of one frame; its number. */
uint32_t forge_site(struct forge *f, uint64_t pc);
struct rec_site *forge_site_at(struct forge *f, uint32_t site);
struct rec_module *forge_module(struct forge *f, const char *path, uint64_t lo, uint64_t hi);
struct rec_progress *forge_progress(struct forge *f, uint32_t tid, uint32_t site);
/* Sockets of a birth site that were closed at another, each so long after the FIN. */
struct rec_outcome *forge_outcome(struct forge *f, uint32_t birth, uint32_t close, uint32_t nr,
				  double dwell);
struct rec_poller *forge_poller(struct forge *f, uint32_t tid, double stamped);
/* Ten seconds before the end, of descriptor 7, by thread 1. */
struct rec_incident *forge_incident(struct forge *f, enum rec_incident_kind kind, uint32_t site,
				    uint32_t first_site);
/* An open accepted TCP socket in ESTABLISHED, touched once by thread 1 right after its birth. */
struct whole_life *forge_accepted(struct forge *f, int fd, uint32_t site, double born);
/* A note that the socket of this life was sent to somebody, a second after its birth. */
struct rec_sent *forge_sent(struct forge *f, const struct whole_life *l, uint64_t cookie);
/* The program says that it is meant to stay open; the reason may fill its room to the last byte. */
struct rec_kept *forge_kept(struct forge *f, struct whole_life *l, const char *reason);
/* So many sockets were open, and of a tenth of them the FIN was seen. */
struct rec_sample *forge_sample(struct forge *f, double at, uint32_t open);
/* The kernel's answer at the end. */
void forge_facts(struct whole_life *l, uint8_t state, double since_ack);
void forge_eof(struct whole_life *l, double at);

/* A fresh directory that forge_remove() removes with all in it. */
char *forge_directory(void);
void forge_remove(char *dir);
/* Writes dir/name; returns its path, which the caller frees. */
char *forge_write(struct forge *f, const char *dir, const char *name);
char *forge_write_bytes(const void *bytes, size_t size, const char *dir, const char *name);
char *forge_write_summary(const struct rec_summary *s, const char *dir);

#endif
