/* SPDX-License-Identifier: MIT */
/* The raw doors: what syscall() is asked to do, each by its family's file. */
#ifndef SHIM_RAW_H
#define SHIM_RAW_H

#include "at.h"
#include "hook.h"

/* Does what its hook does, by system call `nr` with the arguments a; results as syscall()'s. */
typedef long raw_door(long nr, const long a[6], struct at at);

#define RAW(nr, door) raw_door door;
#include "raw.def"
#undef RAW

static inline long raw_call(long nr, const long a[6])
{
	return real.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
