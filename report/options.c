/* SPDX-License-Identifier: MIT */
/* The options that every command which ends in a report has. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FAIL_ON = 0x100, KEY_EXITCODE, KEY_COLOR };

static const struct argp_option option_table[] = {
	{"format", 'f', "FORMAT[:PATH]", 0, "Write the report as FORMAT (text), into PATH", 0},
	{"fail-on", KEY_FAIL_ON, "RULE|SEVERITY", 0,
	 "What makes the exit status a failure: a rule, or note, warning, error (default)", 0},
	{"error-exitcode", KEY_EXITCODE, "N", 0,
	 "Exit status when there are such findings (report: 1, run: 23)", 0},
	{"color", KEY_COLOR, "WHEN", 0, "auto (default), always or never", 0},
	{0},
};

void options_init(struct options *o, int error_exitcode)
{
	memset(o, 0, sizeof(*o));
	o->fail_on_severity = SEVERITY_ERROR;
	o->error_exitcode = error_exitcode;
}

static void parse_format(struct options *o, char *arg, struct argp_state *state)
{
	const char *colon = strchr(arg, ':');
	size_t len = colon ? (size_t)(colon - arg) : strlen(arg);
	struct output *out;

	if (o->nr_outputs == OUTPUTS_MAX)
		argp_error(state, "more than %d formats", OUTPUTS_MAX);
	out = &o->outputs[o->nr_outputs++];
	out->format = format_by_name(arg, len);
	out->path = colon ? colon + 1 : NULL;
	if (!out->format)
		argp_error(state, "unknown format \"%.*s\": there is %s", (int)len, arg,
			   format_names());
	if (colon && !colon[1])
		argp_error(state, "no file name after \"%s\"", arg);
}

static void parse_fail_on(struct options *o, const char *arg, struct argp_state *state)
{
	o->fail_on_rule = rule_by_id(arg);
	if (!o->fail_on_rule && severity_by_name(arg, &o->fail_on_severity))
		argp_error(state,
			   "--fail-on=%s: neither a rule (see \"socklint explain\") nor one of "
			   "note, warning, error",
			   arg);
}

static void parse_exitcode(struct options *o, const char *arg, struct argp_state *state)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(arg, &end, 10);
	if (errno || end == arg || *end || value < 0 || value > 255)
		argp_error(state, "--error-exitcode=%s: not a number from 0 to 255", arg);
	o->error_exitcode = (int)value;
}

static void parse_color(struct options *o, const char *arg, struct argp_state *state)
{
	static const char *const names[] = {"auto", "always", "never"};
	int i;

	for (i = COLOR_AUTO; i <= COLOR_NEVER; i++) {
		if (!strcmp(arg, names[i])) {
			o->color = (enum color)i;
			return;
		}
	}
	argp_error(state, "--color=%s: not one of auto, always, never", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'f':
		parse_format(o, arg, state);
		return 0;
	case KEY_FAIL_ON:
		parse_fail_on(o, arg, state);
		return 0;
	case KEY_EXITCODE:
		parse_exitcode(o, arg, state);
		return 0;
	case KEY_COLOR:
		parse_color(o, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp options_argp = {.options = option_table, .parser = parse};

static bool is_failure(const struct options *o, const struct report_finding *f)
{
	enum severity severity;

	if (o->fail_on_rule)
		return !strcmp(f->rule, o->fail_on_rule->id);
	return !severity_by_name(f->severity, &severity) && severity >= o->fail_on_severity;
}

bool options_fail(const struct options *o, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		if (is_failure(o, &r->findings[i]))
			return true;
	return false;
}
