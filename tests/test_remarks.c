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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(uses_of_one_place_are_one_remark), TEST(holders_are_named),
		TEST(of_enfile_no_rest_is_known),	TEST(nonsense_is_bounded),
		TEST(a_holder_alone_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
