/* SPDX-License-Identifier: MIT */
/* "socklint run": starts a program under the shim, waits for it and reports. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alive.h"
#include "commands.h"
#include "message.h"
#include "options.h"
#include "produce.h"
#include "run_child.h"
#include "run_dir.h"
#include "run_env.h"
#include "run_target.h"

struct run_command {
	struct options options;
	const char *dir;
	char **program; /* its arguments, NULL at the end */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		return 0;
	case 'o':
		cmd->dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		cmd->program = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no program named");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option table[] = {
	{"dir", 'o', "DIR", 0, "Keep the recordings in DIR", 0},
	{0},
};

static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};

const struct argp argp_run = {
	.options = table,
	.parser = parse,
	.args_doc = "-- PROGRAM ARGS...",
	.doc = "Runs a program and reports the sockets that it leaves open.",
	.children = children,
};

static void parse_arguments(struct run_command *cmd, int argc, char **argv)
{
	memset(cmd, 0, sizeof(*cmd));
	options_init(&cmd->options, STATUS_RUN_FINDINGS);
	argp_parse(&argp_run, argc, argv, ARGP_IN_ORDER, NULL, cmd);
}

/* ---- after the end ----------------------------------------------------------------------- */

static int own_status(const struct child *c)
{
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}

/*
 * A program that failed by itself is heard before we are. Where a process could not be recorded,
 * "nothing found" is not known.
 */
static int final_status(const struct run_dir *d, const struct child *c, const struct produced *p,
			const struct options *o)
{
	bool failed_itself = c->status && !c->was_told;

	if (failed_itself)
		return own_status(c);
	if (p->unwritten)
		return STATUS_FAILED;
	if (p->failed)
		return o->error_exitcode;
	if (!p->nr_findings && d->summary->failed)
		return STATUS_FAILED;
	if (p->unread)
		return STATUS_INPUT;
	return own_status(c);
}

static void keep_or_remove(const struct run_dir *d, const struct produced *p)
{
	if (d->temporary && !p->nr_findings && !p->nr_running && !p->unread)
		run_dir_remove(d);
	else
		complain("the recording is in %s", d->path);
	if (p->nr_running)
		complain("%zu of its processes still run%s: read again with: socklint report %s",
			 p->nr_running, p->nr_running == 1 ? "s" : "", d->path);
}

/* pid 0: it does not run yet. */
static int name_outputs(struct run_command *cmd, pid_t pid)
{
	char host[HOST_NAME_MAX + 1] = "";

	gethostname(host, sizeof(host) - 1);
	return options_name_outputs(&cmd->options,
				    &(struct run_facts){(uint64_t)pid, *host ? host : "unknown",
							text_basename(cmd->program[0])});
}

static int report_run(struct run_command *cmd, const struct run_dir *d, const struct child *c)
{
	struct collection recordings = COLLECTION_INIT;
	struct produced p;

	if (name_outputs(cmd, c->pid)) {
		complain("the recording is in %s", d->path);
		return STATUS_FAILED;
	}
	wait_for_ends(d->path);
	collection_add(&recordings, d->path);
	produce_report(&p, &recordings, &cmd->options, false);
	collection_release(&recordings);
	keep_or_remove(d, &p);
	return final_status(d, c, &p, &cmd->options);
}

static int say_not_loaded(const char *program, const struct run_dir *d)
{
	complain("%s: the shim did not load into it, so nothing was followed", program);
	if (d->temporary)
		run_dir_remove(d);
	return STATUS_FAILED;
}

static int say_not_started(const char *path, const struct child *c, const struct run_dir *d)
{
	int error = c->exec_errno ? c->exec_errno : errno;

	complain("%s: cannot be started: %s", path, strerror(error));
	if (d->temporary)
		run_dir_remove(d);
	if (!c->exec_errno)
		return STATUS_FAILED;
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* ---- the run ----------------------------------------------------------------------------- */

static int run_in(struct run_command *cmd, const struct run_dir *d, const char *path,
		  const char *shim)
{
	char **env = env_make(shim, d->path, cmd->options.policy.max_dwell_ns);
	struct child c;
	int error = child_run(&c, path, cmd->program, env);

	env_free(env);
	if (error || c.exec_errno)
		return say_not_started(path, &c, d);
	d->summary->program_pid = (uint64_t)c.pid;
	d->summary->program_end_ns = c.end_ns;
	d->summary->program_end = (WIFEXITED(c.status) ? REC_PROGRAM_EXITED : 0) |
				  (c.was_told ? REC_PROGRAM_TOLD : 0);
	if (!d->summary->loaded)
		return say_not_loaded(path, d);
	return report_run(cmd, d, &c);
}

/* Everything that can be known to fail fails before the program starts. */
static int prepare(struct run_command *cmd, struct run_dir *d, char **path, char **shim,
		   struct strbuf *why)
{
	int status = name_outputs(cmd, 0);

	if (!status)
		status = options_read_files(&cmd->options);
	if (!status)
		status = target_find(cmd->program[0], path, why);
	if (!status)
		status = target_check(*path, why);
	if (status)
		return status;
	*shim = shim_find(why);
	if (!*shim || run_dir_make(d, cmd->dir, text_basename(*path), why))
		return STATUS_FAILED;
	return 0;
}

int command_run(int argc, char **argv)
{
	struct strbuf why = STRBUF_INIT;
	struct run_dir d = {NULL, false, NULL};
	char *path = NULL, *shim = NULL;
	struct run_command cmd;
	int status;

	parse_arguments(&cmd, argc, argv);
	status = prepare(&cmd, &d, &path, &shim, &why);
	if (why.len)
		complain("%s", why.buf);
	if (!status)
		status = run_in(&cmd, &d, path, shim);
	run_dir_release(&d);
	strbuf_release(&why);
	free(path);
	free(shim);
	options_release(&cmd.options);
	return status;
}
