/* SPDX-License-Identifier: MIT */
/* room.c: room in the recording. */
#ifndef SHIM_ROOM_H
#define SHIM_ROOM_H

#include <stdint.h>

#include "recording.h"

void room_begin(char *base, uint32_t units, uint32_t used);
char *room_map(int fd, uint64_t offset, uint32_t units, int *error);
void *room_chunk(enum rec_chunk_kind kind, uint32_t units, uint32_t base, uint32_t nr,
		 uint32_t entry_bytes);
void room_reserve(void);
int room_allocate(int fd, uint64_t offset, uint64_t bytes);

#endif
