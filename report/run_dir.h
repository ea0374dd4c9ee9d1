/* SPDX-License-Identifier: MIT */
/* The directory that one run's recordings go to. */
#ifndef SOCKLINT_RUN_DIR_H
#define SOCKLINT_RUN_DIR_H

#include <stdbool.h>

#include "recording.h"
#include "text.h"

struct run_dir {
	char *path;		     /* absolute */
	bool temporary;		     /* ours to remove */
	struct rec_summary *summary; /* mapped: the shim counts in it */
};

/* Makes the directory that was asked for, or a private one below TMPDIR if that is NULL. */
int run_dir_make(struct run_dir *d, const char *asked, const char *program, struct strbuf *why);
/* Removes the directory and all that the shim made in it. */
void run_dir_remove(const struct run_dir *d);
void run_dir_release(struct run_dir *d);

#endif
