/* SPDX-License-Identifier: MIT */
/* Runs a program in the foreground and passes signals on. */
#ifndef SOCKLINT_RUN_CHILD_H
#define SOCKLINT_RUN_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int exec_errno;	 /* the program could not be started; 0: it was */
	int status;	 /* as waitpid() says */
	uint64_t end_ns; /* CLOCK_MONOTONIC */
	bool was_told;	 /* it ended by a signal that came to us too, or says so */
};

/* Returns -1, with errno set, when not even a process could be made. */
int child_run(struct child *c, const char *path, char **argv, char **env);

#endif
