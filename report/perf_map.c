/* SPDX-License-Identifier: MIT */
/*
 * Lines of "START SIZE name", in hex, in no order. A runtime that moves code or generates it anew
 * writes another line: of those that overlap, the last is true.
 */
#include "perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alive.h"
#include "alloc.h"

/* A large Java server writes 10 MB. What lies beyond is left alone. */
#define LARGEST_MAP  (UINT64_C(256) << 20)
#define MOST_ENTRIES 4000000
#define LARGEST_CODE (UINT64_C(1) << 30)
#define MOST_STEPS   100000 /* entries that lie over each other: only malice writes so many */

struct entry {
	uint64_t lo, hi;
	uint64_t reach; /* the largest hi of all entries up to here */
	size_t name;	/* in text: the later, the more is it believed */
};

struct perf_map {
	char *text;
	size_t size;
	struct entry *entries; /* by lo */
	size_t nr, alloc;
};

/* ---- the file ---------------------------------------------------------------------------- */

static const char *why_not_believed(const struct stat *st, const struct perf_map_terms *t)
{
	uint64_t written = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;

	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != t->owner && st->st_uid)
		return "of another user";
	if (written < t->from_real_ns)
		return "older than the process";
	if (written > t->to_real_ns)
		return "written after the process had ended";
	return NULL;
}

static bool read_all(struct perf_map *m, int fd, uint64_t size)
{
	size_t want = size < LARGEST_MAP ? (size_t)size : (size_t)LARGEST_MAP;

	m->text = xcalloc(1, want + 1);
	while (m->size < want) {
		ssize_t n = read(fd, m->text + m->size, want - m->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		m->size += (size_t)n;
	}
	return m->size > 0;
}

/* ---- lines ------------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex, "0x" or not, and the blank after it; NULL: it is something else. */
static const char *read_hex(const char *at, uint64_t *value)
{
	int digits = 0;

	if (at[0] == '0' && at[1] == 'x')
		at += 2;
	for (*value = 0; digit(*at) >= 0; at++, digits++)
		*value = *value << 4 | (uint64_t)digit(*at);
	return digits && digits <= 16 && *at == ' ' ? at + 1 : NULL;
}

static void read_line(struct perf_map *m, const char *line, const char *end)
{
	uint64_t start, size;
	const char *at = read_hex(line, &start);

	if (at)
		at = read_hex(at, &size);
	if (!at || at >= end || !size || size > LARGEST_CODE || start + size < start)
		return;
	ALLOC_GROW(m->entries, m->nr + 1, m->alloc);
	m->entries[m->nr++] = (struct entry){start, start + size, 0, (size_t)(at - m->text)};
}

static int cmp_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* A last line without an end may be half a name: it was being written. */
static void read_lines(struct perf_map *m)
{
	const char *line = m->text, *end;
	uint64_t reach = 0;
	size_t i;

	while (m->nr < MOST_ENTRIES &&
	       (end = memchr(line, '\n', m->size - (size_t)(line - m->text)))) {
		read_line(m, line, end);
		line = end + 1;
	}
	sort_array(m->entries, m->nr, sizeof(*m->entries), cmp_entries);
	for (i = 0; i < m->nr; i++) {
		if (m->entries[i].hi > reach)
			reach = m->entries[i].hi;
		m->entries[i].reach = reach;
	}
}

struct perf_map *perf_map_open(const char *path, const struct perf_map_terms *terms, char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct perf_map *m = NULL;
	const char *not_believed;
	struct stat st;

	*why = NULL;
	if (fd < 0) {
		if (errno != ENOENT)
			*why = xstrfmt("%s: %s", path,
				       errno == ELOOP ? "a symbolic link" : strerror(errno));
		return NULL;
	}
	not_believed = fstat(fd, &st) < 0 ? strerror(errno) : why_not_believed(&st, terms);
	if (not_believed) {
		*why = xstrfmt("%s: %s: generated code has no names", path, not_believed);
	} else {
		m = xcalloc(1, sizeof(*m));
		if (read_all(m, fd, (uint64_t)st.st_size))
			read_lines(m);
	}
	close(fd);
	return m;
}

void perf_map_free(struct perf_map *m)
{
	if (!m)
		return;
	free(m->text);
	free(m->entries);
	free(m);
}

/* ---- of a process ------------------------------------------------------------------------ */

/* File times are those of the last tick, and clocks are put right. */
#define SLACK_NS NS_PER_S

static bool end_is_known(const struct process *p)
{
	return p->end != PROCESS_RUNNING && (p->end != PROCESS_KILLED || p->rec->seen_end_ns);
}

static struct perf_map_terms terms_of(const struct process *p)
{
	const struct rec_header *h = p->rec->header;
	struct perf_map_terms t = {geteuid(), h->start_real_ns - SLACK_NS, UINT64_MAX};
	struct stat st;

	if (!stat(p->rec->path, &st))
		t.owner = st.st_uid;
	if (h->start_real_ns < SLACK_NS)
		t.from_real_ns = 0;
	if (end_is_known(p) && p->now_ns >= h->start_ns)
		t.to_real_ns = h->start_real_ns + (p->now_ns - h->start_ns) + SLACK_NS;
	return t;
}

/* A process that runs may have a /tmp of its own. */
static char *path_of(const struct process *p)
{
	char *own = xstrfmt("/proc/%u/root/tmp/perf-%u.map", p->pid, p->pid);

	if (p->end == PROCESS_RUNNING && !access(own, F_OK))
		return own;
	free(own);
	return xstrfmt("/tmp/perf-%u.map", p->pid);
}

struct perf_map *perf_map_of(const struct process *p, char **why)
{
	struct perf_map_terms terms;
	struct perf_map *m;
	char *path;

	*why = NULL;
	if (!is_this_machine(p->rec->header))
		return NULL;
	terms = terms_of(p);
	path = path_of(p);
	m = perf_map_open(path, &terms, why);
	free(path);
	return m;
}

/* ---- looking up -------------------------------------------------------------------------- */

/* How many entries start at pc or before it. */
static size_t nr_up_to(const struct perf_map *m, uint64_t pc)
{
	size_t lo = 0, hi = m->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->entries[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const char *perf_map_find(const struct perf_map *m, uint64_t pc, size_t *len)
{
	size_t i = nr_up_to(m, pc), steps = 0;
	const struct entry *last = NULL;
	const char *name;

	for (; i && m->entries[i - 1].reach > pc && steps < MOST_STEPS; i--, steps++) {
		const struct entry *e = &m->entries[i - 1];

		if (e->hi > pc && (!last || e->name > last->name))
			last = e;
	}
	if (!last)
		return NULL;
	name = m->text + last->name;
	*len = strcspn(name, "\n");
	return name;
}
