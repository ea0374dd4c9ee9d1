/* SPDX-License-Identifier: MIT */
/* Reads one recording, also while the program writes it, and believes nothing in it. */
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- chunks ------------------------------------------------------------------------------ */

static void take_lives(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct recorded_life *slot;

	if (c->base > INT32_MAX - c->nr)
		return;
	ALLOC_GROW(r->lives, r->nr_lives + 1, r->alloc_lives);
	slot = &r->lives[r->nr_lives++];
	slot->fd = (int)(c->base + i);
	slot->life = entry;
}

static void take_site(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	uint64_t id = (uint64_t)c->base + i;
	struct rec_site *site = entry;

	/* Ids are given out in a row: none is larger than the number of sites that fit. */
	if (!id || id >= r->nr_sites)
		return;
	if (site->nr > REC_SITE_FRAMES)
		site->nr = REC_SITE_FRAMES;
	r->sites[id] = site;
}

static void take_module(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_module *m = entry;

	(void)c;
	(void)i;
	if (m->valid != 1 || m->lo >= m->hi)
		return;
	m->path[sizeof(m->path) - 1] = '\0';
	if (m->build_id_len > sizeof(m->build_id))
		m->build_id_len = 0;
	ALLOC_GROW(r->modules, r->nr_modules + 1, r->alloc_modules);
	r->modules[r->nr_modules++] = m;
}

static void take_progress(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_progress *p = entry;

	(void)c;
	(void)i;
	if (!p->tid)
		return;
	ALLOC_GROW(r->progress, r->nr_progress + 1, r->alloc_progress);
	r->progress[r->nr_progress++] = p;
}

static void take_incident(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_incident *in = entry;

	(void)c;
	(void)i;
	if (in->kind == REC_INCIDENT_NONE || in->kind >= REC_INCIDENT_KINDS)
		return;
	ALLOC_GROW(r->incidents, r->nr_incidents + 1, r->alloc_incidents);
	r->incidents[r->nr_incidents++] = in;
}

static void take_outcome(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_outcome *o = entry;

	(void)c;
	(void)i;
	if (!o->birth_site || o->birth_site == UINT32_MAX)
		return;
	ALLOC_GROW(r->outcomes, r->nr_outcomes + 1, r->alloc_outcomes);
	r->outcomes[r->nr_outcomes++] = o;
}

static void take_poller(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_poller *p = entry;

	(void)c;
	(void)i;
	if (!p->tid)
		return;
	ALLOC_GROW(r->pollers, r->nr_pollers + 1, r->alloc_pollers);
	r->pollers[r->nr_pollers++] = p;
}

static void take_sent(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_sent *s = entry;

	(void)c;
	(void)i;
	if (!s->cookie)
		return;
	ALLOC_GROW(r->sent, r->nr_sent + 1, r->alloc_sent);
	r->sent[r->nr_sent++] = s;
}

static void take_kept(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_kept *k = entry;

	(void)c;
	(void)i;
	if (!k->id)
		return;
	k->reason[REC_KEPT_REASON - 1] = '\0';
	ALLOC_GROW(r->kept, r->nr_kept + 1, r->alloc_kept);
	r->kept[r->nr_kept++] = k;
}

/* One that is being moved while the file is copied may be there twice. */
static bool is_next(const struct recording *r, const struct rec_sample *s)
{
	const struct rec_sample *last = r->nr_samples ? r->samples[r->nr_samples - 1] : NULL;

	if (last && (s->ns <= last->ns || s->births < last->births))
		return false;
	return s->ns >= r->header->start_ns;
}

static bool is_possible(const struct rec_sample *s)
{
	return s->check == rec_sample_check(s) && s->fin_seen <= s->open &&
	       s->close_wait <= s->fin_seen;
}

static void take_sample(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry)
{
	struct rec_sample *s = entry;

	(void)c;
	(void)i;
	if (!is_possible(s) || !is_next(r, s))
		return;
	ALLOC_GROW(r->samples, r->nr_samples + 1, r->alloc_samples);
	r->samples[r->nr_samples++] = s;
}

static const struct chunk_taker {
	size_t entry_bytes;
	void (*take)(struct recording *r, const struct rec_chunk *c, uint32_t i, void *entry);
} takers[REC_CHUNK_KINDS] = {
	[REC_CHUNK_LIVES] = {sizeof(struct rec_life), take_lives},
	[REC_CHUNK_SITES] = {sizeof(struct rec_site), take_site},
	[REC_CHUNK_MODULES] = {sizeof(struct rec_module), take_module},
	[REC_CHUNK_PROGRESS] = {sizeof(struct rec_progress), take_progress},
	[REC_CHUNK_INCIDENTS] = {sizeof(struct rec_incident), take_incident},
	[REC_CHUNK_OUTCOMES] = {sizeof(struct rec_outcome), take_outcome},
	[REC_CHUNK_POLLERS] = {sizeof(struct rec_poller), take_poller},
	[REC_CHUNK_SENT] = {sizeof(struct rec_sent), take_sent},
	[REC_CHUNK_KEPT] = {sizeof(struct rec_kept), take_kept},
	[REC_CHUNK_SAMPLES] = {sizeof(struct rec_sample), take_sample},
};

static void take_chunk(struct recording *r, struct rec_chunk *c)
{
	const struct chunk_taker *taker;
	unsigned char *entry = (unsigned char *)(c + 1);
	uint32_t i;

	if (c->kind >= REC_CHUNK_KINDS || !takers[c->kind].take)
		return;
	taker = &takers[c->kind];
	if (c->entry_bytes != taker->entry_bytes ||
	    (uint64_t)c->nr * c->entry_bytes > REC_CHUNK_ROOM((uint64_t)c->units)) {
		r->nr_damaged++;
		return;
	}
	for (i = 0; i < c->nr; i++, entry += c->entry_bytes)
		taker->take(r, c, i, entry);
}

static void walk_chunks(struct recording *r)
{
	size_t at = REC_UNIT;

	while (at < r->size) {
		struct rec_chunk *c = (struct rec_chunk *)(void *)(r->data + at);
		uint64_t bytes = (uint64_t)c->units * REC_UNIT;

		if (c->kind == REC_CHUNK_NONE) {
			at += REC_UNIT;
		} else if (!bytes || bytes > r->size - at) {
			r->nr_damaged++;
			at += REC_UNIT;
		} else {
			take_chunk(r, c);
			at += bytes;
		}
	}
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

/* The life as the file has it now. */
static bool read_again(const struct recording *r, int fd, const struct rec_life *l,
		       struct rec_life *now)
{
	off_t at = (off_t)((const unsigned char *)l - r->data);

	return pread(fd, now, sizeof(*now), at) == sizeof(*now);
}

bool recording_life_goes_on(const struct recording *r, int fd, const struct rec_life *l)
{
	struct rec_life now;

	return read_again(r, fd, l, &now) && now.seq == l->seq;
}

/*
 * While the program ran on, a slot may have changed hands half-way through the copy. Its sequence
 * number lies first and was copied first: if it is the same now, what follows it is of one life.
 * A slot in motion belongs to a socket that is just being born or closed: nothing to judge. So
 * does one whose site was made only after the copy had passed by there.
 *
 * Who left a poll set is told from a stamp that is older than the poller's. So the life's is to be
 * read later than the poller's.
 */
static void drop_torn_lives(struct recording *r, int fd)
{
	int moved = has_moved(r, fd);
	size_t i;

	for (i = 0; i < r->nr_lives; i++) {
		struct rec_life *l = r->lives[i].life, now;

		if (!(l->seq & 1))
			continue;
		if (!read_again(r, fd, l, &now) || now.seq != l->seq ||
		    (moved && l->site && !recording_site(r, l->site))) {
			l->seq = 0;
			continue;
		}
		l->poller_tid = now.poller_tid;
		l->polled_ns = now.polled_ns;
	}
}

static enum load_status load_from(struct recording *r, int fd, struct strbuf *why)
{
	struct rec_header h;
	enum load_status status = read_header(fd, &h, r->path, why);

	if (status != LOAD_OK)
		return status;
	do { /* again, where the file has grown before its header was copied */
		if (check_size(fd, &h, r->path, why) || read_copy(r, fd, h.file_bytes, why))
			return LOAD_BAD;
		h = *r->header;
	} while (h.file_bytes > r->size);
	end_strings(r->header);
	add_up_shards(r->header);
	r->nr_sites = r->size / sizeof(struct rec_site) + 1;
	r->sites = xcalloc(r->nr_sites, sizeof(*r->sites));
	walk_chunks(r);
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
	free(r->sites);
	free(r->modules);
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
