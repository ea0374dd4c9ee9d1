/* SPDX-License-Identifier: MIT */
/* "socklint explain": what a rule is about. */
#include <argp.h>
#include <stdio.h>

#include "commands.h"
#include "options.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **id = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (*id)
		argp_error(state, "more than one rule named");
	if (!rule_by_id(arg))
		argp_error(state, "unknown rule \"%s\": \"socklint explain\" lists them", arg);
	*id = arg;
	return 0;
}

static void list_rules(void)
{
	int i;

	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = rule_by_nr((enum rule_nr)i);

		printf("%-22s %-8s %s\n", r->id, severity_name(r->severity), r->title);
	}
}

const struct argp argp_explain = {
	.parser = parse,
	.args_doc = "[RULE]",
	.doc = "Explains a rule, or lists all of them.",
};

int command_explain(int argc, char **argv)
{
	const char *id = NULL;
	const struct rule *r;

	argp_parse(&argp_explain, argc, argv, 0, NULL, &id);
	if (!id) {
		list_rules();
		return STATUS_CLEAN;
	}
	r = rule_by_id(id);
	printf("%s (%s): %s\n\n%s\n", r->id, severity_name(r->severity), r->title, r->help);
	return STATUS_CLEAN;
}
