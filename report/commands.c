/* SPDX-License-Identifier: MIT */
/* The table of commands. */
#include "commands.h"

#include <string.h>

#include "alloc.h"

const struct command commands[] = {
#define COMMAND(name, arguments, title)                                                            \
	{#name, (char[]){"socklint " #name}, arguments, title, command_##name, &argp_##name},
#include "commands.def"
#undef COMMAND
};

const size_t nr_commands = ARRAY_SIZE(commands);

const struct command *command_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < nr_commands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}
