/* SPDX-License-Identifier: MIT */
/* Which of the recorded processes still run, as /proc says it. */
#include "alive.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

/* Field 22 of /proc/PID/stat; the name before it may hold blanks and brackets. 0: no process. */
static uint64_t read_starttime(uint32_t pid)
{
	char *path = xstrfmt("/proc/%u/stat", pid), line[1024], state = 'Z', *at;
	FILE *in = fopen(path, "re");
	uint64_t start = 0;

	free(path);
	if (!in)
		return 0;
	at = fgets(line, sizeof(line), in) ? strrchr(line, ')') : NULL;
	fclose(in);
	if (!at || sscanf(at + 1,
			  " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			  " %*s %" SCNu64,
			  &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

bool is_this_machine(const struct rec_header *h)
{
	char host[sizeof(h->host)];

	if (!h->host[0] || gethostname(host, sizeof(host)))
		return true;
	host[sizeof(host) - 1] = '\0';
	return !strcmp(host, h->host);
}

bool process_is_alive(const struct process *p)
{
	const struct rec_header *h = p->rec->header;
	uint64_t start;

	if (p->end != PROCESS_KILLED || p->rec->seen_end_ns || !is_this_machine(h))
		return false;
	start = read_starttime(p->pid);
	return start && (!h->starttime || h->starttime == start);
}

uint64_t threads_of(uint32_t pid)
{
	char *path = xstrfmt("/proc/%" PRIu32 "/task", pid);
	struct stat st;
	uint64_t nr = !stat(path, &st) && st.st_nlink > 2 ? st.st_nlink - 2 : 0;

	free(path);
	return nr;
}

/* ---- about to end ------------------------------------------------------------------------ */

#define SETTLE_ROUNDS 25
#define SETTLE_NS     20000000

static bool is_at_work(const char *dir, const char *name)
{
	char *path = xstrfmt("%s/%s", dir, name);
	FILE *in = fopen(path, "re");
	struct rec_header h;
	bool read = in && fread(&h, sizeof(h), 1, in) == 1;

	if (in)
		fclose(in);
	free(path);
	return read && h.end_kind == REC_END_NONE && read_starttime(h.pid);
}

static bool anyone_at_work(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		found = text_has_ending(e->d_name, REC_SUFFIX) && is_at_work(path, e->d_name);
	if (dir)
		closedir(dir);
	return found;
}

void wait_for_ends(const char *dir)
{
	struct timespec pause = {0, SETTLE_NS};
	int i;

	for (i = 0; i < SETTLE_ROUNDS && anyone_at_work(dir); i++)
		nanosleep(&pause, NULL);
}
