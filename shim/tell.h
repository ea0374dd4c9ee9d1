/* SPDX-License-Identifier: MIT */
/* tell.c: saying at the end what was found. */
#ifndef SHIM_TELL_H
#define SHIM_TELL_H

#include <stddef.h>

void tell_prepare(void);
void tell(void);
void tell_failure(int error);
void tell_line(const char *line, size_t n);

#endif
