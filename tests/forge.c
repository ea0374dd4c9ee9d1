/* SPDX-License-Identifier: MIT */
#include "forge.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define UNITS 19

struct forge {
	unsigned char image[UNITS * REC_UNIT];
	struct whole_life
		lives[REC_LIVES_PER_CHUNK]; /* by descriptor; made part of the image late */
	uint32_t nr_sites, nr_modules, nr_progress, nr_outcomes, nr_pollers, nr_sent, nr_incidents,
		nr_kept, nr_samples;
	uint64_t next_id;
};

/* The unit that each chunk starts at; unit 2 is left as one that is just being made. */
enum {
	UNIT_LIVES = 1,
	UNIT_SITES = 3,
	UNIT_MODULES = 4,
	UNIT_PROGRESS = 5,
	UNIT_INCIDENTS = 9,
	UNIT_OUTCOMES = 10,
	UNIT_POLLERS = 12,
	UNIT_SENT = 16,
	UNIT_KEPT = 17,
	UNIT_SAMPLES = 18,
};

static struct rec_chunk *chunk_at(struct forge *f, uint32_t unit)
{
	return (struct rec_chunk *)(void *)(f->image + (size_t)unit * REC_UNIT);
}

static void *entry_at(struct forge *f, uint32_t unit, uint32_t i)
{
	struct rec_chunk *c = chunk_at(f, unit);

	return (unsigned char *)(c + 1) + (size_t)i * c->entry_bytes;
}

static const struct {
	uint32_t at;
	struct rec_chunk chunk;
} tables[] = {
#define TABLE(what, units_, nr_, type, base_)                                                      \
	{                                                                                          \
		UNIT_##what,                                                                       \
		{                                                                                  \
			.kind = REC_CHUNK_##what, .units = units_, .base = base_, .nr = nr_,       \
			.entry_bytes = sizeof(type)                                                \
		}                                                                                  \
	}
	TABLE(LIVES, 1, REC_LIVES_PER_CHUNK, char[REC_LIFE_BYTES], 0),
	TABLE(SITES, 1, REC_SITES_PER_CHUNK, struct rec_site, 1),
	TABLE(MODULES, 1, REC_MODULES_PER_CHUNK, struct rec_module, 0),
	TABLE(PROGRESS, REC_PROGRESS_UNITS, REC_PROGRESS_NR, struct rec_progress, 0),
	TABLE(INCIDENTS, 1, REC_INCIDENTS_NR, struct rec_incident, 0),
	TABLE(OUTCOMES, 1, REC_OUTCOMES_NR, struct rec_outcome, 0),
	TABLE(POLLERS, REC_POLLERS_UNITS, REC_POLLERS_NR, struct rec_poller, 0),
	TABLE(SENT, 1, REC_SENT_NR, struct rec_sent, 0),
	TABLE(KEPT, 1, REC_KEPT_NR, struct rec_kept, 0),
	TABLE(SAMPLES, 1, REC_SAMPLES_NR, struct rec_sample, 0),
#undef TABLE
};

struct forge *forge_new(uint32_t pid)
{
	struct forge *f = calloc(1, sizeof(*f));
	struct rec_header *h;
	size_t i;

	assert_non_null(f);
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		*chunk_at(f, tables[i].at) = tables[i].chunk;
	h = forge_header(f);
	memcpy(h->magic, REC_MAGIC, sizeof(h->magic));
	h->version = REC_VERSION;
	h->header_bytes = sizeof(*h);
	h->unit_bytes = REC_UNIT;
	h->file_bytes = sizeof(f->image);
	h->pid = pid;
	h->start_ns = FORGE_S(1);
	h->end_kind = REC_END_SIGNAL;
	h->end_value = 15;
	h->end_ns = h->facts_ns = FORGE_S(FORGE_END);
	strcpy(h->exe, "/opt/forged/server");
	return f;
}

void forge_free(struct forge *f)
{
	free(f);
}

struct rec_header *forge_header(struct forge *f)
{
	return (struct rec_header *)(void *)f->image;
}

static void forge_addresses(struct rec_life *l, const struct whole_life *w)
{
	memcpy(l->local_ip, w->local.ip, sizeof(l->local_ip));
	memcpy(l->peer_ip, w->peer.ip, sizeof(l->peer_ip));
	l->local_port = w->local.port;
	l->peer_port = w->peer.port;
	l->local_family = (uint8_t)w->local.family;
	l->peer_family = (uint8_t)w->peer.family;
}

static struct rec_life forge_life(const struct whole_life *w)
{
#define SAME(member)  .member = w->member
#define SMALL(member) .member = (uint8_t)w->member
	struct rec_life l = {
		SAME(seq),	 SAME(site),	     SAME(born_ns),	 SAME(flags),
		SMALL(born_by),	 SMALL(touch_call),  SAME(touch_ns),	 SAME(touch_pc),
		SAME(touch_tid), SAME(touch_seq),    SAME(reader_tid),	 SAME(writer_tid),
		SAME(write_ns),	 SAME(id),	     SAME(born_tid),	 SMALL(family),
		SAME(type),	 SAME(protocol),     SAME(eof_ns),	 SAME(eof_site),
		SAME(eof_tid),	 SMALL(reset_errno), SAME(close_ns),	 SAME(close_site),
		SAME(close_tid), SAME(epoll_fd),     SAME(epoll_events), SAME(poller_tid),
		SAME(polled_ns), SAME(told_ns),	     SAME(told_site),	 SAME(shut_ns),
		SAME(shut_site),
	};
	forge_addresses(&l, w);
	if (w->kernel_cookie)
		l.flags |= REC_LIFE_COOKIE;
	return l;
}

static struct rec_life_rest forge_rest(const struct whole_life *w)
{
	return (struct rec_life_rest){
		SAME(facts_ns),		SAME(kernel_last_ack_ms),
		SAME(kernel_unread),	SAME(kernel_unsent),
		SAME(kernel_tcp_state), SAME(kernel_eof_unread),
		SAME(kernel_error),	SAME(kernel_cookie),
		SAME(reset_ns),		SAME(reset_site),
		.sibling_fd = -1,	.scope = w->local.scope | w->peer.scope,
	};
#undef SAME
#undef SMALL
}

/* The lives as they are now become part of the image. */
static void image_complete(struct forge *f)
{
	struct rec_life *lives = entry_at(f, UNIT_LIVES, 0);
	uint32_t i;

	for (i = 0; i < REC_LIVES_PER_CHUNK; i++) {
		lives[i] = forge_life(&f->lives[i]);
		*rec_life_rest_of(&lives[i], i) = forge_rest(&f->lives[i]);
	}
}

void *forge_image(struct forge *f, size_t *size)
{
	image_complete(f);
	*size = sizeof(f->image);
	return f->image;
}

size_t forge_chunk_at(struct forge *f, enum rec_chunk_kind kind)
{
	uint32_t unit;

	for (unit = 1; unit < UNITS; unit++)
		if (chunk_at(f, unit)->kind == (uint32_t)kind)
			return (size_t)unit * REC_UNIT;
	fail();
	return 0;
}

struct rec_site *forge_site_at(struct forge *f, uint32_t site)
{
	return entry_at(f, UNIT_SITES, site - 1);
}

uint32_t forge_site(struct forge *f, uint64_t pc)
{
	uint32_t id = ++f->nr_sites;
	struct rec_site *s = forge_site_at(f, id);

	assert_true(id <= REC_SITES_PER_CHUNK);
	s->nr = 1;
	s->pc[0] = pc;
	return id;
}

struct rec_module *forge_module(struct forge *f, const char *path, uint64_t lo, uint64_t hi)
{
	struct rec_module *m = entry_at(f, UNIT_MODULES, f->nr_modules++);

	assert_true(f->nr_modules <= REC_MODULES_PER_CHUNK);
	m->seq = 2;
	m->mapped = REC_MODULE_MAPPED;
	m->lo = lo;
	m->bytes = hi - lo;
	snprintf(m->path, sizeof(m->path), "%s", path);
	return m;
}

struct rec_progress *forge_progress(struct forge *f, uint32_t tid, uint32_t site)
{
	struct rec_progress *p = entry_at(f, UNIT_PROGRESS, f->nr_progress++);

	assert_true(f->nr_progress <= REC_PROGRESS_NR);
	p->tid = tid;
	p->site = site;
	return p;
}

struct rec_outcome *forge_outcome(struct forge *f, uint32_t birth, uint32_t close, uint32_t nr,
				  double dwell)
{
	struct rec_outcome *o = entry_at(f, UNIT_OUTCOMES, f->nr_outcomes++);
	uint64_t ns = FORGE_S(dwell);
	int bucket = 0;

	assert_true(f->nr_outcomes <= REC_OUTCOMES_NR);
	while ((uint64_t)REC_BUCKET_NS << bucket <= ns)
		bucket++;
	o->birth_site = birth;
	o->close_site = close;
	o->flags = REC_OUTCOME_PASSIVE | REC_OUTCOME_TCP;
	o->nr = nr;
	o->dwell[bucket] = nr;
	o->dwell_max_ns = ns;
	return o;
}

struct rec_poller *forge_poller(struct forge *f, uint32_t tid, double stamped)
{
	struct rec_poller *p = entry_at(f, UNIT_POLLERS, f->nr_pollers++);

	assert_true(f->nr_pollers <= REC_POLLERS_NR);
	p->tid = tid;
	p->stamped_ns = FORGE_S(stamped);
	return p;
}

struct rec_incident *forge_incident(struct forge *f, enum rec_incident_kind kind, uint32_t site,
				    uint32_t first_site)
{
	struct rec_incident *in = entry_at(f, UNIT_INCIDENTS, f->nr_incidents++);

	assert_true(f->nr_incidents <= REC_INCIDENTS_NR);
	*in = (struct rec_incident){.kind = kind,
				    .fd = 7,
				    .site = site,
				    .first_site = first_site,
				    .ns = FORGE_S(FORGE_END - 10),
				    .tid = 1};
	return in;
}

struct rec_sample *forge_sample(struct forge *f, double at, uint32_t open)
{
	struct rec_sample *s = entry_at(f, UNIT_SAMPLES, f->nr_samples++);

	assert_true(f->nr_samples <= REC_SAMPLES_NR);
	s->ns = FORGE_S(at);
	s->births = open;
	s->open = open;
	s->fin_seen = open / 10;
	s->check = rec_sample_check(s);
	return s;
}

struct rec_kept *forge_kept(struct forge *f, struct whole_life *l, const char *reason)
{
	struct rec_kept *k = entry_at(f, UNIT_KEPT, f->nr_kept++);

	assert_true(f->nr_kept <= REC_KEPT_NR && strlen(reason) <= sizeof(k->reason));
	l->flags |= REC_LIFE_KEPT;
	k->id = l->id;
	memcpy(k->reason, reason, strlen(reason));
	return k;
}

struct rec_sent *forge_sent(struct forge *f, const struct whole_life *l, uint64_t cookie)
{
	struct rec_sent *s = entry_at(f, UNIT_SENT, f->nr_sent++);

	assert_true(f->nr_sent <= REC_SENT_NR);
	*s = (struct rec_sent){.cookie = cookie,
			       .id = l->id,
			       .born_ns = l->born_ns,
			       .sent_ns = l->born_ns + FORGE_S(1),
			       .born_site = l->site,
			       .born_tid = l->born_tid,
			       .born_by = l->born_by,
			       .fd = 3};
	return s;
}

struct whole_life *forge_accepted(struct forge *f, int fd, uint32_t site, double born)
{
	struct whole_life *l = &f->lives[fd];

	assert_true(fd >= 0 && fd < (int)REC_LIVES_PER_CHUNK);
	memset(l, 0, sizeof(*l));
	l->seq = 1;
	l->site = site;
	l->id = ++f->next_id;
	l->born_ns = FORGE_S(born);
	l->born_tid = l->touch_tid = 1;
	l->family = AF_INET;
	l->type = SOCK_STREAM;
	l->born_by = REC_CALL_ACCEPT;
	l->touch_call = REC_CALL_READ;
	l->flags = REC_LIFE_ACCEPTED | REC_LIFE_TOUCHED;
	l->touch_ns = FORGE_S(born + 0.5);
	l->touch_pc = 0x1234;
	l->touch_seq = (uint32_t)(born * 10);
	l->epoll_fd = -1;
	l->peer = (struct rec_addr){
		.family = AF_INET, .port = (uint16_t)(40000 + fd), .ip = {192, 0, 2, 7}};
	l->local = (struct rec_addr){.family = AF_INET, .port = 80, .ip = {127, 0, 0, 1}};
	forge_facts(l, TCP_ESTABLISHED, 0);
	forge_header(f)->births++;
	return l;
}

void forge_facts(struct whole_life *l, uint8_t state, double since_ack)
{
	l->flags |= REC_LIFE_FACTS;
	l->facts_ns = FORGE_S(FORGE_END);
	l->kernel_tcp_state = state;
	l->kernel_last_ack_ms = (uint32_t)(since_ack * 1000);
}

void forge_eof(struct whole_life *l, double at)
{
	l->flags |= REC_LIFE_EOF;
	l->eof_ns = FORGE_S(at);
	l->eof_tid = l->touch_tid;
	l->touch_ns = l->eof_ns;
}

/* ---- files ------------------------------------------------------------------------------- */

char *forge_directory(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;

	assert_true(asprintf(&dir, "%s/socklint-unit-XXXXXX", tmp && *tmp ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	return dir;
}

static void remove_below(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char *path;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", dir, e->d_name) < 0)
			break;
		if (unlink(path))
			remove_below(path);
		free(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void forge_remove(char *dir)
{
	remove_below(dir);
	free(dir);
}

char *forge_write_bytes(const void *bytes, size_t size, const char *dir, const char *name)
{
	char *path;
	int fd;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	return path;
}

char *forge_write(struct forge *f, const char *dir, const char *name)
{
	image_complete(f);
	return forge_write_bytes(f->image, sizeof(f->image), dir, name);
}

char *forge_write_summary(const struct rec_summary *s, const char *dir)
{
	struct rec_summary copy = *s;

	memcpy(copy.magic, REC_SUMMARY_MAGIC, sizeof(copy.magic));
	copy.version = REC_VERSION;
	copy.bytes = sizeof(copy);
	return forge_write_bytes(&copy, sizeof(copy), dir, REC_SUMMARY_NAME);
}
