/* SPDX-License-Identifier: MIT */
/* Files that readers see as they were or as they will be, never half written. */
#ifndef SOCKLINT_REPLACE_FILE_H
#define SOCKLINT_REPLACE_FILE_H

#include <stdio.h>

/*
 * Has fill(out, data) write what the path shall hold. A device, a pipe or a link is written
 * through. Returns -1, having complained, if that failed; an old file is then as it was.
 */
int replace_file(const char *path, int (*fill)(FILE *out, const void *data), const void *data);

#endif
