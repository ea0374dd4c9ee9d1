/* SPDX-License-Identifier: MIT */
/* "socklint report": reads recordings. */
#include "alive.h"
#include "collection.h"
#include "commands.h"
#include "message.h"
#include "options.h"
#include "produce.h"

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
			wait_for_ends(arg);
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

static const struct argp_option table[] = {
	{"at-exit", KEY_AT_EXIT, NULL, 0, "Print nothing unless there are findings", 0},
	{0},
};

static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};

const struct argp argp_report = {
	.options = table,
	.parser = parse_report,
	.args_doc = "PATH...",
	.doc = "Reports the sockets left open, from recordings or directories of them.",
	.children = children,
};

int command_report(int argc, char **argv)
{
	struct report_command cmd = {.collection = COLLECTION_INIT};
	struct run_facts facts;
	int status;

	options_init(&cmd.options, STATUS_FINDINGS);
	argp_parse(&argp_report, argc, argv, 0, NULL, &cmd);
	facts = run_facts_of(&cmd.collection);
	status = options_name_outputs(&cmd.options, &facts);
	if (!status)
		status = options_read_files(&cmd.options);
	if (status && cmd.at_exit) { /* the program has run: better too many findings than none */
		options_forget_files(&cmd.options);
		status = STATUS_CLEAN;
	}
	if (!status)
		status = report_on(&cmd);
	collection_release(&cmd.collection);
	options_release(&cmd.options);
	return status;
}
