/* SPDX-License-Identifier: MIT */
/* rundir.c: which directory the recordings of this run lie in. */
#ifndef SHIM_RUNDIR_H
#define SHIM_RUNDIR_H

#include <stdbool.h>
#include <stdint.h>

struct process_id {
	int pid;
	int ppid;
	uint64_t starttime;
};

bool process_id_read(struct process_id *id, int pid);
int rundir_make(void);
bool rundir_is_first_process(void);

#endif
