/* SPDX-License-Identifier: MIT */
/*
 * What the shim writes, read by the command's own loader: incidents, modules, counters, limits.
 */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collection.h"

struct recorded {
	char *dir;
	struct collection all;
	const struct recording *r; /* the first */
};

static struct recorded record(const char *name, const char *arg, const char *more)
{
	struct recorded x = {scratch_make(), COLLECTION_INIT, NULL};
	char options[300];
	struct run run;

	snprintf(options, sizeof(options), "dir=%s:report=none%s", x.dir, more);
	run = run_program(&(struct start){
		.argv = ARGV(GUEST, name, arg), .preload = SHIM, .options = options});
	assert_int_not_equal(run.status, -1);
	assert_null(strstr(run.out, "FAILED"));
	run_release(&run);
	collection_add(&x.all, x.dir);
	assert_int_equal(x.all.nr_complaints, 0);
	assert_int_equal(x.all.nr, 1);
	x.r = x.all.items[0];
	return x;
}

static void forget(struct recorded *x)
{
	collection_release(&x->all);
	scratch_remove(x->dir);
}

static const struct rec_incident *incident(const struct recorded *x, enum rec_incident_kind kind)
{
	for (size_t i = 0; i < x->r->nr_incidents; i++)
		if (x->r->incidents[i]->kind == kind)
			return x->r->incidents[i];
	fail_msg("no incident of kind %d", kind);
	return NULL;
}

static void double_close_and_exhaustion_are_incidents(void **state)
{
	struct recorded x = record("mistakes", NULL, "");
	const struct rec_incident *twice = incident(&x, REC_INCIDENT_DOUBLE_CLOSE);
	const struct rec_incident *full = incident(&x, REC_INCIDENT_EXHAUSTED);

	(void)state;
	const struct rec_incident *holder = incident(&x, REC_INCIDENT_HOLDER);

	assert_int_equal(x.r->nr_incidents, 3);
	assert_int_equal(holder->first_site, full->site);
	assert_in_range(holder->nr_sockets, 1, 64);
	assert_int_equal(full->nr_sockets, holder->nr_sockets);
	assert_int_equal(full->fd_limit, 64);
	assert_int_not_equal(twice->site, twice->first_site);
	assert_non_null(recording_site(x.r, twice->site));
	assert_non_null(recording_site(x.r, twice->first_site));
	assert_true(twice->first_ns && twice->first_ns <= twice->ns);
	assert_int_equal(full->error, 24); /* EMFILE */
	forget(&x);
}

static uint64_t nr_active(const struct recorded *x, uint32_t accepted)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < x->r->nr_outcomes; i++)
		if ((x->r->outcomes[i]->flags & REC_OUTCOME_ACCEPTED) == accepted)
			nr += x->r->outcomes[i]->nr_active;
	return nr;
}

/* Whose FIN came first: TIME_WAIT is at that end. */
static void who_closed_first_is_counted(void **state)
{
	struct recorded x = record("hurried_client", "server_first", "");

	(void)state;
	assert_int_equal(nr_active(&x, REC_OUTCOME_ACCEPTED), 200);
	assert_int_equal(nr_active(&x, 0), 0);
	assert_in_range(x.r->header->port_lo, 1, 65535);
	assert_in_range(x.r->header->port_hi, x.r->header->port_lo, 65535);
	forget(&x);
	x = record("hurried_client", "1", "");
	assert_int_equal(nr_active(&x, REC_OUTCOME_ACCEPTED), 0);
	assert_true(nr_active(&x, 0) > 100);
	forget(&x);
}

/* Nothing is open, but a rule may want to speak of it. */
static void a_late_close_keeps_the_recording(void **state)
{
	struct recorded x = record("late_close", NULL, "");
	const struct rec_outcome *late = NULL;

	(void)state;
	for (size_t i = 0; i < x.r->nr_outcomes; i++)
		if (x.r->outcomes[i]->flags & REC_OUTCOME_PASSIVE)
			late = x.r->outcomes[i];
	assert_non_null(late);
	assert_true(late->flags & REC_OUTCOME_TCP);
	assert_in_range(late->dwell_max_ns, 1000000000, 60000000000);
	forget(&x);
}

/* It runs for more than a second. */
static void the_time_line_reaches_to_the_end(void **state)
{
	struct recorded x = record("late_close", NULL, "");
	const struct rec_sample *last;

	(void)state;
	assert_true(x.r->nr_samples > 0);
	last = x.r->samples[x.r->nr_samples - 1];
	assert_int_equal(last->ns, x.r->header->end_ns);
	assert_int_equal(last->births, x.r->header->births);
	assert_int_equal(last->deaths, x.r->header->deaths);
	assert_int_equal(last->open, last->births - last->deaths);
	forget(&x);
}

/* Each cited address lies in a module whose file and build id are known. */
static void modules_have_paths_and_build_ids(void **state)
{
	struct recorded x = record("leak", NULL, "");
	bool guest = false;

	(void)state;
	assert_true(x.r->nr_modules >= 2); /* the guest, and the C library that called its main */
	for (size_t i = 0; i < x.r->nr_modules; i++) {
		const struct rec_module *m = x.r->modules[i];

		assert_int_equal(m->path[0], '/');
		assert_int_equal(m->build_id_len, 20);
		guest |= !strcmp(m->path, GUEST);
	}
	assert_true(guest);
	forget(&x);
}

static void counts_what_it_followed(void **state)
{
	struct recorded x = record("leak", NULL, "");
	const struct rec_header *h = x.r->header;

	(void)state;
	assert_int_equal(h->births, 9); /* a listener, four clients, four accepted */
	assert_int_equal(h->deaths, 5);
	assert_int_equal(h->births_without_stack, 0);
	assert_int_equal(h->lost_lives, 0);
	assert_int_equal(h->lost_sites, 0);
	assert_int_equal(h->lost_modules, 0);
	assert_int_equal(h->end_kind, REC_END_RETURN);
	assert_true(h->facts_ns >= h->start_ns && h->end_ns >= h->facts_ns);
	forget(&x);
}

/* What does not fit is counted, and the file stays as small as was asked for. */
static void max_size_is_kept(void **state)
{
	struct recorded x = record("crowd", "900", ":max-size=256k");
	struct stat st;
	char path[400];

	(void)state;
	assert_true(x.r->header->lost_lives > 0);
	assert_int_equal(x.r->header->births + x.r->header->lost_lives, 900);
	snprintf(path, sizeof(path), "%s/%u.0" REC_SUFFIX, x.dir, x.r->header->pid);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 256 * 1024);
	forget(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(double_close_and_exhaustion_are_incidents),
		cmocka_unit_test(who_closed_first_is_counted),
		cmocka_unit_test(a_late_close_keeps_the_recording),
		cmocka_unit_test(the_time_line_reaches_to_the_end),
		cmocka_unit_test(modules_have_paths_and_build_ids),
		cmocka_unit_test(counts_what_it_followed),
		cmocka_unit_test(max_size_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
