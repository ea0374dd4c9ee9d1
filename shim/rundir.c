/* SPDX-License-Identifier: MIT */
/*
 * Which directory the recordings of this run lie in. `dir=` says it; without it all processes
 * that descend from the same preloaded one agree on a private directory in /tmp, named by that
 * one's pid and start time, which each finds by walking up its ancestors. Nothing is put into the
 * guest's environment.
 */
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "house.h"
#include "options.h"
#include "shim.h"
#include "sys.h"
#include "text.h"

#define ANCESTORS_MAX 32
#define NEEDLE	      "libsocklint"

/* Field 4 and 22 of /proc/PID/stat; the command name before them may hold any character. */
bool process_id_read(struct process_id *id, int pid)
{
	char path[40], buf[512];
	struct text t = text_in(path, sizeof(path));
	uint64_t value = 0;
	int field = 2;
	long n;

	text_add(&t, "/proc/");
	text_add_number(&t, (uint64_t)pid);
	text_add(&t, "/stat");
	n = text_read_file(path, buf, sizeof(buf));
	while (n > 0 && buf[n - 1] != ')')
		n--;
	if (n <= 0)
		return false;
	*id = (struct process_id){pid, 0, 0};
	for (char *p = buf + n; field <= 22 && p < buf + sizeof(buf); p++) {
		if (*p >= '0' && *p <= '9') {
			value = value * 10 + (uint64_t)(*p - '0');
			continue;
		}
		if (field == 4)
			id->ppid = (int)value;
		if (field == 22)
			id->starttime = value;
		value = 0;
		field += *p == ' ';
	}
	return true;
}

/* Follows an environment block byte by byte, for LD_PRELOAD=...libsocklint... */
struct scan {
	const char *want;
	size_t matched;
	bool dead; /* this variable is not the one */
	bool in_value;
	bool found;
};

static void scan_byte(struct scan *s, char c)
{
	static const char name[] = "LD_PRELOAD=", needle[] = NEEDLE;

	if (!c) {
		*s = (struct scan){.found = s->found};
		return;
	}
	if (s->dead || s->found)
		return;
	if (!s->in_value) {
		s->dead = c != name[s->matched++];
		if (!s->dead && s->matched == sizeof(name) - 1) {
			s->in_value = true;
			s->matched = 0;
		}
		return;
	}
	s->matched = c == needle[s->matched] ? s->matched + 1 : c == needle[0];
	s->found = s->matched == sizeof(needle) - 1;
}

static bool process_is_preloaded(int pid)
{
	char path[40], buf[2048];
	struct text t = text_in(path, sizeof(path));
	struct scan scan = {0};
	long n;
	int fd;

	text_add(&t, "/proc/");
	text_add_number(&t, (uint64_t)pid);
	text_add(&t, "/environ");
	fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	while (!scan.found && (n = sys_read(fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n; i++)
			scan_byte(&scan, buf[i]);
	sys_close(fd);
	return scan.found;
}

/* The topmost of our ancestors in an unbroken line of preloaded processes, or ourselves. */
static bool leader_find(struct process_id *leader)
{
	struct process_id parent;

	if (!process_id_read(leader, sys_getpid()))
		return false;
	for (int i = 0; i < ANCESTORS_MAX && leader->ppid > 1; i++) {
		if (!process_is_preloaded(leader->ppid) || !process_id_read(&parent, leader->ppid))
			break;
		*leader = parent;
	}
	return true;
}

bool rundir_is_first_process(void)
{
	struct process_id leader;

	/* Where /proc does not say who started whom, everybody speaks for himself. */
	return !shim.forked && (!leader_find(&leader) || leader.pid == shim.pid);
}

/*
 * Makes a directory of our own, or takes one that is: a stranger's is refused, and a link is.
 * Returns 0 or -errno.
 */
static int private_dir(const char *path)
{
	struct stat st;
	int r = sys_mkdir(path);

	if (r < 0 && r != -EEXIST)
		return r;
	r = sys_lstat(path, &st);
	if (r < 0)
		return r;
	return S_ISDIR(st.st_mode) && (int)st.st_uid == sys_getuid() && !(st.st_mode & 077)
		       ? 0
		       : -EPERM;
}

static int default_dir(struct text *t)
{
	struct process_id leader;
	int r;

	text_add(t, "/tmp/socklint-");
	text_add_number(t, (uint64_t)sys_getuid());
	r = private_dir(t->buf);
	if (r)
		return r;
	if (!leader_find(&leader))
		leader = (struct process_id){shim.pid, 0, shim.start_real_ns};
	text_add(t, "/");
	text_add_number(t, (uint64_t)leader.pid);
	text_add(t, ".");
	text_add_number(t, leader.starttime);
	return private_dir(t->buf);
}

/* Fills shim.run_dir. Idempotent; a forked child keeps its parent's. Returns 0 or -errno. */
int rundir_make(void)
{
	struct text t = text_in(shim.run_dir, sizeof(shim.run_dir));

	if (!options.dir[0])
		return default_dir(&t);
	text_add(&t, options.dir);
	sys_mkdir(options.dir); /* where it is there, or cannot be made, open() will say */
	return 0;
}
