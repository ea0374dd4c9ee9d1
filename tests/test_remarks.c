/* SPDX-License-Identifier: MIT */
/* What the rules remark of anything but open sockets, on forged recordings. */
#include "judging.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "remarks.h"

static struct remarks remarks;

static void remark_forged(struct fixture *x)
{
	judge_all(x);
	memset(&remarks, 0, sizeof(remarks));
	remark_all(&x->h, &remarks);
	remarks_group(&remarks, x->sy);
}

static const struct remark *the_one(const char *rule)
{
	assert_int_equal(remarks.nr, 1);
	assert_string_equal(remarks.all[0].rule->id, rule);
	return &remarks.all[0];
}

static void expect_none(struct fixture *x)
{
	remark_forged(x);
	assert_int_equal(remarks.nr, 0);
	remarks_release(&remarks);
}

/* Line number i of those that the remark says itself. */
static void expect_line(const struct remark *r, size_t i, const char *label, const char *text)
{
	assert_true(i < REMARK_LINES && r->lines[i].label);
	assert_string_equal(r->lines[i].label, label);
	assert_string_equal(r->lines[i].text, text);
}

/* ---- incidents --------------------------------------------------------------------------- */

static void uses_of_one_place_are_one_remark(void **state)
{
	struct fixture *x = *state;
	uint32_t other = forge_site(x->forge, 0x909090);
	struct rec_incident *in =
		forge_incident(x->forge, REC_INCIDENT_USE_AFTER_CLOSE, x->site, other);
	const struct remark *r;

	in->again = 41;
	in->last_ns = FORGE_S(FORGE_END - 2);
	in->call = REC_CALL_SEND;
	remark_forged(x);
	r = the_one("use-after-close");
	assert_int_equal(r->nr, 42);
	assert_int_equal(r->other_site, other);
	assert_int_equal(r->first_ns, FORGE_S(FORGE_END - 10));
	assert_int_equal(r->last_ns, FORGE_S(FORGE_END - 2));
	expect_line(r, 0, "call", "send() of descriptor 7, by thread 1");
	remarks_release(&remarks);
}

static void who_was_stuck_is_told(void **state)
{
	struct fixture *x = *state;
	uint32_t birth = forge_site(x->forge, 0x909090);
	struct rec_incident *in =
		forge_incident(x->forge, REC_INCIDENT_CLOSED_UNDER_READER, x->site, birth);
	const struct remark *r;

	in->until_ns = in->ns + FORGE_S(2);
	remark_forged(x);
	r = the_one("closed-under-reader");
	assert_int_equal(r->site, x->site);
	assert_int_equal(r->other_site, birth);
	expect_line(r, 0, "thread",
		    "1 was blocked in a call on descriptor 7, and still was 2.0 s later");
	remarks_release(&remarks);
}

static struct rec_incident *exhausted(struct fixture *x, uint32_t error)
{
	struct rec_incident *in = forge_incident(x->forge, REC_INCIDENT_EXHAUSTED, x->site, 0);

	in->error = error;
	in->call = REC_CALL_ACCEPT4;
	in->fd_limit = 1024;
	in->nr_sockets = 960;
	return in;
}

static void holders_are_named(void **state)
{
	struct fixture *x = *state;
	uint32_t other = forge_site(x->forge, 0x909090);
	const struct remark *r;

	exhausted(x, EMFILE)->again = 2;
	forge_incident(x->forge, REC_INCIDENT_HOLDER, x->site, x->site)->nr_sockets = 950;
	forge_incident(x->forge, REC_INCIDENT_HOLDER, other, x->site)->nr_sockets = 6;
	forge_incident(x->forge, REC_INCIDENT_HOLDER, other, other)->nr_sockets = 77;
	remark_forged(x);
	r = the_one("descriptors-exhausted");
	assert_int_equal(r->nr, 3);
	expect_line(r, 0, "call", "accept4() failed with EMFILE, in thread 1");
	expect_line(r, 1, "limit", "1024 descriptors (RLIMIT_NOFILE)");
	expect_line(r, 2, "held then", "950 were sockets opened in ");
	assert_int_equal(r->lines[2].site, x->site);
	expect_line(r, 3, "", "6 were sockets opened in ");
	expect_line(r, 4, "", "4 were other sockets");
	expect_line(r, 5, "", "64 were no sockets (files, pipes, ...), or unseen");
	remarks_release(&remarks);
}

/* The limit is the system's: how many there are of other things is not known. */
static void of_enfile_no_rest_is_known(void **state)
{
	struct fixture *x = *state;
	const struct remark *r;

	exhausted(x, ENFILE);
	forge_incident(x->forge, REC_INCIDENT_HOLDER, x->site, x->site)->nr_sockets = 960;
	remark_forged(x);
	r = the_one("descriptors-exhausted");
	assert_string_equal(r->which->name, "system-wide");
	expect_line(r, 1, "held then", "960 were sockets opened in ");
	assert_null(r->lines[2].label);
	remarks_release(&remarks);
}

/* More holders than lines, sites that are not there, calls that nobody knows. */
static void nonsense_is_bounded(void **state)
{
	struct fixture *x = *state;
	int i;

	exhausted(x, EMFILE)->call = 60000;
	for (i = 0; i < 40; i++)
		forge_incident(x->forge, REC_INCIDENT_HOLDER, 1000000 + (uint32_t)i, x->site)
			->nr_sockets = UINT64_MAX;
	remark_forged(x);
	the_one("descriptors-exhausted");
	remarks_release(&remarks);
}

static void a_holder_alone_says_nothing(void **state)
{
	struct fixture *x = *state;

	forge_incident(x->forge, REC_INCIDENT_HOLDER, x->site, x->site)->nr_sockets = 960;
	expect_none(x);
}

/* ---- ended sockets ----------------------------------------------------------------------- */

static struct rec_outcome *dwelt(struct fixture *x, uint32_t nr, double dwell)
{
	return forge_outcome(x->forge, x->site, forge_site(x->forge, 0x808080), nr, dwell);
}

static void late_closes_are_told_with_all(void **state)
{
	struct fixture *x = *state;
	const struct remark *r;

	dwelt(x, 97, 0.003);
	dwelt(x, 3, 200)->shard = 5;
	remark_forged(x);
	r = the_one("slow-close");
	assert_int_equal(r->nr, 3);
	assert_int_equal(r->site, x->site);
	assert_int_equal(r->dwells.nr, 100);
	assert_int_equal(r->dwells.max_ns, FORGE_S(200));
	assert_true(times_percentile(&r->dwells, 50) < FORGE_S(0.01));
	remarks_release(&remarks);
}

/* Its bucket begins before the limit. */
static void a_close_just_late_is_one(void **state)
{
	struct fixture *x = *state;

	dwelt(x, 4, 61);
	remark_forged(x);
	assert_int_equal(the_one("slow-close")->nr, 1);
	remarks_release(&remarks);
}

static void a_minute_is_no_slow_close(void **state)
{
	struct fixture *x = *state;

	dwelt(x, 100, 59.9);
	dwelt(x, 1, 500)->flags |= REC_OUTCOME_AT_END;
	dwelt(x, 1, 500)->flags = REC_OUTCOME_TCP;     /* the peer had not closed */
	dwelt(x, 1, 500)->flags = REC_OUTCOME_PASSIVE; /* a socket of another family */
	expect_none(x);
}

static struct rec_outcome *left_unread(struct fixture *x, uint32_t asked, uint32_t unread)
{
	struct rec_outcome *o = dwelt(x, 100, 0.001);

	o->flags = REC_OUTCOME_ACCEPTED;
	o->asked = asked;
	o->unread = unread;
	return o;
}

static void a_tenth_of_the_sample_is_told(void **state)
{
	struct fixture *x = *state;
	const struct remark *r;

	left_unread(x, 15, 1);
	left_unread(x, 15, 2)->shard = 3;
	remark_forged(x);
	r = the_one("reset-on-close");
	assert_int_equal(r->nr, 3);
	expect_line(r, 0, "sample",
		    "3 of 30 had unread data, of 200 closed here before the client did");
	remarks_release(&remarks);
}

static void few_resets_are_not_told(void **state)
{
	struct fixture *x = *state;

	left_unread(x, 31, 3);
	expect_none(x);
}

static void neither_two_nor_clients_nor_the_end_are(void **state)
{
	struct fixture *x = *state;

	left_unread(x, 2, 2);
	left_unread(x, 16, 16)->flags |= REC_OUTCOME_AT_END;
	left_unread(x, 16, 16)->flags = 0;
	expect_none(x);
}

static struct rec_outcome *closed_first(struct fixture *x, uint64_t nr, double over)
{
	struct rec_outcome *o = dwelt(x, 1, 0);

	forge_site_at(x->forge, x->site)->peer = 4711;
	o->flags = 0;
	o->nr = o->nr_active = nr;
	o->first_ns = FORGE_S(100);
	o->last_ns = FORGE_S(100 + over);
	return o;
}

static void more_than_half_of_the_ports_is_pressure(void **state)
{
	struct fixture *x = *state;
	const struct remark *r;

	closed_first(x, 30000, 120);
	remark_forged(x);
	r = the_one("time-wait-pressure");
	assert_int_equal(r->nr, 30000);
	expect_line(r, 0, "ports", "15000 of 28232 in TIME_WAIT at once");
	remarks_release(&remarks);
}

static void the_range_is_the_host_s(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->port_lo = 10000;
	forge_header(x->forge)->port_hi = 10999;
	closed_first(x, 501, 60);
	remark_forged(x);
	expect_line(the_one("time-wait-pressure"), 0, "ports", "501 of 1000 in TIME_WAIT at once");
	remarks_release(&remarks);
}

static void half_of_them_is_none(void **state)
{
	struct fixture *x = *state;

	closed_first(x, 14116, 30);
	expect_none(x);
}

static void servers_and_several_peers_are_none(void **state)
{
	struct fixture *x = *state;

	closed_first(x, 90000, 30)->flags = REC_OUTCOME_ACCEPTED;
	closed_first(x, 90000, 30);
	forge_site_at(x->forge, x->site)->peer = REC_SITE_SEVERAL_PEERS;
	expect_none(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(uses_of_one_place_are_one_remark),
		TEST(who_was_stuck_is_told),
		TEST(holders_are_named),
		TEST(of_enfile_no_rest_is_known),
		TEST(nonsense_is_bounded),
		TEST(a_holder_alone_says_nothing),
		TEST(late_closes_are_told_with_all),
		TEST(a_close_just_late_is_one),
		TEST(a_minute_is_no_slow_close),
		TEST(a_tenth_of_the_sample_is_told),
		TEST(few_resets_are_not_told),
		TEST(neither_two_nor_clients_nor_the_end_are),
		TEST(more_than_half_of_the_ports_is_pressure),
		TEST(the_range_is_the_host_s),
		TEST(half_of_them_is_none),
		TEST(servers_and_several_peers_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
