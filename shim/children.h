/* SPDX-License-Identifier: MIT */
/* children.c: programs that are started, and what becomes of the shim in them. */
#ifndef SHIM_CHILDREN_H
#define SHIM_CHILDREN_H

#include <stdbool.h>

#include "recording.h"

struct started {
	struct rec_child *child; /* NULL: not known by name */
	bool bare;
};

void children_prepare(void);
struct started child_begin(const char *path, char *const envp[]);
struct started child_begin_fd(int fd, char *const envp[]);
void child_failed(struct started s);
void child_loaded(void);

#endif
