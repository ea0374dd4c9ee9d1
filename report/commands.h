/* SPDX-License-Identifier: MIT */
/* The commands. */
#ifndef SOCKLINT_COMMANDS_H
#define SOCKLINT_COMMANDS_H

#include <argp.h>
#include <stddef.h>

struct command {
	const char *name;
	char *invoked_as; /* "socklint NAME" */
	const char *arguments;
	const char *title;
	int (*run)(int argc, char **argv); /* returns the exit status */
	const struct argp *argp;
};

#define COMMAND(name, arguments, title)                                                            \
	int command_##name(int argc, char **argv);                                                 \
	extern const struct argp argp_##name;
#include "commands.def"
#undef COMMAND

extern const struct command commands[];
extern const size_t nr_commands;

/* NULL if there is none of that name. */
const struct command *command_by_name(const char *name);

#endif
