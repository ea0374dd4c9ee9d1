/* SPDX-License-Identifier: MIT */
/* The profile, read back: what pprof's readers and the stores insist on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "alloc.h"
#include "forge_report.h"
#include "format.h"
#include "profile.pb-c.h"
#include "profile_make.h"
#include "text.h"

static Socklint__Profile *unpacked(const struct report *r, uint64_t time_ns)
{
	size_t size;
	uint8_t *bytes = profile_make(r, time_ns, &size);
	Socklint__Profile *p = socklint__profile__unpack(NULL, size, bytes);

	assert_non_null(p);
	assert_true(size <= PROFILE_BYTES_MAX);
	free(bytes);
	return p;
}

static const char *text(const Socklint__Profile *p, int64_t nr)
{
	assert_true(nr >= 0 && (size_t)nr < p->n_string_table);
	return p->string_table[nr];
}

static void release(Socklint__Profile *p)
{
	socklint__profile__free_unpacked(p, NULL);
}

static void types_are_what_stores_expect(void **state)
{
	static const char *const types[][2] = {
		{"sockets", "count"}, {"close_wait", "count"}, {"close_wait_dwell", "nanoseconds"}};
	struct report *r = forged_report("take");
	Socklint__Profile *p = unpacked(r, 77);
	size_t i;

	(void)state;
	assert_string_equal(text(p, 0), "");
	assert_int_equal(p->n_sample_type, 3);
	for (i = 0; i < 3; i++) {
		assert_string_equal(text(p, p->sample_type[i]->type), types[i][0]);
		assert_string_equal(text(p, p->sample_type[i]->unit), types[i][1]);
	}
	assert_string_equal(text(p, p->default_sample_type), "close_wait");
	assert_string_equal(text(p, p->period_type->type), "sockets");
	assert_int_equal(p->period, 1);
	assert_int_equal(p->time_nanos, 77);
	assert_int_equal(p->duration_nanos, UINT64_C(100000000000));
	release(p);
	forged_free(r);
}

static const char *label(const Socklint__Profile *p, const Socklint__Sample *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->n_label; i++)
		if (!strcmp(text(p, s->label[i]->key), key))
			return text(p, s->label[i]->str);
	return NULL;
}

static void sockets_are_counted_together(void **state)
{
	struct report *r = forged_report("take");
	Socklint__Profile *p = unpacked(r, 0);
	const Socklint__Sample *leak = p->sample[0], *open = p->sample[1];

	(void)state;
	assert_int_equal(p->n_sample, 2);
	assert_int_equal(leak->value[0], 3);
	assert_int_equal(leak->value[1], 3);
	assert_int_equal(leak->value[2], UINT64_C(270000000000));
	assert_string_equal(label(p, leak, "state"), "CLOSE_WAIT");
	assert_string_equal(label(p, leak, "rule"), "close-wait");
	assert_string_equal(label(p, leak, "local_port"), "8080");
	assert_int_equal(open->value[0], 1);
	assert_int_equal(open->value[1], 0);
	assert_null(label(p, open, "rule"));
	release(p);
	forged_free(r);
}

/* A client's port is another for each socket, and so is any peer. */
static void labels_are_of_low_cardinality(void **state)
{
	struct report *r = forged_report("take");
	Socklint__Profile *p;
	size_t i;

	(void)state;
	for (i = 0; i < r->nr_sockets; i++) {
		r->sockets[i].opened_by = "socket";
		free(r->sockets[i].local);
		r->sockets[i].local = xstrfmt("10.0.0.1:%zu", 50000 + i);
	}
	p = unpacked(r, 0);
	assert_int_equal(p->n_sample, 2);
	for (i = 0; i < p->n_string_table; i++)
		assert_null(strstr(p->string_table[i], "10."));
	assert_null(label(p, p->sample[0], "local_port"));
	release(p);
	forged_free(r);
}

/* In speedscope the finding's function would be lost if it shared a location with its caller. */
static void inlined_calls_have_locations_of_their_own(void **state)
{
	static const char *const names[] = {"accept", "take", "main", "script"};
	struct report *r = forged_report("take");
	Socklint__Profile *p;
	size_t i;

	(void)state;
	r->sites[0].stack.frames[2].offset = r->sites[0].stack.frames[1].offset;
	p = unpacked(r, 0);
	assert_int_equal(p->sample[0]->n_location_id, 4);
	for (i = 0; i < 4; i++) {
		const Socklint__Location *l = p->location[p->sample[0]->location_id[i] - 1];

		assert_int_equal(l->n_line, 1);
		assert_string_equal(text(p, p->function[l->line[0]->function_id - 1]->name),
				    names[i]);
	}
	assert_string_equal(text(p, p->function[1]->filename), "net/take.c");
	assert_int_equal(p->location[1]->line[0]->line, 41);
	assert_int_equal(p->location[1]->address, p->location[2]->address);
	for (i = 0; i < p->n_location; i++)
		assert_int_equal(p->location[i]->id, i + 1);
	for (i = 0; i < p->n_function; i++)
		assert_int_equal(p->function[i]->id, i + 1);
	release(p);
	forged_free(r);
}

static void modules_have_build_ids_and_a_room_each(void **state)
{
	struct report *r = forged_report("server");
	Socklint__Profile *p = unpacked(r, 0);
	size_t i;

	(void)state;
	assert_int_equal(p->n_mapping, 2);
	assert_string_equal(text(p, p->mapping[0]->filename), "server"); /* the program */
	assert_string_equal(text(p, p->mapping[1]->filename), "libc.so.6");
	assert_string_equal(text(p, p->mapping[0]->build_id),
			    "00112233445566778899aabbccddeeff00112233");
	assert_true(p->mapping[0]->memory_limit <= p->mapping[1]->memory_start);
	for (i = 0; i < p->n_location; i++) {
		const Socklint__Location *l = p->location[i];
		const Socklint__Mapping *m = l->mapping_id ? p->mapping[l->mapping_id - 1] : NULL;

		if (m)
			assert_in_range(l->address, m->memory_start, m->memory_limit - 1);
	}
	release(p);
	forged_free(r);
}

static void too_many_places_are_cut_and_said(void **state)
{
	struct report *r = forged_report("take");
	size_t nr = PROFILE_SAMPLES_MAX + 7, i;
	struct report_socket *sockets = xcalloc(nr, sizeof(*sockets)), *before = r->sockets;
	char(*ports)[16] = xcalloc(nr, sizeof(*ports));
	Socklint__Profile *p;

	(void)state;
	for (i = 0; i < nr; i++) {
		snprintf(ports[i], sizeof(ports[i]), "x:%zu", i);
		sockets[i] = before[0];
		sockets[i].local = ports[i];
	}
	r->sockets = sockets;
	r->nr_sockets = nr;
	p = unpacked(r, 0);
	assert_int_equal(p->n_sample, PROFILE_SAMPLES_MAX);
	assert_int_equal(p->n_comment, 1);
	assert_string_equal(text(p, p->comment[0]),
			    "7 sockets are left out: there are too many places");
	release(p);
	r->sockets = before;
	r->nr_sockets = 4;
	free(sockets);
	free(ports);
	forged_free(r);
}

static void strings_are_utf8(void **state)
{
	struct report *r = forged_report(forged_hostile);
	Socklint__Profile *p = unpacked(r, 0);
	size_t i;

	(void)state;
	for (i = 0; i < p->n_string_table; i++) {
		char *clean = text_cleaned(p->string_table[i]);

		assert_string_equal(clean, p->string_table[i]);
		free(clean);
	}
	release(p);
	forged_free(r);
}

static int64_t time_said(const struct report *r, enum pprof_time when)
{
	const struct render_options how = {.pprof_time = when};
	uint8_t plain[65536], *packed = NULL;
	z_stream z = {0};
	Socklint__Profile *p;
	size_t size;
	int64_t time;
	FILE *out = open_memstream((char **)&packed, &size);

	format_by_name("pprof", 5)->render(out, r, &how);
	fclose(out);
	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	z.next_in = packed;
	z.avail_in = (uInt)size;
	z.next_out = plain;
	z.avail_out = sizeof(plain);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	p = socklint__profile__unpack(NULL, z.total_out, plain);
	inflateEnd(&z);
	assert_non_null(p);
	time = p->time_nanos;
	release(p);
	free(packed);
	return time;
}

static void the_time_is_chosen(void **state)
{
	struct report *r = forged_report("f");

	(void)state;
	assert_int_equal(time_said(r, PPROF_TIME_RECORDED), r->now_at);
	assert_int_equal(time_said(r, PPROF_TIME_NONE), 0);
	assert_int_not_equal(time_said(r, PPROF_TIME_NOW), r->now_at);
	assert_true(time_said(r, PPROF_TIME_NOW) > 0);
	forged_free(r);
}

static void an_empty_report_is_a_profile(void **state)
{
	struct report none = {.nr_followed = 3};
	Socklint__Profile *p = unpacked(&none, 0);

	(void)state;
	assert_int_equal(p->n_sample, 0);
	assert_int_equal(p->n_sample_type, 3);
	release(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_what_stores_expect),
		cmocka_unit_test(sockets_are_counted_together),
		cmocka_unit_test(labels_are_of_low_cardinality),
		cmocka_unit_test(inlined_calls_have_locations_of_their_own),
		cmocka_unit_test(modules_have_build_ids_and_a_room_each),
		cmocka_unit_test(too_many_places_are_cut_and_said),
		cmocka_unit_test(strings_are_utf8),
		cmocka_unit_test(the_time_is_chosen),
		cmocka_unit_test(an_empty_report_is_a_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
