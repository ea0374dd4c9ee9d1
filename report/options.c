/* SPDX-License-Identifier: MIT */
/* The options that commands share: how to judge, what fails, what to write. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "message.h"
#include "replace_file.h"

enum {
	KEY_FAIL_ON = 0x100,
	KEY_EXITCODE,
	KEY_COLOR,
	KEY_GRACE,
	KEY_MAX_DWELL,
	KEY_STRICT,
	KEY_SUPPRESSIONS,
	KEY_GEN_SUPPRESSIONS,
	KEY_BASELINE,
	KEY_GROWTH,
	KEY_WRITE_BASELINE,
	KEY_HTML_ASSETS,
	KEY_SOURCE_ROOT,
	KEY_PATH_MAP,
	KEY_PPROF_TIME,
};

#define SUPPRESSIONS_ENV "SOCKLINT_SUPPRESSIONS"

void options_init(struct options *o, int error_exitcode)
{
	memset(o, 0, sizeof(*o));
	gate_init(&o->gate);
	o->policy = policy_default;
	o->error_exitcode = error_exitcode;
}

void options_release(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nr_outputs; i++)
		free(o->outputs[i].path);
	gate_release(&o->gate);
	paths_release(&o->paths);
	free(o->suppressions);
}

/* ---- how to judge ------------------------------------------------------------------------ */

static const struct argp_option judging_table[] = {
	{"grace", KEY_GRACE, "SECONDS", 0,
	 "What was used within SECONDS (1) before a signal ended the program is not judged", 0},
	{"max-dwell", KEY_MAX_DWELL, "SECONDS", 0,
	 "A close that comes later than SECONDS (60) after the peer's FIN is slow, and so is a "
	 "peer that has not answered ours by then",
	 0},
	{"suppressions", KEY_SUPPRESSIONS, "FILE", 0,
	 "Do not tell what FILE names (also: " SUPPRESSIONS_ENV "=FILE:FILE)", 0},
	{"error-exitcode", KEY_EXITCODE, "N", 0,
	 "Exit status when there are findings that fail (run: 23, else 1)", 0},
	{0},
};

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

static void parse_seconds(uint64_t *ns, const char *option, const char *arg,
			  struct argp_state *state)
{
	if (policy_seconds(arg, ns))
		argp_error(state, "--%s=%s: not a number of seconds", option, arg);
}

static void add_suppressions_file(struct options *o, const char *path)
{
	ALLOC_GROW(o->suppressions, o->nr_suppressions + 1, o->alloc_suppressions);
	o->suppressions[o->nr_suppressions++] = path;
}

static error_t parse_judging(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_GRACE:
		parse_seconds(&o->policy.grace_ns, "grace", arg, state);
		return 0;
	case KEY_MAX_DWELL:
		parse_seconds(&o->policy.max_dwell_ns, "max-dwell", arg, state);
		return 0;
	case KEY_SUPPRESSIONS:
		add_suppressions_file(o, arg);
		return 0;
	case KEY_EXITCODE:
		parse_exitcode(o, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp judging_argp = {.options = judging_table, .parser = parse_judging};

/* ---- what fails, and what is written ----------------------------------------------------- */

static const struct argp_option option_table[] = {
	{"format", 'f', "FORMAT[:PATH]", 0,
	 "Write the report as FORMAT (text), into PATH; %p in it is the program's pid, %h the "
	 "host, "
	 "%e the program's name, %% a %",
	 0},
	{"fail-on", KEY_FAIL_ON, "RULE|SEVERITY,...", 0,
	 "What makes the exit status a failure: rules, and note, warning or error (the default) "
	 "for all that is at least so severe; or none",
	 0},
	{"strict", KEY_STRICT, NULL, 0, "Sockets that are only still open fail as well", 0},
	{"gen-suppressions", KEY_GEN_SUPPRESSIONS, NULL, 0,
	 "After each finding, print the suppression to paste into a file", 0},
	{"baseline", KEY_BASELINE, "FILE", 0,
	 "Findings that FILE knows do not fail, and are only listed", 0},
	{"growth", KEY_GROWTH, NULL, 0,
	 "With --baseline: they do where there are more sockets than FILE says", 0},
	{"write-baseline", KEY_WRITE_BASELINE, "FILE", 0, "Write the findings into FILE", 0},
	{"html-assets", KEY_HTML_ASSETS, "WHERE", 0,
	 "Style and script of -f html:PATH: inline (default), or external, in files beside it", 0},
	{"source-root", KEY_SOURCE_ROOT, "DIR", 0,
	 "Name source files below DIR (the current directory) relative to it", 0},
	{"path-map", KEY_PATH_MAP, "OLD=NEW", 0,
	 "Sources that were compiled below OLD lie below NEW (repeatable, the first that fits)", 0},
	{"color", KEY_COLOR, "WHEN", 0, "auto (default), always or never", 0},
	{"pprof-time", KEY_PPROF_TIME, "WHEN", 0,
	 "The time in a profile: recorded (default: when the program ended), now, or none", 0},
	{0},
};

static void parse_format(struct options *o, char *arg, struct argp_state *state)
{
	const char *colon = strchr(arg, ':'), *mistake;
	size_t len = colon ? (size_t)(colon - arg) : strlen(arg);
	struct output *out;

	if (o->nr_outputs == OUTPUTS_MAX)
		argp_error(state, "more than %d formats", OUTPUTS_MAX);
	out = &o->outputs[o->nr_outputs++];
	out->format = format_by_name(arg, len);
	out->name = colon ? colon + 1 : NULL;
	out->path = colon ? xstrdup(colon + 1) : NULL;
	if (!out->format)
		argp_error(state, "unknown format \"%.*s\": there is %s", (int)len, arg,
			   format_names());
	if (colon && !colon[1])
		argp_error(state, "no file name after \"%s\"", arg);
	mistake = colon ? output_name_mistake(colon + 1) : NULL;
	if (mistake)
		argp_error(state, "\"%.2s\" in \"%s\": there is %s", mistake, arg,
			   OUTPUT_NAME_WORDS);
}

struct target {
	const char *what, *path; /* NULL: standard output */
};

/* Of two files under one name only one would be left. What many may write to gets both. */
static bool is_same_target(const struct target *a, const struct target *b)
{
	if (!a->path || !b->path)
		return a->path == b->path;
	return replace_file_is_same(a->path, b->path);
}

static bool find_clash(const struct options *o, struct strbuf *why)
{
	struct target all[OUTPUTS_MAX + 1];
	size_t nr, i, k;

	for (nr = 0; nr < o->nr_outputs; nr++)
		all[nr] = (struct target){o->outputs[nr].format->name, o->outputs[nr].path};
	if (o->write_baseline)
		all[nr++] = (struct target){"the baseline", o->write_baseline};
	for (i = 0; i < nr; i++)
		for (k = 0; k < i; k++)
			if (is_same_target(&all[i], &all[k])) {
				strbuf_addf(why, "%s and %s both go to %s", all[k].what,
					    all[i].what,
					    all[i].path ? all[i].path : "standard output");
				return true;
			}
	return false;
}

static void check_outputs(const struct options *o, struct argp_state *state)
{
	struct strbuf why = STRBUF_INIT;

	if (find_clash(o, &why))
		argp_error(state, "%s", why.buf);
}

int options_name_outputs(struct options *o, const struct run_facts *facts)
{
	struct strbuf why = STRBUF_INIT;
	bool clash;
	size_t i;

	for (i = 0; i < o->nr_outputs; i++) {
		struct output *out = &o->outputs[i];

		free(out->path);
		out->path = out->name ? output_name_make(out->name, facts) : NULL;
	}
	clash = find_clash(o, &why);
	if (clash)
		complain("%s", why.buf);
	strbuf_release(&why);
	return clash ? STATUS_USAGE : 0;
}

static void parse_fail_on(struct options *o, const char *arg, struct argp_state *state)
{
	char *list = xstrdup(arg);
	const char *bad = gate_fail_on(&o->gate, list);

	if (bad)
		argp_error(state,
			   "--fail-on=%s: \"%s\" is neither a rule (see \"socklint explain\") nor "
			   "one of note, warning, error, nor none alone",
			   arg, bad);
	free(list);
}

/* The number of the word. */
static int parse_word(const char *option, const char *arg, const char *const words[3],
		      struct argp_state *state)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(arg, words[i]))
			return i;
	argp_error(state, "--%s=%s: not one of %s, %s, %s", option, arg, words[0], words[1],
		   words[2]);
	return 0;
}

static enum color parse_color(const char *arg, struct argp_state *state)
{
	static const char *const words[] = {"auto", "always", "never"};

	return (enum color)parse_word("color", arg, words, state);
}

static enum pprof_time parse_pprof_time(const char *arg, struct argp_state *state)
{
	static const char *const words[] = {"recorded", "now", "none"};

	return (enum pprof_time)parse_word("pprof-time", arg, words, state);
}

static void parse_html_assets(struct options *o, const char *arg, struct argp_state *state)
{
	o->html_external = !strcmp(arg, "external");
	if (!o->html_external && strcmp(arg, "inline"))
		argp_error(state, "--html-assets=%s: not one of inline, external", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case 'f':
		parse_format(o, arg, state);
		return 0;
	case KEY_FAIL_ON:
		parse_fail_on(o, arg, state);
		return 0;
	case KEY_STRICT:
		o->gate.strict = true;
		return 0;
	case KEY_GEN_SUPPRESSIONS:
		o->gate.shows_suppressions = true;
		return 0;
	case KEY_BASELINE:
		o->gate.baseline_path = arg;
		return 0;
	case KEY_GROWTH:
		o->gate.growth = true;
		return 0;
	case KEY_WRITE_BASELINE:
		o->write_baseline = arg;
		return 0;
	case KEY_HTML_ASSETS:
		parse_html_assets(o, arg, state);
		return 0;
	case KEY_SOURCE_ROOT:
		paths_set_root(&o->paths, arg);
		return 0;
	case KEY_PATH_MAP:
		if (paths_add_map(&o->paths, arg))
			argp_error(state, "--path-map=%s: not of the form OLD=NEW", arg);
		return 0;
	case KEY_COLOR:
		o->color = parse_color(arg, state);
		return 0;
	case KEY_PPROF_TIME:
		o->pprof_time = parse_pprof_time(arg, state);
		return 0;
	case ARGP_KEY_END:
		if (!o->paths.root)
			paths_set_root(&o->paths, ".");
		check_outputs(o, state);
		if (o->gate.growth && !o->gate.baseline_path)
			argp_error(state, "--growth: since when? There is no --baseline");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&judging_argp, 0, NULL, 0}, {0}};

const struct argp options_argp = {.options = option_table, .parser = parse, .children = children};

/* ---- files that options name ------------------------------------------------------------- */

static int read_suppressions(struct options *o, struct strbuf *why)
{
	const char *env = getenv(SUPPRESSIONS_ENV);
	char *paths = xstrdup(env ? env : ""), *rest = paths, *path;
	char today[sizeof("YYYY-MM-DD")];
	int error = 0;
	size_t i;

	if (suppressions_today(today)) {
		strbuf_addstr(why, "SOURCE_DATE_EPOCH: not a number of seconds");
		error = *paths || o->nr_suppressions;
	}
	while (!error && (path = strsep(&rest, ":")))
		if (*path)
			error = suppressions_read(&o->gate.suppressions, path, today, why);
	for (i = 0; !error && i < o->nr_suppressions; i++)
		error = suppressions_read(&o->gate.suppressions, o->suppressions[i], today, why);
	free(paths);
	return error;
}

static int check_paths(const struct options *o)
{
	int error = o->write_baseline ? replace_file_check(o->write_baseline) : 0;
	size_t i;

	for (i = 0; i < o->nr_outputs; i++)
		if (o->outputs[i].path)
			error |= replace_file_check(o->outputs[i].path);
	return error;
}

void options_forget_files(struct options *o)
{
	suppressions_release(&o->gate.suppressions);
	baseline_release(&o->gate.baseline);
	o->gate.baseline_path = NULL;
}

int options_read_files(struct options *o)
{
	struct strbuf why = STRBUF_INIT;
	int status = 0;

	if (read_suppressions(o, &why))
		status = STATUS_USAGE;
	else if (o->gate.baseline_path &&
		 baseline_read(&o->gate.baseline, o->gate.baseline_path, &why))
		status = STATUS_INPUT;
	if (status)
		complain("%s", why.buf);
	else if (check_paths(o))
		status = STATUS_FAILED;
	strbuf_release(&why);
	return status;
}
