/* SPDX-License-Identifier: MIT */
/* The time line: in a table that is never full, from the first second to the last. */
#include "parts.h"
#include "learnt.h"
#include "lives.h"
#include "samples.h"
#include "shim.h"
#include "words.h"

#define SECOND UINT64_C(1000000000)

static struct recording r;

static void start(void)
{
	parts_start_made();
	shim.start_ns = shim.head->start_ns = 1000 * SECOND;
	samples_reborn();
}

static uint64_t after(uint64_t seconds)
{
	return shim.start_ns + seconds * SECOND;
}

/* As many were born as seconds have passed: who reads a half sample sees another number. */
static void take_at(uint64_t seconds)
{
	word_set(&shim.head->shards[0].births, seconds);
	samples_take(after(seconds));
}

static void read_line(void)
{
	r = parts_load();
	assert_int_equal(r.nr_damaged, 0);
	for (size_t i = 0; i < r.nr_samples; i++) {
		assert_int_equal(r.samples[i]->ns, after(r.samples[i]->births));
		assert_true(!i || r.samples[i - 1]->ns < r.samples[i]->ns);
	}
}

static void it_spans_the_whole_life(void **state)
{
	uint64_t step;

	(void)state;
	start();
	for (uint64_t s = 0; s <= 5000; s++)
		take_at(s);
	read_line();
	assert_in_range(r.nr_samples, REC_SAMPLES_NR / 2, REC_SAMPLES_NR);
	assert_int_equal(r.samples[0]->births, 1);
	step = r.samples[1]->births - 1;
	assert_int_equal(step & (step - 1), 0);
	for (size_t i = 1; i < r.nr_samples; i++)
		assert_int_equal(r.samples[i]->births, 1 + i * step);
	assert_true(r.samples[r.nr_samples - 1]->births + step > 5000);
	recording_release(&r);
	parts_stop();
}

static void the_end_is_on_it(void **state)
{
	(void)state;
	start();
	for (uint64_t s = 0; s <= 1000; s++)
		take_at(s);
	word_set(&shim.head->shards[0].births, 1001);
	samples_end(after(1001));
	read_line();
	assert_int_equal(r.samples[r.nr_samples - 1]->births, 1001);
	recording_release(&r);
	parts_stop();
}

static void of_a_short_life_there_is_none(void **state)
{
	(void)state;
	start();
	samples_take(after(0) + SECOND / 2);
	samples_end(after(0) + SECOND / 2);
	read_line();
	assert_int_equal(r.nr_samples, 0);
	assert_null(shim.samples);
	recording_release(&r);
	parts_stop();
}

static struct life_ref connection(int fd)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};

	return life_born(fd, &birth, parts_call(1, 1));
}

/* `last` is read, and then the line begins anew. */
static struct rec_sample one_sample(void)
{
	struct rec_sample last;

	samples_reborn();
	samples_end(after(1));
	r = parts_load();
	assert_true(r.nr_samples > 0);
	last = *r.samples[r.nr_samples - 1];
	((struct rec_chunk *)shim.samples)[-1].nr = 0;
	recording_release(&r);
	return last;
}

static void it_counts_those_whose_peer_has_closed(void **state)
{
	struct life_ref one, two, three;
	struct rec_sample s;
	uint32_t undo;

	(void)state;
	start();
	one = connection(5), two = connection(6), three = connection(7);
	life_eof(one, parts_call(1, 2));
	life_eof(two, parts_call(1, 2));
	life_shut(two, SHUT_WR, parts_call(1, 3));	  /* our FIN is sent: LAST_ACK */
	word_set(&life_rest(three)->kernel_tcp_state, 8); /* CLOSE_WAIT */
	life_flag(three, REC_LIFE_FACTS);
	s = one_sample();
	assert_int_equal(s.open, 3);
	assert_int_equal(s.births, 3);
	assert_int_equal(s.fin_seen, 2);
	assert_int_equal(s.close_wait, 1);
	assert_int_equal(s.flags, 0);
	assert_true(life_die(5, parts_call(1, 4), &undo));
	s = one_sample();
	assert_int_equal(s.open, 2);
	assert_int_equal(s.deaths, 1);
	assert_int_equal(s.fin_seen, 1);
	parts_stop();
}

static void of_very_many_some_are_counted(void **state)
{
	struct rec_sample s;

	(void)state;
	start();
	for (int fd = 5; fd < 5 + 8300; fd++)
		connection(fd);
	s = one_sample();
	assert_int_equal(s.open, 8192);
	assert_int_equal(s.flags, REC_SAMPLE_AT_LEAST);
	parts_stop();
}

/* The writer was killed, or is about to go on: some of its words are those of the next one. */
static void nobody_reads_half_a_sample(void **state)
{
	(void)state;
	start();
	take_at(1);
	take_at(2);
	take_at(3);
	word_set(&shim.samples[1].ns, after(2) + 1);
	read_line();
	assert_int_equal(r.nr_samples, 2);
	assert_int_equal(r.samples[1]->births, 3);
	recording_release(&r);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_spans_the_whole_life),
		cmocka_unit_test(the_end_is_on_it),
		cmocka_unit_test(of_a_short_life_there_is_none),
		cmocka_unit_test(it_counts_those_whose_peer_has_closed),
		cmocka_unit_test(of_very_many_some_are_counted),
		cmocka_unit_test(nobody_reads_half_a_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
