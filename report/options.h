/* SPDX-License-Identifier: MIT */
/* The options that commands share: how to judge, what fails, what to write. */
#ifndef SOCKLINT_OPTIONS_H
#define SOCKLINT_OPTIONS_H

#include <argp.h>

#include "format.h"
#include "gate.h"
#include "output_name.h"
#include "paths.h"
#include "policy.h"

enum status {
	STATUS_CLEAN = 0,
	STATUS_FINDINGS = 1,
	STATUS_USAGE = 2,
	STATUS_INPUT = 3,
	STATUS_RUN_FINDINGS = 23,
	STATUS_FAILED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct output {
	const struct format *format;
	const char *name; /* as it was given; NULL: stdout */
	char *path;	  /* what it comes to */
};

#define OUTPUTS_MAX 32

struct options {
	struct output outputs[OUTPUTS_MAX];
	size_t nr_outputs; /* 0: text to stdout */
	struct policy policy;
	struct gate gate;
	struct paths paths;
	const char **suppressions; /* files that options_read_files() will read */
	size_t nr_suppressions, alloc_suppressions;
	const char *write_baseline; /* or NULL */
	int error_exitcode;
	enum color color;
	bool html_external; /* as in struct render_options */
	enum pprof_time pprof_time;
};

void options_init(struct options *o, int error_exitcode);
void options_release(struct options *o);
/*
 * For argp children; the input is a struct options. Of these options_argp is for commands that end
 * in a report, and has the other in it: that is for all commands that judge.
 */
extern const struct argp options_argp;
extern const struct argp judging_argp;
/* Of which run the outputs are. Returns 0, or the exit status, having complained. */
int options_name_outputs(struct options *o, const struct run_facts *facts);
/* What they name must be readable, or writable: returns 0, or the exit status, having complained.
 */
int options_read_files(struct options *o);
/* What of them was read, as if they had not been named. */
void options_forget_files(struct options *o);

#endif
