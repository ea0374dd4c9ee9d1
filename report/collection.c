/* SPDX-License-Identifier: MIT */
/* Finds the recordings that a path stands for. */
#include "collection.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

static void add_complaint(struct collection *c, struct strbuf *why)
{
	ALLOC_GROW(c->complaints, c->nr_complaints + 1, c->alloc_complaints);
	c->complaints[c->nr_complaints++] = strbuf_detach(why);
}

static void keep(struct collection *c, const struct recording *r)
{
	struct recording *copy = xcalloc(1, sizeof(*copy));

	*copy = *r;
	ALLOC_GROW(c->items, c->nr + 1, c->alloc);
	c->items[c->nr++] = copy;
}

static bool is_loaded(const struct collection *c, const char *path)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		if (!strcmp(c->items[i]->path, path))
			return true;
	return false;
}

/* A recording found in a directory may be one that is just being made, or just gone: no fault. */
static void add_file(struct collection *c, const char *path, bool found)
{
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	enum load_status status;

	if (is_loaded(c, path))
		return;
	status = recording_load(&r, path, &why);
	if (status == LOAD_OK)
		keep(c, &r);
	else if (!found || (status == LOAD_BAD && !access(path, F_OK)))
		add_complaint(c, &why);
	strbuf_release(&why);
}

/* A process that is killed cannot say when: who started it can. */
static void tell_end(struct collection *c, size_t first, const struct rec_summary *s)
{
	size_t i;

	for (i = first; i < c->nr; i++) {
		c->items[i]->told = s->program_end & REC_PROGRAM_TOLD;
		if (c->items[i]->header->pid != s->program_pid)
			continue;
		c->items[i]->seen_end_ns = s->program_end_ns;
		c->items[i]->seen_exit = s->program_end & REC_PROGRAM_EXITED;
	}
}

/* Two processes that started a program at once made two entries. */
static void add_child(struct collection *c, const struct rec_child *from)
{
	struct rec_child *to = c->children;

	while (to && to < c->children + c->nr_children && strcmp(to->path, from->path))
		to++;
	if (!to || to == c->children + c->nr_children) {
		ALLOC_GROW(c->children, c->nr_children + 1, c->alloc_children);
		c->children[c->nr_children++] = *from;
		return;
	}
	to->started += from->started;
	to->loaded += from->loaded;
	to->bare += from->bare;
}

/* The recordings from number first on are those of the summary's directory. */
static void add_summary(struct collection *c, const char *dir, size_t first)
{
	char *path = xstrfmt("%s/%s", dir, REC_SUMMARY_NAME);
	struct strbuf why = STRBUF_INIT;
	struct rec_child children[REC_CHILDREN_NR];
	struct rec_summary s, *sum = &c->summary;
	enum load_status status = summary_load(&s, children, path, &why);
	size_t i;

	free(path);
	if (status != LOAD_OK) {
		add_complaint(c, &why);
		return;
	}
	tell_end(c, first, &s);
	c->has_summary = true;
	sum->loaded += s.loaded;
	sum->made += s.made;
	sum->folded += s.folded;
	sum->folded_births += s.folded_births;
	sum->refused += s.refused;
	sum->program_pid = s.program_pid;
	sum->execs += s.execs;
	sum->flags |= s.flags;
	sum->lost_children += s.lost_children;
	for (i = 0; i < REC_CHILDREN_NR; i++)
		if (children[i].state == REC_CHILD_VALID)
			add_child(c, &children[i]);
	sum->failed += s.failed;
	if (s.failed_errno)
		sum->failed_errno = s.failed_errno;
	strbuf_release(&why);
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Returns how many files of socklint's were there, readable or not; -1 if it is no directory. */
static int add_directory(struct collection *c, const char *dir)
{
	struct dirent **names;
	size_t first = c->nr;
	bool has_summary = false;
	int i, nr, seen = 0;

	nr = scandir(dir, &names, visible, alphasort);
	if (nr < 0)
		return -1;
	for (i = 0; i < nr; i++) {
		char *path = xstrfmt("%s/%s", dir, names[i]->d_name);

		if (text_has_ending(names[i]->d_name, REC_SUFFIX)) {
			add_file(c, path, true);
			seen++;
		}
		has_summary |= !strcmp(names[i]->d_name, REC_SUMMARY_NAME);
		free(path);
		free(names[i]);
	}
	free(names);
	if (has_summary)
		add_summary(c, dir, first);
	return seen + has_summary;
}

/* Without options the shim makes a directory for each run inside one for each user. */
static int add_directories_below(struct collection *c, const char *dir)
{
	struct dirent **names;
	int i, nr, seen = 0;

	nr = scandir(dir, &names, visible, alphasort);
	for (i = 0; i < nr; i++) {
		char *path = xstrfmt("%s/%s", dir, names[i]->d_name);
		struct stat st;
		int below = 0;

		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			below = add_directory(c, path);
		if (below > 0)
			seen += below;
		free(path);
		free(names[i]);
	}
	if (nr >= 0)
		free(names);
	return seen;
}

static bool summary_speaks(const struct collection *c)
{
	return c->has_summary && (c->summary.loaded || c->summary.folded);
}

static void add_tree(struct collection *c, const char *dir)
{
	struct strbuf why = STRBUF_INIT;
	int seen = add_directory(c, dir);

	if (!seen)
		seen = add_directories_below(c, dir);
	if (seen < 0)
		strbuf_addf(&why, "%s: %s", dir, strerror(errno));
	else if (!seen)
		strbuf_addf(&why,
			    "%s: no recordings in this directory: run a program under "
			    "\"socklint run --dir %s -- PROGRAM\" first",
			    dir, dir);
	else if (!c->nr && !c->nr_complaints && !summary_speaks(c))
		strbuf_addf(&why,
			    "%s: the shim was never loaded into a program here: is it static "
			    "or setuid?",
			    dir);
	if (why.len)
		add_complaint(c, &why);
}

void collection_add(struct collection *c, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		add_tree(c, path);
	else
		add_file(c, path, false);
}

void collection_release(struct collection *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++) {
		recording_release(c->items[i]);
		free(c->items[i]);
	}
	for (i = 0; i < c->nr_complaints; i++)
		free(c->complaints[i]);
	free(c->items);
	free(c->complaints);
	free(c->children);
	memset(c, 0, sizeof(*c));
}
