/* SPDX-License-Identifier: MIT */
/*
 * Findings without their evidence, to compare runs by: one entry for each fingerprint. On disk it
 * is JSON; nothing else knows its format. Knows nothing of recordings.
 */
#ifndef SOCKLINT_BASELINE_H
#define SOCKLINT_BASELINE_H

#include "fingerprint.h"
#include "report.h"
#include "text.h"

#define BASELINE_VERSION 1

struct baseline_entry {
	char id[FINGERPRINT_HEX];
	char *rule, *kind; /* kind may be NULL */
	char *function;
	uint64_t nr;
};

struct baseline {
	struct baseline_entry *all; /* by id */
	size_t nr, alloc;
};

#define BASELINE_INIT                                                                              \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

/* Returns -1 and says why, with the file and the place in it. */
int baseline_read(struct baseline *b, const char *path, struct strbuf *why);
/* Whether the file looks like a baseline, be it a broken one. */
bool baseline_is_one(const char *path);
/* Returns -1 having complained; an old file is then as it was. */
int baseline_write(const struct baseline *b, const char *path);
void baseline_release(struct baseline *b);

/* All findings of a report. */
void baseline_of(struct baseline *b, const struct report *r);
/* NULL if there is none. */
const struct baseline_entry *baseline_find(const struct baseline *b, const char *id);

#endif
