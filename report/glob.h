/* SPDX-License-Identifier: MIT */
/*
 * Patterns that match a whole name: '*' is any run of bytes, '?' any one; a backslash takes the
 * special meaning from what follows it, and "\n", "\r", "\t" and "\xHH" are bytes that a line
 * cannot hold. There are no brackets: C++ has them in its names.
 */
#ifndef SOCKLINT_GLOB_H
#define SOCKLINT_GLOB_H

#include <stdbool.h>

#include "text.h"

/* Whether every backslash is followed by what it may be. */
bool glob_is_valid(const char *pattern);
bool glob_match(const char *pattern, const char *text);
/* Adds the pattern in plain ASCII that matches text and nothing else. */
void glob_quote(struct strbuf *sb, const char *text);

#endif
