/* SPDX-License-Identifier: MIT */
/* The command from outside, for tests that link its parts as well: what it is told and what it
 * says. */
#ifndef TESTS_COMMANDING_H
#define TESTS_COMMANDING_H

#include <sys/types.h>

struct command {
	char *dir, *home; /* home: the TMPDIR of the command */
	char *out_path, *err_path;
	char *out, *err; /* of the last one */
	char *file;	 /* of the last command_file() */
};

int command_setup(void **state);
int command_teardown(void **state);

pid_t command_start(struct command *x, char **argv);
/* Its exit status: it must not have died of a signal. */
int command_finish(struct command *x, pid_t pid);
int command_run(struct command *x, char **argv);

/* A file of that text, below dir. */
char *command_file(struct command *x, const char *name, const char *text);
/* "" if there is none; the caller frees it. */
char *read_file(const char *path);

#endif
