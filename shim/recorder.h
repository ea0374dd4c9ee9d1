/* SPDX-License-Identifier: MIT */
/* recorder.c: the file. */
#ifndef SHIM_RECORDER_H
#define SHIM_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "house.h"
#include "shim.h"
#include "words.h"

bool recorder_attach(void);
void recorder_lost(uint64_t *counter);

/* Makes sure that there is a recording. Returns whether there is. */
static inline bool recorder_ready(void)
{
	return likely(word_get_acquire(&shim.attach) == ATTACHED) || recorder_attach();
}

#endif
