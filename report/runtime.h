/* SPDX-License-Identifier: MIT */
/* Which code is not the program's own, by its name or its file's. */
#ifndef SOCKLINT_RUNTIME_H
#define SOCKLINT_RUNTIME_H

#include <stdbool.h>

#include "recording.h"

/* In the C library, the loader, a sanitizer, or what C++ and Rust bring; function may be NULL. */
bool is_runtime(const char *function, const struct rec_module *m);

#endif
