/* SPDX-License-Identifier: MIT */
/* Which file a program is, and whether the shim can be loaded into it. */
#ifndef SOCKLINT_RUN_TARGET_H
#define SOCKLINT_RUN_TARGET_H

#include "text.h"

/*
 * Finds the file that exec would take for the name; the caller frees *path. Returns 0, or the
 * exit status to end with, and why then says the reason.
 */
int target_find(const char *name, char **path, struct strbuf *why);
/* Returns 0 if the dynamic loader will load the shim into the file, or the exit status as above. */
int target_check(const char *path, struct strbuf *why);

#endif
