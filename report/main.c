/* SPDX-License-Identifier: MIT */
/* The commands. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "collection.h"
#include "diff.h"
#include "explain.h"
#include "live.h"
#include "message.h"
#include "options.h"
#include "produce.h"
#include "run.h"
#include "selftest.h"
#include "version.h"

/* ---- socklint report --------------------------------------------------------------------- */

enum { KEY_AT_EXIT = 0x200 };

struct report_command {
	struct options options;
	struct collection collection;
	bool at_exit;
	const char *path; /* the last */
	size_t nr_paths;
};

static error_t parse_report(int key, char *arg, struct argp_state *state)
{
	struct report_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		return 0;
	case KEY_AT_EXIT:
		cmd->at_exit = true;
		return 0;
	case ARGP_KEY_ARG:
		if (cmd->at_exit)
			live_settle(arg);
		collection_add(&cmd->collection, arg);
		cmd->path = arg;
		cmd->nr_paths++;
		return 0;
	case ARGP_KEY_END:
		if (!cmd->nr_paths)
			argp_error(state, "no recording named");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int report_on(const struct report_command *cmd)
{
	struct produced p;

	produce_report(&p, &cmd->collection, &cmd->options, cmd->at_exit);
	if (cmd->at_exit && p.nr_findings)
		complain("the recording is in %s", cmd->path);
	if (p.unwritten)
		return STATUS_FAILED;
	if (p.failed)
		return cmd->options.error_exitcode;
	return p.unread ? STATUS_INPUT : STATUS_CLEAN;
}

static int command_report(int argc, char **argv)
{
	static const struct argp_option table[] = {
		{"at-exit", KEY_AT_EXIT, NULL, 0, "Print nothing unless there are findings", 0},
		{0},
	};
	static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {table,
				  parse_report,
				  "PATH...",
				  "Reports the sockets left open, from recordings or directories "
				  "of them.",
				  children,
				  NULL,
				  NULL};
	struct report_command cmd = {.collection = COLLECTION_INIT};
	int status;

	options_init(&cmd.options, STATUS_FINDINGS);
	argp_parse(&argp, argc, argv, 0, NULL, &cmd);
	status = options_read_files(&cmd.options);
	if (!status)
		status = report_on(&cmd);
	collection_release(&cmd.collection);
	options_release(&cmd.options);
	return status;
}

/* ---- socklint ---------------------------------------------------------------------------- */

static const struct command {
	const char *name;
	char *invoked_as;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"run", (char[]){"socklint run"}, command_run},
	{"report", (char[]){"socklint report"}, command_report},
	{"diff", (char[]){"socklint diff"}, command_diff},
	{"explain", (char[]){"socklint explain"}, command_explain},
	{"selftest", (char[]){"socklint selftest"}, command_selftest},
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		argp_error(state,
			   "unknown command \"%s\": there is run, report, diff, explain, selftest",
			   arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state,
			   "no command named: there is run, report, diff, explain, selftest");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const char doc[] =
		"Finds the sockets that a program forgets to close.\v"
		"  run -- PROGRAM ARGS...   run a program under the shim and report\n"
		"  report PATH...           report from recordings, or from directories of them\n"
		"  diff OLD NEW             say what is new since another run, and what is fixed\n"
		"  explain [RULE]           say what a rule is about\n"
		"  selftest                 prove that a leak would be found here\n\n"
		"\"socklint COMMAND --help\" says more. Exit status: of report 0 no "
		"findings that fail, 1 such findings; of diff 0 none is new, 1 some are; of run "
		"the program's own, or 23 with findings where it did "
		"not fail by itself; 2 usage, 3 input that cannot be read, 125 socklint itself "
		"failed, 126 and 127 the program could not be started.";
	const struct argp argp = {
		.parser = parse_top, .args_doc = "COMMAND [OPTION...]", .doc = doc};
	const struct command *cmd = argc > 1 ? find_command(argv[1]) : NULL;

	argp_err_exit_status = STATUS_USAGE;
	argp_program_version_hook = version_print;
	if (cmd) {
		argv[1] = cmd->invoked_as;
		return cmd->run(argc - 1, argv + 1);
	}
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	return STATUS_USAGE;
}
