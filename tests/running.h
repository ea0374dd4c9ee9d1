/* SPDX-License-Identifier: MIT */
/*
 * Runs real programs for the tests, with and without the shim: bounded in time, with their output
 * caught, and nothing of theirs left behind.
 */
#ifndef TESTS_RUNNING_H
#define TESTS_RUNNING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/types.h>
#include <cmocka.h>

#define RUN_TIMEOUT_S 150

struct run {
	int status; /* as waitpid gives it; -1: killed here, because it took too long */
	char *out;
	char *err;
};

/* How a program is started. */
struct start {
	const char *const *argv;
	const char *preload; /* the value of LD_PRELOAD, or NULL */
	const char *options; /* the value of SOCKLINT_OPTIONS, or NULL */
	const char *dir;     /* working directory, or NULL */
};

struct child {
	pid_t pid;
	int out; /* what it prints; its end is its end */
	int err;
};

struct run run_program(const struct start *start);
struct child child_start(const struct start *start);
/* Reads from child.out until `text` has come. Fails the test after RUN_TIMEOUT_S. */
void child_expect(struct child *child, const char *text);
struct run child_finish(struct child *child);
void run_release(struct run *run);

/* A fresh directory under /tmp, and its removal with all that lies in it. */
char *scratch_make(void);
void scratch_remove(char *dir);
/* Files in dir whose names end in suffix. */
int scratch_count(const char *dir, const char *suffix);

/* For what a bare preload prints at the end: a machine that is busy needs more than the 2 s. */
#define PATIENTLY ":patience=50"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The guest NAME under the shim, recording to dir, told nothing else. */
struct run run_guest(const char *dir, const char *name, const char *arg);
/* `socklint report dir`. */
struct run run_report(const char *dir);
/* Fails unless the text has a line that starts so. */
void assert_has_line(const char *text, const char *start);
void assert_has_no_line(const char *text, const char *start);

#endif
