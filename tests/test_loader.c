/* SPDX-License-Identifier: MIT */
/* The loader believes nothing: what is wrong with a file is said, and nothing is read past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge.h"
#include "history.h"
#include "report_build.h"

struct fixture {
	char *dir;
	struct forge *forge;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	uint32_t site;

	x->dir = forge_directory();
	x->forge = forge_new(77);
	site = forge_site(x->forge, 0x1010);
	forge_module(x->forge, "/opt/forged/server", 0x1000, 0x2000);
	forge_accepted(x->forge, 5, site, 10);
	forge_accepted(x->forge, 6, site, 20)->seq = 2;
	forge_progress(x->forge, 1, site);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	forge_remove(x->dir);
	forge_free(x->forge);
	free(x);
	return 0;
}

static enum load_status load(struct fixture *x, struct recording *r, struct strbuf *why)
{
	char *path = forge_write(x->forge, x->dir, "77.0.socklint");
	enum load_status status = recording_load(r, path, why);

	free(path);
	return status;
}

static void expect_bad(struct fixture *x, const char *reason)
{
	struct strbuf why = STRBUF_INIT;
	struct recording r;

	assert_int_equal(load(x, &r, &why), LOAD_BAD);
	assert_non_null(strstr(why.buf, "77.0.socklint: "));
	if (!strstr(why.buf, reason))
		fail_msg("\"%s\" does not say \"%s\"", why.buf, reason);
	strbuf_release(&why);
}

static void reads_all_kinds_of_chunks(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct recording r;

	assert_int_equal(load(*state, &r, &why), LOAD_OK);
	assert_int_equal(r.header->pid, 77);
	assert_int_equal(r.nr_lives, REC_LIVES_PER_CHUNK);
	assert_int_equal(r.lives[5].fd, 5);
	assert_int_equal(r.lives[5].life->born_ns, FORGE_S(10));
	assert_int_equal(recording_site(&r, 1)->pc[0], 0x1010);
	assert_null(recording_site(&r, 0));
	assert_null(recording_site(&r, 2));
	assert_null(recording_site(&r, UINT32_MAX));
	assert_int_equal(r.nr_modules, 1);
	assert_int_equal(r.nr_progress, 1);
	assert_int_equal(r.nr_incidents, 0);
	assert_int_equal(r.nr_damaged, 0);
	recording_release(&r);
}

static void ends_what_the_program_said(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = forge_accepted(x->forge, 7, 1, 30);
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	char reason[REC_KEPT_REASON + 1] = "";

	memset(reason, 'x', REC_KEPT_REASON);
	forge_kept(x->forge, l, reason);
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_int_equal(r.nr_kept, 1);
	assert_int_equal(r.kept[0]->reason[REC_KEPT_REASON - 1], '\0');
	recording_release(&r);
}

/* What is out of order, or cannot be, is left out. */
static void the_time_line_is_in_order(void **state)
{
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct rec_sample *s;
	struct recording r;

	forge_sample(x->forge, 0.5, 1); /* before the start */
	forge_sample(x->forge, 10, 50);
	forge_sample(x->forge, 20, 70);
	forge_sample(x->forge, 20, 70); /* on its way to another place */
	forge_sample(x->forge, 15, 80);
	forge_sample(x->forge, 30, 60); /* fewer births than before */
	forge_sample(x->forge, 35, 90)->check++;
	s = forge_sample(x->forge, 36, 90);
	s->fin_seen = 91;
	s->check = rec_sample_check(s);
	s = forge_sample(x->forge, 37, 90);
	s->close_wait = s->fin_seen + 1;
	s->check = rec_sample_check(s);
	forge_sample(x->forge, 40, 100);
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_int_equal(r.nr_samples, 3);
	assert_int_equal(r.samples[0]->open, 50);
	assert_int_equal(r.samples[1]->open, 70);
	assert_int_equal(r.samples[2]->open, 100);
	assert_int_equal(r.nr_damaged, 0);
	recording_release(&r);
}

static void names_a_newer_version(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->version = 7;
	expect_bad(x, "has format version 7");
	expect_bad(x, "a newer socklint is needed");
}

static void knows_the_other_byte_order(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->version = __builtin_bswap32(REC_VERSION);
	expect_bad(x, "byte order");
}

static void refuses_a_foreign_file(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->magic[0] = 's';
	expect_bad(x, "not a socklint recording");
}

static void refuses_sizes_that_make_no_sense(void **state)
{
	static const uint64_t sizes[] = {0,
					 1,
					 REC_UNIT - 1,
					 REC_UNIT + 1,
					 UINT64_MAX,
					 UINT64_MAX / REC_UNIT * REC_UNIT,
					 UINT64_C(1) << 40};
	struct fixture *x = *state;
	uint64_t whole = forge_header(x->forge)->file_bytes;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		forge_header(x->forge)->file_bytes = sizes[i];
		expect_bad(x, "damaged");
	}
	forge_header(x->forge)->file_bytes = whole + REC_UNIT;
	expect_bad(x, "truncated");
}

static void refuses_what_is_no_file(void **state)
{
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	char *path = forge_write_bytes("", 0, x->dir, "none");

	unlink(path);
	assert_int_equal(recording_load(&r, path, &why), LOAD_BAD);
	assert_non_null(strstr(why.buf, "No such file"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(recording_load(&r, path, &why), LOAD_BAD);
	assert_non_null(strstr(why.buf, "not a regular file"));
	strbuf_release(&why);
	free(path);
}

/* A base near the largest number would name descriptors below zero. */
static void bounds_chunks_that_lie(void **state)
{
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	size_t size;
	char *image = forge_image(x->forge, &size);
	struct rec_chunk *lives = (void *)(image + forge_chunk_at(x->forge, REC_CHUNK_LIVES));
	struct rec_chunk *sites = (void *)(image + forge_chunk_at(x->forge, REC_CHUNK_SITES));
	struct rec_chunk *modules = (void *)(image + forge_chunk_at(x->forge, REC_CHUNK_MODULES));

	lives->base = INT32_MAX;
	sites->base = UINT32_MAX - 5;
	modules->nr = UINT32_MAX;
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_int_equal(r.nr_lives, 0);
	assert_int_equal(r.nr_modules, 0);
	assert_int_equal(r.nr_damaged, 1);
	recording_release(&r);
}

static void names_an_older_version(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->version = REC_VERSION - 1;
	expect_bad(x, "record it again");
}

/* What lies there without a flag that says so was left by somebody else. */
static void rest_is_told_by_its_flags(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = forge_accepted(x->forge, 7, 1, 30), *loaded;
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	uint32_t told = REC_LIFE_RESET | REC_LIFE_FACTS;

	l->reset_ns = l->facts_ns = FORGE_S(40);
	l->kernel_tcp_state = 8;
	for (int i = 0; i < 2; i++) {
		l->flags = i ? l->flags | told : l->flags & ~told;
		assert_int_equal(load(x, &r, &why), LOAD_OK);
		loaded = r.lives[7].life;
		assert_true(loaded->reset_ns == (i ? FORGE_S(40) : 0));
		assert_true(loaded->facts_ns == (i ? FORGE_S(40) : 0));
		assert_int_equal(loaded->kernel_tcp_state, i ? 8 : 0);
		recording_release(&r);
	}
}

/* All of them are where their number says, or none. */
static void steps_over_lives_that_are_no_whole_chunk(void **state)
{
	static const struct rec_chunk bad[] = {
		{.nr = REC_LIVES_PER_CHUNK - 1}, {.nr = 0}, {.nr = REC_LIVES_PER_CHUNK, .base = 1}};
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	struct rec_chunk *c;
	size_t size;

	forge_accepted(x->forge, 7, 1, 30);
	c = (void *)((char *)forge_image(x->forge, &size) +
		     forge_chunk_at(x->forge, REC_CHUNK_LIVES));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c->nr = bad[i].nr;
		c->base = bad[i].base;
		assert_int_equal(load(x, &r, &why), LOAD_OK);
		assert_int_equal(r.nr_lives, 0);
		recording_release(&r);
	}
}

static void ends_strings(void **state)
{
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct recording r;
	size_t size;
	char *image = forge_image(x->forge, &size);
	struct rec_chunk *c = (void *)(image + forge_chunk_at(x->forge, REC_CHUNK_MODULES));
	struct rec_module *m = (void *)(c + 1);
	struct rec_header *h = forge_header(x->forge);

	memset(m->path, 'a', sizeof(m->path));
	memset(h->exe, 'a', sizeof(h->exe));
	m->build_id_len = 255;
	h->cmdline_bytes = UINT32_MAX;
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_int_equal(strlen(r.modules[0]->path), REC_PATH_MAX - 1);
	assert_int_equal(strlen(r.header->exe), sizeof(h->exe) - 1);
	assert_int_equal(r.modules[0]->build_id_len, 0);
	assert_int_equal(r.header->cmdline_bytes, sizeof(h->cmdline));
	recording_release(&r);
}

/* ---- directories ------------------------------------------------------------------------- */

static void collects_a_directory_and_names_the_bad(void **state)
{
	struct fixture *x = *state;
	struct collection c = COLLECTION_INIT;
	struct rec_summary sum = {.loaded = 3, .folded = 1, .folded_births = 9};
	char *paths[] = {forge_write(x->forge, x->dir, "77.0.socklint"),
			 forge_write_bytes("SOCKLINX", 8, x->dir, "78.0.socklint"),
			 forge_write_bytes("", 0, x->dir, "79.0.socklint"),
			 forge_write_summary(&sum, x->dir)};
	size_t i;

	collection_add(&c, x->dir);
	assert_int_equal(c.nr, 1);
	assert_true(c.has_summary);
	assert_int_equal(c.summary.folded_births, 9);
	assert_int_equal(c.nr_complaints, 1);
	assert_non_null(strstr(c.complaints[0], "78.0.socklint"));
	collection_release(&c);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		free(paths[i]);
}

/* Names without an end, and counts that cannot be, are made harmless; the rest is added up. */
static void children_in_a_summary_are_distrusted(void **state)
{
	struct fixture *x = *state;
	struct collection c = COLLECTION_INIT;
	struct {
		struct rec_summary sum;
		struct rec_child children[REC_CHILDREN_NR];
	} file = {.sum = {.version = REC_VERSION, .bytes = sizeof(file.sum), .loaded = 1}};

	memcpy(file.sum.magic, REC_SUMMARY_MAGIC, sizeof(file.sum.magic));
	file.children[0] = (struct rec_child){.state = REC_CHILD_VALID, .bare = 2, .path = "/a"};
	file.children[1] = (struct rec_child){.state = REC_CHILD_VALID, .bare = 3, .path = "/a"};
	file.children[2] = (struct rec_child){.state = REC_CHILD_CLAIMED, .path = "/half"};
	file.children[3] = (struct rec_child){.state = REC_CHILD_VALID, .bare = ~0u, .path = "/b"};
	file.children[4] = (struct rec_child){.state = REC_CHILD_VALID};
	file.children[5] = (struct rec_child){.state = REC_CHILD_VALID};
	memset(file.children[5].path, 'x', sizeof(file.children[5].path));
	free(forge_write_bytes(&file, sizeof(file), x->dir, REC_SUMMARY_NAME));
	collection_add(&c, x->dir);
	assert_int_equal(c.nr_complaints, 0);
	assert_int_equal(c.nr_children, 3);
	assert_int_equal(c.children[0].bare, 5);
	assert_int_equal(c.children[1].bare, 0);
	assert_int_equal(strlen(c.children[2].path), REC_CHILD_PATH - 1);
	collection_release(&c);
}

static void looks_one_level_down(void **state)
{
	struct fixture *x = *state;
	struct collection c = COLLECTION_INIT;
	char below[256];

	snprintf(below, sizeof(below), "%s/server-77", x->dir);
	assert_int_equal(mkdir(below, 0700), 0);
	free(forge_write(x->forge, below, "77.0.socklint"));
	collection_add(&c, x->dir);
	assert_int_equal(c.nr, 1);
	assert_int_equal(c.nr_complaints, 0);
	collection_release(&c);
}

static void an_empty_directory_is_a_mistake(void **state)
{
	struct fixture *x = *state;
	struct collection c = COLLECTION_INIT;

	collection_add(&c, x->dir);
	assert_int_equal(c.nr_complaints, 1);
	assert_non_null(strstr(c.complaints[0], "no recordings in this directory"));
	collection_release(&c);
}

static void a_summary_tells_clean_from_not_loaded(void **state)
{
	struct fixture *x = *state;
	struct rec_summary sum = {.loaded = 0};
	struct collection c = COLLECTION_INIT, d = COLLECTION_INIT;

	free(forge_write_summary(&sum, x->dir));
	collection_add(&c, x->dir);
	assert_int_equal(c.nr_complaints, 1);
	assert_non_null(strstr(c.complaints[0], "never loaded"));
	collection_release(&c);
	sum.loaded = 1;
	free(forge_write_summary(&sum, x->dir));
	collection_add(&d, x->dir);
	assert_int_equal(d.nr_complaints, 0);
	collection_release(&d);
}

/* ---- damage ------------------------------------------------------------------------------ */

/* Whatever the loader lets through must not break any floor above it. */
static void report_on(struct fixture *x, const void *bytes, size_t size)
{
	char *path = forge_write_bytes(bytes, size, x->dir, "d.socklint");
	struct collection c = COLLECTION_INIT;
	struct history h = HISTORY_INIT;
	struct report r;
	struct gate gate;

	gate_init(&gate);
	collection_add(&c, path);
	assert_int_equal(c.nr + c.nr_complaints, 1);
	history_read(&h, &c);
	history_join(&h);
	report_build(&r, &h, &c, &gate, true);
	report_release(&r);
	history_release(&h);
	collection_release(&c);
	free(path);
}

static void survives_truncation(void **state)
{
	struct fixture *x = *state;
	size_t size, at;
	char *image = forge_image(x->forge, &size);

	for (at = 0; at < size; at += REC_UNIT / 2 + 1)
		report_on(x, image, at);
}

/*
 * The program goes on while its recording is copied: after the copy has passed the lives, a poll
 * loop stamps all of its set.
 */
static struct {
	struct fixture *x; /* NULL: nothing goes on */
	struct whole_life *life;
	struct rec_poller *poller;
	struct rec_module *module;
} going_on;

ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);

ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at)
{
	struct fixture *x = going_on.x;
	size_t half = n / 2;
	ssize_t r;

	if (!x || n < 2 * REC_UNIT)
		return __real_pread(fd, buf, n, at);
	r = __real_pread(fd, buf, half, at);
	going_on.x = NULL;
	if (going_on.life)
		going_on.life->polled_ns = going_on.poller->stamped_ns = FORGE_S(31);
	if (going_on.module) {
		strcpy(going_on.module->path, "/opt/again.so");
		going_on.module->seq++;
	}
	free(forge_write(x->forge, x->dir, "77.0.socklint"));
	return r;
}

static void a_stamp_during_the_copy_takes_nobody_out_of_the_set(void **state)
{
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct recording r;

	forge_header(x->forge)->end_kind = REC_END_NONE;
	going_on.life = forge_accepted(x->forge, 7, 1, 10);
	going_on.poller = forge_poller(x->forge, 1, 30);
	going_on.life->polled_ns = FORGE_S(30);
	going_on.x = x;
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_null(going_on.x);
	assert_true(r.pollers[0]->stamped_ns == FORGE_S(31));
	assert_true(r.lives[7].life->polled_ns == FORGE_S(31));
	going_on.life = NULL;
	recording_release(&r);
}

static void a_path_that_changes_during_the_copy_is_whole(void **state)
{
	struct fixture *x = *state;
	struct rec_module *m = forge_module(x->forge, "/opt/plugin.so", 0x3000, 0x4000);
	struct strbuf why = STRBUF_INIT;
	struct recording r;

	forge_header(x->forge)->end_kind = REC_END_NONE;
	m->seq = 3; /* it is half written */
	going_on.module = m;
	going_on.x = x;
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_string_equal(recording_module(&r, 2)->path, "/opt/again.so");
	recording_release(&r);
}

/* Its process was killed then. */
static void a_path_that_stays_half_written_is_none(void **state)
{
	struct fixture *x = *state;
	struct strbuf why = STRBUF_INIT;
	struct recording r;

	forge_module(x->forge, "/opt/plugin.so", 0x3000, 0x4000)->seq = 3;
	assert_int_equal(load(x, &r, &why), LOAD_OK);
	assert_string_equal(recording_module(&r, 2)->path, "");
	assert_null(recording_module(&r, 3));
	assert_null(recording_module(&r, 0));
	assert_null(recording_module(&r, UINT32_MAX));
	recording_release(&r);
}

/* A small generator of its own, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void survives_flipped_bytes(void **state)
{
	struct fixture *x = *state;
	uint32_t seed = 20260101;
	size_t size, unit;
	unsigned char *image = forge_image(x->forge, &size), *copy = malloc(size);
	int i;

	for (unit = 0; unit < size / REC_UNIT; unit++) {
		for (i = 0; i < 24; i++) {
			/* Half of the hits on the heads of chunks and entries, where it hurts. */
			size_t room = i % 2 ? REC_UNIT : 640;
			size_t n = 1 + next_random(&seed) % 8;

			memcpy(copy, image, size);
			while (n--)
				copy[unit * REC_UNIT + next_random(&seed) % room] =
					(unsigned char)next_random(&seed);
			report_on(x, copy, size);
		}
	}
	free(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_all_kinds_of_chunks),
		TEST(ends_what_the_program_said),
		TEST(the_time_line_is_in_order),
		TEST(names_a_newer_version),
		TEST(knows_the_other_byte_order),
		TEST(refuses_a_foreign_file),
		TEST(refuses_sizes_that_make_no_sense),
		TEST(refuses_what_is_no_file),
		TEST(bounds_chunks_that_lie),
		TEST(names_an_older_version),
		TEST(rest_is_told_by_its_flags),
		TEST(steps_over_lives_that_are_no_whole_chunk),
		TEST(ends_strings),
		TEST(collects_a_directory_and_names_the_bad),
		TEST(looks_one_level_down),
		TEST(children_in_a_summary_are_distrusted),
		TEST(an_empty_directory_is_a_mistake),
		TEST(a_summary_tells_clean_from_not_loaded),
		TEST(a_stamp_during_the_copy_takes_nobody_out_of_the_set),
		TEST(a_path_that_changes_during_the_copy_is_whole),
		TEST(a_path_that_stays_half_written_is_none),
		TEST(survives_truncation),
		TEST(survives_flipped_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
