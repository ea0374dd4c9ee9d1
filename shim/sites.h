/* SPDX-License-Identifier: MIT */
/* sites.c: interned backtraces. */
#ifndef SHIM_SITES_H
#define SHIM_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "recording.h"
#include "unwinder.h"

uint32_t site_intern(const struct frames *frames);
void site_bears(uint32_t site, enum rec_call call);
void site_connects(uint32_t site, const struct rec_addr *peer);
struct rec_site *site_get(uint32_t id);
bool sites_inherit(void);

#endif
