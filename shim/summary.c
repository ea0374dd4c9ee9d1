/* SPDX-License-Identifier: MIT */
/*
 * The run's summary: counts that outlive folded recordings, shared by all processes of the run.
 */
#include "summary.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "children.h"
#include "gate.h"
#include "house.h"
#include "load.h"
#include "options.h"
#include "recording.h"
#include "room.h"
#include "shards.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "words.h"

static bool summary_is_valid(const struct rec_summary *s)
{
	return !memcmp(s->magic, REC_SUMMARY_MAGIC, 8) && s->version == REC_VERSION &&
	       s->bytes == sizeof(*s);
}

static struct rec_summary *open_and_map(const char *path, bool create)
{
	struct rec_summary *s = NULL;
	struct stat st;
	int fd = create ? sys_create(path) : sys_open_own(path);

	if (fd < 0)
		return NULL;
	if (create ? room_allocate(fd, 0, REC_SUMMARY_BYTES) == 0
		   : sys_fstat(fd, &st) == 0 && st.st_size >= REC_SUMMARY_BYTES)
		s = sys_mmap(fd, 0, REC_SUMMARY_BYTES);
	sys_close(fd);
	return s;
}

static struct rec_summary *summary_map(const char *path, bool create)
{
	struct stay stay;
	struct rec_summary *s = gate_hold(&stay) ? open_and_map(path, create) : NULL;

	gate_release(&stay);
	return s;
}

/* Opens the run's summary, and counts this image as loaded in it. */
void summary_open(const char *dir, bool create)
{
	char path[700];
	struct text t = text_in(path, sizeof(path));
	struct rec_summary *s;

	text_add(&t, dir);
	text_add(&t, "/" REC_SUMMARY_NAME);
	if (t.cut)
		return;
	s = create ? summary_map(path, true) : NULL;
	if (s) {
		memcpy(s->magic, REC_SUMMARY_MAGIC, 8);
		s->bytes = sizeof(*s);
		word_set_release(&s->version, REC_VERSION);
	} else {
		s = summary_map(path, false);
	}
	if (!s || !summary_is_valid(s))
		return;
	shim.summary = s;
	word_add(&s->loaded, 1);
	child_loaded();
	blind_tell_summary();
}

/* A recording has gone: it had nothing to tell. */
void summary_folded(const struct rec_header *h)
{
	word_add(&shim.summary->folded, 1);
	word_add(&shim.summary->folded_births, shards_total(h).births);
}

/* Whether there are as many recordings as there may be; counts the one that is refused. */
bool summary_refuses(void)
{
	struct rec_summary *s = shim.summary;

	if (!s || word_get(&s->made) - word_get(&s->folded) < options.max_files)
		return false;
	word_add(&s->refused, 1);
	return true;
}

/* A recording could not be made: what its process does will not be known. */
void summary_failed(int error)
{
	if (!shim.summary)
		return;
	word_set(&shim.summary->failed_errno, (uint64_t)error);
	word_add(&shim.summary->failed, 1);
}
