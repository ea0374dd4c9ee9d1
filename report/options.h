/* SPDX-License-Identifier: MIT */
/* The options that every command which ends in a report has. */
#ifndef SOCKLINT_OPTIONS_H
#define SOCKLINT_OPTIONS_H

#include <argp.h>

#include "format.h"
#include "rules.h"

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
	const char *path; /* NULL: stdout */
};

#define OUTPUTS_MAX 8

struct options {
	struct output outputs[OUTPUTS_MAX];
	size_t nr_outputs; /* 0: text to stdout */
	const struct rule *fail_on_rule;
	enum severity fail_on_severity; /* if there is no rule */
	int error_exitcode;
	enum color color;
};

void options_init(struct options *o, int error_exitcode);
/* For argp children; the input is a struct options. */
extern const struct argp options_argp;
/* Whether a finding of the report makes the command fail. */
bool options_fail(const struct options *o, const struct report *r);

#endif
