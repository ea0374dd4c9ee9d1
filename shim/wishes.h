/* SPDX-License-Identifier: MIT */
/* wishes.c: how the report is to be judged that tell.c prints; arguments of the command. */
#ifndef SHIM_WISHES_H
#define SHIM_WISHES_H

#include <stdbool.h>
#include <stdint.h>

#define WISHES_MAX 16u
void wish(const char *argument, const char *value, const char *end, bool is_path);
void wish_suppressions(const char *s);
void wish_epoch(const char *seconds);
uint32_t wishes(const char **argv);
const char *wished_epoch(void);

#endif
