/* SPDX-License-Identifier: MIT */
/* "socklint diff": what is new since another run, what is gone, and what grows from run to run. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alive.h"
#include "alloc.h"
#include "commands.h"
#include "message.h"
#include "options.h"
#include "produce.h"

enum { KEY_REPEAT = 0x200, KEY_GROWTH };

struct diff_command {
	struct options options;
	bool repeat, growth;
	char **paths;
	size_t nr, alloc;
	struct baseline *runs; /* one for each path */
};

/* ---- arguments --------------------------------------------------------------------------- */

static void check_paths(const struct diff_command *cmd, struct argp_state *state)
{
	if (cmd->repeat && cmd->growth)
		argp_error(state, "--growth and --repeat: it is one or the other");
	if (cmd->nr < 2)
		argp_error(state, "two runs are needed, each a recording, a directory of them or a "
				  "baseline");
	if (cmd->nr > 2 && !cmd->repeat)
		argp_error(state, "more than two runs: that is for --repeat");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		return 0;
	case KEY_REPEAT:
		cmd->repeat = true;
		return 0;
	case KEY_GROWTH:
		cmd->growth = true;
		return 0;
	case ARGP_KEY_ARG:
		ALLOC_GROW(cmd->paths, cmd->nr + 1, cmd->alloc);
		cmd->paths[cmd->nr++] = arg;
		return 0;
	case ARGP_KEY_END:
		check_paths(cmd, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option table[] = {
	{"repeat", KEY_REPEAT, NULL, 0,
	 "Of any number of runs, oldest first: only what grows in every one", 0},
	{"growth", KEY_GROWTH, NULL, 0, "What has more sockets than before fails as well", 0},
	{0},
};

static const struct argp_child children[] = {{&judging_argp, 0, NULL, 0}, {0}};

const struct argp argp_diff = {
	.options = table,
	.parser = parse,
	.args_doc = "OLD NEW\n--repeat RUN RUN...",
	.doc = "Compares the findings of two runs: recordings, directories of them, or baselines.",
	.children = children,
};

static void parse_arguments(struct diff_command *cmd, int argc, char **argv)
{
	memset(cmd, 0, sizeof(*cmd));
	options_init(&cmd->options, STATUS_FINDINGS);
	argp_parse(&argp_diff, argc, argv, 0, NULL, cmd);
}

/* ---- input ------------------------------------------------------------------------------- */

static int read_baseline(struct baseline *b, const char *path)
{
	struct strbuf why = STRBUF_INIT;
	int error = baseline_read(b, path, &why);

	if (error)
		complain("%s", why.buf);
	strbuf_release(&why);
	return error;
}

static int read_recordings(struct baseline *b, const char *path, const struct options *o)
{
	struct collection c = COLLECTION_INIT;
	struct report r;
	int error;

	wait_for_ends(path);
	collection_add(&c, path);
	error = produce_findings(&r, &c, o);
	if (!error) {
		baseline_of(b, &r);
		report_release(&r);
	}
	collection_release(&c);
	return error;
}

static int read_runs(struct diff_command *cmd)
{
	int error = 0;
	size_t i;

	cmd->runs = xcalloc(cmd->nr, sizeof(*cmd->runs));
	for (i = 0; i < cmd->nr; i++)
		error |= baseline_is_one(cmd->paths[i])
				 ? read_baseline(&cmd->runs[i], cmd->paths[i])
				 : read_recordings(&cmd->runs[i], cmd->paths[i], &cmd->options);
	return error;
}

/* ---- output ------------------------------------------------------------------------------ */

static void say(const char *what, const struct baseline_entry *e, const char *counts)
{
	char *line = xstrfmt("%-6s %s%s%s%s in %s: %s [%.*s]", what, e->rule, e->kind ? " (" : "",
			     e->kind ? e->kind : "", e->kind ? ")" : "", e->function, counts,
			     FINGERPRINT_SHORT, e->id);

	text_clean(line, line, strlen(line) + 1);
	puts(line);
	free(line);
}

static uint64_t count_in(const struct baseline *b, const char *id)
{
	const struct baseline_entry *e = baseline_find(b, id);

	return e ? e->nr : 0;
}

/* What the one has and the other has not. */
static size_t say_only_in(const char *what, const struct baseline *one,
			  const struct baseline *other)
{
	size_t i, nr = 0;

	for (i = 0; i < one->nr; i++) {
		const struct baseline_entry *e = &one->all[i];
		char *count;

		if (baseline_find(other, e->id))
			continue;
		count = xstrfmt("%" PRIu64, e->nr);
		say(what, e, count);
		free(count);
		nr++;
	}
	return nr;
}

static size_t say_same(const struct baseline *old, const struct baseline *now, size_t *nr_grown)
{
	size_t i, nr = 0;

	for (i = 0; i < now->nr; i++) {
		const struct baseline_entry *e = &now->all[i];
		uint64_t before = count_in(old, e->id);
		char *count;

		if (!before)
			continue;
		count = e->nr == before ? xstrfmt("%" PRIu64, e->nr)
					: xstrfmt("%" PRIu64 ", was %" PRIu64, e->nr, before);
		say("same", e, count);
		free(count);
		nr++;
		*nr_grown += e->nr > before;
	}
	return nr;
}

static bool compare(const struct diff_command *cmd)
{
	const struct baseline *old = &cmd->runs[0], *now = &cmd->runs[1];
	size_t nr_new = say_only_in("new", now, old), nr_fixed = say_only_in("fixed", old, now);
	size_t nr_grown = 0, nr_same = say_same(old, now, &nr_grown);

	printf("socklint: %zu new, %zu fixed, %zu the same", nr_new, nr_fixed, nr_same);
	if (nr_grown)
		printf(", %zu of them with more sockets", nr_grown);
	putchar('\n');
	return nr_new || (cmd->growth && nr_grown);
}

static bool grows(const struct diff_command *cmd, const char *id)
{
	size_t i;

	for (i = 1; i < cmd->nr; i++)
		if (count_in(&cmd->runs[i], id) <= count_in(&cmd->runs[i - 1], id))
			return false;
	return true;
}

static bool compare_all(const struct diff_command *cmd)
{
	const struct baseline *last = &cmd->runs[cmd->nr - 1];
	size_t i, k, nr = 0;

	for (i = 0; i < last->nr; i++) {
		struct strbuf counts = STRBUF_INIT;

		if (!grows(cmd, last->all[i].id))
			continue;
		for (k = 0; k < cmd->nr; k++)
			strbuf_addf(&counts, "%s%" PRIu64, k ? ", " : "",
				    count_in(&cmd->runs[k], last->all[i].id));
		say("grows", &last->all[i], counts.buf);
		strbuf_release(&counts);
		nr++;
	}
	printf("socklint: %zu of %zu findings grow%s in every run\n", nr, last->nr,
	       nr == 1 ? "s" : "");
	return nr > 0;
}

static void release(struct diff_command *cmd)
{
	size_t i;

	for (i = 0; cmd->runs && i < cmd->nr; i++)
		baseline_release(&cmd->runs[i]);
	free(cmd->runs);
	free(cmd->paths);
	options_release(&cmd->options);
}

int command_diff(int argc, char **argv)
{
	struct diff_command cmd;
	int status;

	parse_arguments(&cmd, argc, argv);
	status = options_read_files(&cmd.options);
	if (!status && read_runs(&cmd))
		status = STATUS_INPUT;
	if (!status && (cmd.repeat ? compare_all(&cmd) : compare(&cmd)))
		status = cmd.options.error_exitcode;
	if (fflush(stdout) || ferror(stdout))
		status = STATUS_FAILED;
	release(&cmd);
	return status;
}
