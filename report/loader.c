/* SPDX-License-Identifier: MIT */
/* Reads one recording, also while the program writes it, and believes nothing in it. */
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

/* Far above what max-size= allows; stops a header that lies from taking all memory. */
#define LARGEST_RECORDING (UINT64_C(4) << 30)

static int fail(struct strbuf *why, const char *path, const char *what)
{
	strbuf_addf(why, "%s: %s", path, what);
	return -1;
}

static int open_regular(const char *path, struct strbuf *why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fail(why, path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return fail(why, path, "not a regular file: name a recording or its directory");
	}
	return fd;
}

/* Reads size bytes from the start; returns how many there were. */
static size_t read_start(int fd, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static int check_version(uint32_t version, uint32_t known, const char *path, struct strbuf *why)
{
	if (version == known)
		return 0;
	if (version == __builtin_bswap32(known))
		return fail(why, path,
			    "written on a machine of the other byte order: read it there");
	if (version > known)
		strbuf_addf(why,
			    "%s: has format version %u, this socklint reads version %u: a newer "
			    "socklint is needed",
			    path, version, known);
	else
		strbuf_addf(
			why,
			"%s: has format version %u, this socklint reads only version %u: record "
			"it again",
			path, version, known);
	return -1;
}

static int check_header(const struct rec_header *h, const char *path, struct strbuf *why)
{
	if (memcmp(h->magic, REC_MAGIC, sizeof(h->magic)))
		return fail(why, path, "not a socklint recording");
	if (check_version(h->version, REC_VERSION, path, why))
		return -1;
	if (h->header_bytes != sizeof(*h) || h->unit_bytes != REC_UNIT)
		return fail(why, path, "damaged: its header has a foreign layout; record it again");
	if (h->file_bytes < REC_UNIT || h->file_bytes % REC_UNIT)
		return fail(why, path, "damaged: its size makes no sense; record it again");
	if (h->file_bytes > LARGEST_RECORDING)
		return fail(why, path, "damaged: larger than any recording; record it again");
	return 0;
}

static enum load_status read_header(int fd, struct rec_header *h, const char *path,
				    struct strbuf *why)
{
	static const char none[sizeof(h->magic)];
	size_t got;

	memset(h, 0, sizeof(*h));
	got = read_start(fd, h, sizeof(*h));
	if (!memcmp(h->magic, none, sizeof(none))) {
		fail(why, path,
		     got ? "its process has not begun to record: try again later"
			 : "empty: its process was killed before it could record");
		return LOAD_UNBORN;
	}
	if (check_header(h, path, why))
		return LOAD_BAD;
	return LOAD_OK;
}

/* The program only ever adds to the file, so what the header claimed must be there by now. */
static int check_size(int fd, const struct rec_header *h, const char *path, struct strbuf *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(why, path, strerror(errno));
	if ((uint64_t)st.st_size >= h->file_bytes)
		return 0;
	strbuf_addf(why, "%s: truncated: %" PRIu64 " of %" PRIu64 " bytes; copy it again, whole",
		    path, (uint64_t)st.st_size, h->file_bytes);
	return -1;
}

static int read_copy(struct recording *r, int fd, uint64_t bytes, struct strbuf *why)
{
	free(r->data);
	r->size = (size_t)bytes;
	r->data = malloc(r->size);
	if (!r->data)
		return fail(why, r->path, "too large for the memory of this machine");
	if (read_start(fd, r->data, r->size) < r->size)
		return fail(why, r->path, "cannot be read to its end; copy it again, whole");
	r->header = (struct rec_header *)(void *)r->data;
	/* The copy is newer than what was checked; a header that moved meanwhile is no header. */
	return check_header(r->header, r->path, why);
}

static void add_up_shards(struct rec_header *h)
{
	size_t i;

	for (i = 0; i < REC_SHARDS; i++) {
		h->births += h->shards[i].births;
		h->deaths += h->shards[i].deaths;
	}
}

static void end_strings(struct rec_header *h)
{
	h->host[sizeof(h->host) - 1] = '\0';
	h->exe[sizeof(h->exe) - 1] = '\0';
	h->cmdline[sizeof(h->cmdline) - 1] = '\0';
	if (h->cmdline_bytes > sizeof(h->cmdline))
		h->cmdline_bytes = sizeof(h->cmdline);
}

/* Whether the program has gone on since the header was copied, which was the first to be. */
static int has_moved(const struct recording *r, int fd)
{
	struct rec_header now;

	if (read_start(fd, &now, sizeof(now)) != sizeof(now))
		return 0;
	add_up_shards(&now);
	return (now.births != r->header->births || now.nr_sites != r->header->nr_sites);
}

/* What lies in data, as the file has it now. */
static bool read_again(const struct recording *r, int fd, const void *what, void *now, size_t bytes)
{
	off_t at = (off_t)((const unsigned char *)what - r->data);

	return pread(fd, now, bytes, at) == (ssize_t)bytes;
}

bool recording_life_goes_on(const struct recording *r, int fd, const struct rec_life *l)
{
	struct rec_life now;

	return read_again(r, fd, l, &now, sizeof(now)) && now.seq == l->seq;
}

/*
 * While the program ran on, a slot may have changed hands half-way through the copy. Its sequence
 * number lies first and was copied first: if it is the same now, what follows it, and the rest of
 * it that lies behind, is of one life. A slot in motion belongs to a socket that is just being born
 * or closed: nothing to judge. So does one whose site was made only after the copy had passed by
 * there.
 *
 * Who left a poll set is told from a stamp that is older than the poller's. So the life's is to be
 * read later than the poller's.
 */
static void drop_torn_lives(struct recording *r, int fd)
{
	int moved = has_moved(r, fd);
	size_t i;

	for (i = 0; i < r->nr_lives; i++) {
		const struct rec_life *recorded = r->lives[i].recorded;
		struct whole_life *l = r->lives[i].life;
		struct rec_life now;

		if (!(l->seq & 1))
			continue;
		if (!read_again(r, fd, recorded, &now, sizeof(now)) || now.seq != l->seq ||
		    (moved && l->site && !recording_site(r, l->site))) {
			l->seq = 0;
			continue;
		}
		l->poller_tid = now.poller_tid;
		l->polled_ns = now.polled_ns;
	}
}

/* A module that comes back by another name is given that while we read. */
static void settle_path(const struct recording *r, int fd, struct rec_module *m)
{
	struct rec_module was = *m, now;
	int i;

	for (i = 0; i < 3; i++) {
		if (!read_again(r, fd, m, &now, sizeof(now)))
			break;
		now.path[sizeof(now.path) - 1] = '\0';
		if (!(now.seq & 1) && now.seq == was.seq) {
			memcpy(m->path, was.path, sizeof(m->path));
			m->seq = was.seq;
			return;
		}
		was = now;
	}
}

static void drop_torn_paths(struct recording *r, int fd)
{
	bool runs = r->header->end_kind == REC_END_NONE;
	size_t i;

	for (i = 0; i < r->nr_modules; i++) {
		if (runs)
			settle_path(r, fd, r->modules[i]);
		if (r->modules[i]->seq & 1)
			r->modules[i]->path[0] = '\0';
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static enum load_status load_from(struct recording *r, int fd, struct strbuf *why)
{
	struct rec_header h;
	enum load_status status = read_header(fd, &h, r->path, why);

	if (status != LOAD_OK)
		return status;
	do { /* again, where the file has grown before its header was copied */
		r->read_ns = now_ns();
		if (check_size(fd, &h, r->path, why) || read_copy(r, fd, h.file_bytes, why))
			return LOAD_BAD;
		h = *r->header;
	} while (h.file_bytes > r->size);
	end_strings(r->header);
	add_up_shards(r->header);
	r->nr_sites = r->size / sizeof(struct rec_site) + 1;
	r->sites = xcalloc(r->nr_sites, sizeof(*r->sites));
	r->nr_numbers = r->size / sizeof(struct rec_module) + 1;
	r->numbered = xcalloc(r->nr_numbers, sizeof(*r->numbered));
	recording_walk_chunks(r);
	recording_join_lives(r);
	drop_torn_paths(r, fd);
	if (r->header->end_kind == REC_END_NONE)
		drop_torn_lives(r, fd);
	return LOAD_OK;
}

enum load_status recording_load(struct recording *r, const char *path, struct strbuf *why)
{
	enum load_status status;
	int fd;

	memset(r, 0, sizeof(*r));
	fd = open_regular(path, why);
	if (fd < 0)
		return LOAD_BAD;
	r->path = xstrdup(path);
	status = load_from(r, fd, why);
	close(fd);
	if (status != LOAD_OK)
		recording_release(r);
	return status;
}

void recording_release(struct recording *r)
{
	free(r->path);
	free(r->data);
	free(r->lives);
	free(r->whole_lives);
	free(r->sites);
	free(r->modules);
	free(r->numbered);
	free(r->progress);
	free(r->incidents);
	free(r->outcomes);
	free(r->pollers);
	free(r->sent);
	free(r->kept);
	free(r->samples);
	memset(r, 0, sizeof(*r));
}

const struct rec_site *recording_site(const struct recording *r, uint32_t id)
{
	if (!id || id >= r->nr_sites || !r->sites[id] || !r->sites[id]->nr)
		return NULL;
	return r->sites[id];
}

const struct rec_module *recording_module(const struct recording *r, uint32_t number)
{
	return number < r->nr_numbers ? r->numbered[number] : NULL;
}

static void distrust_children(struct rec_child *children, const unsigned char *from, size_t bytes)
{
	size_t i;

	memset(children, 0, REC_CHILDREN_NR * sizeof(*children));
	memcpy(children, from, bytes / sizeof(*children) * sizeof(*children));
	for (i = 0; i < REC_CHILDREN_NR; i++) {
		struct rec_child *c = &children[i];

		c->path[sizeof(c->path) - 1] = '\0';
		if (c->state != REC_CHILD_VALID || !*c->path)
			memset(c, 0, sizeof(*c));
		/* A failed start was taken back from an entry that has changed hands meanwhile. */
		c->started = c->started > INT32_MAX ? 0 : c->started;
		c->bare = c->bare > INT32_MAX ? 0 : c->bare;
	}
}

enum load_status summary_load(struct rec_summary *sum, struct rec_child *children, const char *path,
			      struct strbuf *why)
{
	unsigned char file[sizeof(*sum) + REC_CHILDREN_NR * sizeof(*children)];
	size_t got;
	int fd = open_regular(path, why);

	if (fd < 0)
		return LOAD_BAD;
	memset(file, 0, sizeof(file));
	got = read_start(fd, file, sizeof(file));
	close(fd);
	memcpy(sum, file, sizeof(*sum));
	if (got < sizeof(*sum) || memcmp(sum->magic, REC_SUMMARY_MAGIC, sizeof(sum->magic))) {
		fail(why, path, "damaged: not a socklint summary");
		return LOAD_BAD;
	}
	distrust_children(children, file + sizeof(*sum), got - sizeof(*sum));
	return check_version(sum->version, REC_VERSION, path, why) ? LOAD_BAD : LOAD_OK;
}
