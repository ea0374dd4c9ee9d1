/* SPDX-License-Identifier: MIT */
/* Files that readers see as they were or as they will be, never half written. */
#ifndef SOCKLINT_REPLACE_FILE_H
#define SOCKLINT_REPLACE_FILE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Has fill(out, data) write what the path shall hold. A device or a pipe is written through,
 * what a link leads to is replaced. Returns -1, having complained, if that failed; an old file is
 * then as it was.
 */
int replace_file(const char *path, int (*fill)(FILE *out, const void *data), const void *data);
/*
 * Before long work: -1, having complained, if it is plain that the path cannot be written. A
 * directory that is not there may still be made.
 */
int replace_file_check(const char *path);
/* Whether two names mean one file that would be replaced; it need not be there. */
bool replace_file_is_same(const char *a, const char *b);

#endif
