/* SPDX-License-Identifier: MIT */
/*
 * "socklint selftest": plants a leak in a process of its own, under the shim, and looks whether the
 * report names it, and nothing in a twin that closes. Only this proves that "no leaks" means
 * anything here: in this container, behind this filter, with these libraries.
 */
#include "selftest.h"

#include <argp.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alive.h"
#include "commands.h"
#include "options.h"
#include "produce.h"
#include "run_child.h"
#include "run_dir.h"
#include "run_env.h"
#include "run_target.h"
#include "tcp_table.h"

#define SITE_FUNCTION "selftest_take"
#define SITE_FILE     "selftest_guest.c:"
#define ROOM_ENOUGH   (UINT64_C(4) << 20)

enum outcome { OK, LIMITED, FAILED };

struct selftest {
	const char *dir; /* asked for, or NULL */
	const char *plant;
	char *exe, *shim;
	bool failed;
};

static void say(struct selftest *t, enum outcome outcome, const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct selftest *t, enum outcome outcome, const char *subject, const char *fmt, ...)
{
	static const char *const names[] = {"ok", "limited", "FAILED"};
	char raw[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_clean(raw, raw, sizeof(raw));
	printf("%-8s %-13s %s\n", names[outcome], subject, raw);
	t->failed |= outcome == FAILED;
}

/* ---- what is there ----------------------------------------------------------------------- */

static int say_shim(struct selftest *t)
{
	struct strbuf why = STRBUF_INIT;
	int error = 0;

	t->exe = command_path(&why);
	t->shim = t->exe ? shim_find(&why) : NULL;
	if (!t->shim || target_check(t->exe, &why)) {
		say(t, FAILED, "library", "%s", why.buf);
		error = -1;
	} else {
		say(t, OK, "library", "%s", t->shim);
	}
	strbuf_release(&why);
	return error;
}

static void say_room(struct selftest *t, const char *dir)
{
	struct statfs fs;
	uint64_t room;

	if (statfs(dir, &fs)) {
		say(t, LIMITED, "recordings", "in %s, room unknown: %s", dir, strerror(errno));
		return;
	}
	room = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	say(t, room < ROOM_ENOUGH ? LIMITED : OK, "recordings", "in %s%s, %llu MiB are free", dir,
	    (unsigned long)fs.f_type == TMPFS_MAGIC ? " (memory)" : "",
	    (unsigned long long)(room >> 20));
}

static void say_kernel(struct selftest *t)
{
	struct tcp_table table = TCP_TABLE_INIT;
	bool diag = !tcp_table_read_diag(&table);
	bool proc = !tcp_table_read_proc(&table, (uint32_t)getpid());

	tcp_table_release(&table);
	if (diag && proc)
		say(t, OK, "kernel", "sock_diag and /proc/net/tcp answer");
	else
		say(t, LIMITED, "kernel",
		    "%s: of processes that still run, or were killed, %s is known",
		    diag   ? "no /proc/net/tcp"
		    : proc ? "sock_diag does not answer"
			   : "neither sock_diag nor /proc/net/tcp answers",
		    diag || proc ? "less" : "only what they recorded");
}

/* ---- a process under the shim ------------------------------------------------------------ */

static const char *how_it_failed(const struct run_dir *d, const struct child *c, int error)
{
	if (error || c->exec_errno)
		return strerror(error ? errno : c->exec_errno);
	if (!d->summary->loaded)
		return "the library was not loaded into it (LD_PRELOAD is ignored here)";
	if (c->status)
		return WIFSIGNALED(c->status) ? strsignal(WTERMSIG(c->status))
					      : "it had no connections over loopback (above)";
	if (d->summary->failed)
		return "it could not make its recording";
	return NULL;
}

static const char *run_guest(const struct selftest *t, const struct run_dir *d, const char *plant)
{
	char *const argv[] = {t->exe, (char[]){"selftest"}, xstrfmt("--plant=%s", plant), NULL};
	char **env = env_make(t->shim, d->path, policy_default.max_dwell_ns);
	struct child c;
	int error;

	fflush(stdout);
	error = child_run(&c, t->exe, (char **)argv, env);
	d->summary->program_pid = (uint64_t)c.pid;
	d->summary->program_end_ns = c.end_ns;
	d->summary->program_end = WIFEXITED(c.status) ? REC_PROGRAM_EXITED : 0;
	env_free(env);
	free(argv[2]);
	return how_it_failed(d, &c, error);
}

static int read_report(struct report *r, const struct run_dir *d)
{
	struct collection recordings = COLLECTION_INIT;
	struct options options;
	int error;

	options_init(&options, 0);
	wait_for_ends(d->path);
	collection_add(&recordings, d->path);
	error = produce_findings(r, &recordings, &options);
	collection_release(&recordings);
	options_release(&options);
	return error;
}

/* ---- what the report must say
 * ------------------------------------------------------------ */

static void judge_stack(struct selftest *t, const struct report_finding *f)
{
	const struct report_stack *stack = f->nr_stacks ? &f->stacks[0] : NULL;

	if (!stack || stack->nr < 2)
		say(t, LIMITED, "stacks", "%s",
		    stack && stack->note ? stack->note : "libunwind did not walk them");
	else
		say(t, OK, "stacks", "libunwind walked %zu frames", stack->nr);
	if (!strncmp(f->where, SITE_FILE, strlen(SITE_FILE)))
		say(t, OK, "line numbers", "%s", f->where);
	else
		say(t, LIMITED, "line numbers", "none of %s: it was stripped", f->where);
}

static void judge_leak(struct selftest *t, const struct report *r)
{
	const struct report_finding *f = r->findings;

	if (r->nr_findings != 1) {
		say(t, FAILED, "planted leak", "%zu findings, not 1", r->nr_findings);
		return;
	}
	if (strcmp(f->rule, "close-wait") || !f->subkind || strcmp(f->subkind, "eof-ignored") ||
	    f->nr != 1 || r->nr_close_wait != 1)
		say(t, FAILED, "planted leak", "taken for %s (%s), %llu in CLOSE_WAIT", f->rule,
		    f->subkind ? f->subkind : "-", (unsigned long long)r->nr_close_wait);
	else if (strcmp(f->function, SITE_FUNCTION))
		say(t, FAILED, "planted leak", "seen in %s instead of " SITE_FUNCTION, f->function);
	else
		say(t, OK, "planted leak", "found: %s (%s), 1 socket in CLOSE_WAIT, opened in %s",
		    f->rule, f->subkind, f->function);
	judge_stack(t, f);
}

static void judge_twin(struct selftest *t, const struct report *r)
{
	if (r->nr_findings)
		say(t, FAILED, "its twin", "closes all, and there is a finding: %s in %s",
		    r->findings->rule, r->findings->function);
	else if (r->nr_followed < 5) /* the listener, and both ends of two connections */
		say(t, FAILED, "its twin", "only %llu of its 5 sockets were seen",
		    (unsigned long long)r->nr_followed);
	else
		say(t, OK, "its twin", "closes all 5 sockets, and nothing is reported");
}

static void say_blindness(struct selftest *t, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_warnings; i++)
		say(t, LIMITED, "blind", "%s", r->warnings[i]);
}

static void try_in(struct selftest *t, const struct run_dir *d, const char *plant, bool leaks)
{
	const char *subject = leaks ? "planted leak" : "its twin";
	const char *failure = run_guest(t, d, plant);
	struct report r;

	if (failure) {
		say(t, FAILED, subject, "%s", failure);
		return;
	}
	if (read_report(&r, d)) {
		say(t, FAILED, subject, "the recording cannot be read");
		return;
	}
	if (leaks) {
		judge_leak(t, &r);
		say_blindness(t, &r);
	} else {
		judge_twin(t, &r);
	}
	report_release(&r);
}

static int try_one(struct selftest *t, bool leaks)
{
	struct strbuf why = STRBUF_INIT;
	char *asked = t->dir ? xstrfmt("%s/%s", t->dir, leaks ? "leak" : "twin") : NULL;
	struct run_dir d;
	int error = run_dir_make(&d, asked, "selftest", &why);

	if (error) {
		say(t, FAILED, "recordings", "%s%s", why.buf,
		    asked ? "" : " (TMPDIR or --dir names another place)");
	} else {
		if (leaks)
			say_room(t, d.path);
		try_in(t, &d, leaks ? "leak" : "twin", leaks);
		run_dir_remove(&d);
		run_dir_release(&d);
	}
	strbuf_release(&why);
	free(asked);
	return error;
}

static void try_both(struct selftest *t)
{
	bool made = t->dir && !mkdir(t->dir, 0700);

	if (!try_one(t, true))
		try_one(t, false);
	if (made)
		rmdir(t->dir);
}

/* ---- the command ------------------------------------------------------------------------- */

enum { KEY_PLANT = 0x200 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct selftest *t = state->input;

	switch (key) {
	case 'o':
		t->dir = arg;
		return 0;
	case KEY_PLANT:
		t->plant = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option table[] = {
	{"dir", 'o', "DIR", 0, "Record below DIR, as the run in question does", 0},
	{"plant", KEY_PLANT, "WHAT", OPTION_HIDDEN, "What the command starts itself with", 0},
	{0},
};

const struct argp argp_selftest = {
	.options = table,
	.parser = parse,
	.doc = "Plants a leak in a process of its own and says whether it is found here.\v"
	       "Exit status: 0 it is found, and nothing else; 1 it is not. Run it where "
	       "the tests "
	       "run: in the same container, as the same user, with the same environment."};

int command_selftest(int argc, char **argv)
{
	struct selftest t = {0};

	argp_parse(&argp_selftest, argc, argv, 0, NULL, &t);
	if (t.plant)
		return selftest_serve(!strcmp(t.plant, "leak"));
	say_kernel(&t);
	if (!say_shim(&t))
		try_both(&t);
	printf("socklint: the self-test %s\n", t.failed ? "failed: \"no leaks\" means nothing here"
							: "passed: leaks are found here");
	free(t.exe);
	free(t.shim);
	if (fflush(stdout) || ferror(stdout))
		return STATUS_FAILED;
	return t.failed ? STATUS_FINDINGS : STATUS_CLEAN;
}
