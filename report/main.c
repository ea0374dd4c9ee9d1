/* SPDX-License-Identifier: MIT */
/* Which command it is; the usage of all. */
#include <argp.h>
#include <stdlib.h>

#include "commands.h"
#include "options.h"
#include "text.h"
#include "version.h"

/* "run, report, ..." */
static char *names(void)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	for (i = 0; i < nr_commands; i++)
		strbuf_addf(&sb, "%s%s", i ? ", " : "", commands[i].name);
	return strbuf_detach(&sb);
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		argp_error(state, "unknown command \"%s\": there is %s", arg, names());
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command named: there is %s", names());
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *usage(void)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	strbuf_addstr(&sb, "Finds the sockets that a program forgets to close.\v");
	for (i = 0; i < nr_commands; i++)
		strbuf_addf(&sb, "  %-8s %-19s %s\n", commands[i].name, commands[i].arguments,
			    commands[i].title);
	strbuf_addstr(
		&sb,
		"\n\"socklint COMMAND --help\" says more. Exit status: of report 0 no findings "
		"that fail, 1 such findings; of diff 0 none is new, 1 some are; of selftest 1 "
		"leaks are not found here; of run the program's own, or 23 with findings where "
		"it did not fail by itself; 2 usage, 3 input that cannot be read, 125 socklint "
		"itself failed, 126 and 127 the program could not be started.");
	return strbuf_detach(&sb);
}

int main(int argc, char **argv)
{
	const struct command *cmd = argc > 1 ? command_by_name(argv[1]) : NULL;
	struct argp argp = {.parser = parse_top, .args_doc = "COMMAND [OPTION...]"};
	char *doc;

	argp_err_exit_status = STATUS_USAGE;
	argp_program_version_hook = version_print;
	if (cmd) {
		argv[1] = cmd->invoked_as;
		return cmd->run(argc - 1, argv + 1);
	}
	argp.doc = doc = usage();
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	free(doc);
	return STATUS_USAGE;
}
