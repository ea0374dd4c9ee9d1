/* SPDX-License-Identifier: MIT */
/*
 * The table of lives while threads open and close the same numbers, as the kernel hands them out:
 * a number has one owner at a time. Meanwhile the command's loader reads the recording, and each
 * life that it is given must be whole: written by one thread, of one generation.
 */
#include <limits.h>

#include "parts.h"
#include "clock.h"
#include "end.h"
#include "facts.h"
#include "inherit.h"
#include "learnt.h"
#include "lives.h"
#include "shards.h"
#include "shim.h"
#include "stack.h"
#include "sys.h"
#include "thread.h"
#include "touch.h"
#include "words.h"

#define NUMBERS 400
#define WHERES	20u
#define ROUNDS	(PARTS_TSAN ? 2000 : 6000)

static uint8_t taken[NUMBERS];
static uint32_t nr_running, nr_threads;
static bool strangers; /* others touch what is not theirs */

/* The kernel's part: the lowest free number, from a place of one's own. */
static int number_take(uint32_t from)
{
	for (uint32_t i = from;; i++) {
		uint8_t *p = &taken[i % NUMBERS];

		if (!word_get(p) && !__atomic_exchange_n(p, 1, __ATOMIC_ACQ_REL))
			return (int)(i % NUMBERS);
	}
}

static void number_close(int fd, struct at at)
{
	uint32_t undo;

	parts_expect(life_die(fd, at, &undo));
	word_set_release(&taken[fd], 0);
}

/* All that is said at a birth follows from who and where. */
static struct life_ref bear(int fd, uint32_t who, uint32_t where)
{
	struct birth birth = {REC_CALL_ACCEPT, (int)who + 1, SOCK_STREAM, (int)where,
			      REC_LIFE_ACCEPTED};
	struct life_ref ref = life_born(fd, &birth, parts_call(who, where));

	parts_expect(life_is(ref) && life_find(fd).seq == ref.seq);
	return ref;
}

static void use(struct life_ref ref, uint32_t who, uint32_t where)
{
	struct at at = parts_call(who, where);

	life_wrote(ref, life_touch(ref, REC_CALL_RECV, at));
	if (where % 3 == 0)
		life_eof(ref, at);
	if (where % 5 == 0)
		life_error(ref, ECONNRESET, at);
	if (where % 7 == 0)
		life_shut(ref, SHUT_WR, at);
	parts_expect(life_is(ref) && (strangers || word_get(&ref.life->touch_tid) == thread_tid()));
}

/* With one number more for a while. The first of them closed is now this one, now that. */
static void duplicate(struct life_ref ref, int fd, uint32_t who, uint32_t where)
{
	int to = number_take(who * 31 + where);
	struct at at = parts_call(who, where);

	life_born_by_dup(to, ref, REC_CALL_DUP, at);
	parts_expect(life_find(to).life && life_find(to).life->id == ref.life->id);
	life_touch(ref, REC_CALL_SEND, at);
	number_close(where & 1 ? to : fd, at);
	number_close(where & 1 ? fd : to, at);
}

static void open_and_close(uint32_t who)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t where = i % WHERES;
		int fd = number_take(i % 8 ? who * 6 : i);
		struct life_ref ref = bear(fd, who, where);

		use(ref, who, where);
		if (where % 4 == 0)
			duplicate(ref, fd, who, where);
		else
			number_close(fd, parts_call(who, where));
		parts_expect(!life_is(ref));
	}
	word_add(&nr_running, (uint32_t)-1);
}

static void check_life(const struct recording *r, const struct whole_life *l)
{
	uint32_t who = l->family - 1u;

	if (!(l->seq & 1))
		return;
	parts_expect(who < nr_threads && l->born_tid == parts_tids[who]);
	parts_expect(parts_site_is(recording_site(r, l->site), who, l->protocol));
	parts_expect(l->id && l->born_ns && l->born_by == REC_CALL_ACCEPT);
	parts_expect((l->flags & REC_LIFE_ACCEPTED) && l->type == SOCK_STREAM);
	parts_expect(!l->eof_ns || parts_site_is(recording_site(r, l->eof_site), who, l->protocol));
}

/* Returns the number of open lives. */
static uint32_t check_recording(void)
{
	struct recording r = parts_load();
	uint32_t nr = 0;

	parts_expect(!r.nr_damaged);
	parts_expect(!r.header->lost_lives);
	parts_expect(!r.header->lost_sites);
	for (size_t i = 0; i < r.nr_lives; i++) {
		check_life(&r, r.lives[i].life);
		nr += r.lives[i].life->seq & 1;
	}
	recording_release(&r);
	return nr;
}

/* One more thread reads all the time. */
static void owner_or_reader(uint32_t who)
{
	if (who < nr_threads) {
		open_and_close(who);
		return;
	}
	while (word_get(&nr_running))
		check_recording();
}

/*
 * All that the crowd needs is there before it comes: a thread that has lost its processor while it
 * makes the file grow costs the others a birth after 5 ms, which is counted and no fault.
 */
static void make_room(uint32_t nr)
{
	for (int fd = 0; fd < NUMBERS; fd++) {
		taken[fd] = 1;
		bear(fd, 0, 0);
		number_close(fd, parts_call(0, 0));
	}
	for (uint32_t who = 0; who < nr; who++)
		for (uint32_t where = 0; where < WHERES; where++)
			stack_site(parts_call(who, where));
}

static void crowd(uint32_t nr)
{
	uint64_t dups = (uint64_t)nr * (ROUNDS / WHERES) * 5;
	uint64_t births = (uint64_t)nr * ROUNDS + NUMBERS;

	parts_start_made();
	make_room(nr);
	nr_threads = nr_running = nr;
	parts_threads(nr + 1, owner_or_reader);
	assert_int_equal(check_recording(), 0);
	assert_int_equal(shards_total(shim.head).births, births);
	assert_int_equal(shards_total(shim.head).deaths, births + dups);
	assert_true(shim.next_id > births);
	parts_stop();
}

static void eight_threads_and_a_reader(void **state)
{
	(void)state;
	crowd(8);
}

static void sixty_threads_and_a_reader(void **state)
{
	(void)state;
	if (PARTS_TSAN)
		skip(); /* too slow there, and nothing new to it */
	crowd(60);
}

/* ---- calls that outlast their socket ---- */

/* Two threads more use what others may close and bear anew at any time. */
static void owner_or_stranger(uint32_t who)
{
	if (who < nr_threads) {
		open_and_close(who);
		return;
	}
	for (uint32_t i = 0; word_get(&nr_running); i++) {
		struct life_ref ref = life_find((int)(i * 7 % NUMBERS));

		if (ref.life) {
			life_wrote(ref,
				   life_touch(ref, REC_CALL_READ, parts_call(who, i % WHERES)));
			life_flag(ref, REC_LIFE_TOLD);
		}
		if (i % 100 == 0)
			check_recording();
	}
}

static void strangers_do_not_tear_a_birth(void **state)
{
	(void)state;
	parts_start_made();
	make_room(8);
	strangers = true;
	nr_threads = nr_running = 6;
	parts_threads(8, owner_or_stranger);
	strangers = false;
	assert_int_equal(check_recording(), 0);
	assert_int_equal(shards_total(shim.head).births, 6 * ROUNDS + NUMBERS);
	parts_stop();
}

/* What is learnt of a socket while it is duplicated, or while a sibling closes, is not lost. */
static struct life_ref shared;

static void flag_or_duplicate(uint32_t who)
{
	struct at at = parts_call(who, 1);
	uint32_t undo;

	for (uint32_t i = 0; who == 0 && i < 10 * ROUNDS; i++) {
		life_born_by_dup(2, shared, REC_CALL_DUP, at);
		life_die(2, at, &undo);
	}
	if (who == 0)
		word_set(&nr_running, 0);
	for (uint32_t bit = 1u << 24; word_get(&nr_running); bit = bit << 1 ? bit << 1 : 1u << 24) {
		life_flag(shared, bit);
		parts_expect(word_get(&shared.life->flags) & bit);
		__atomic_fetch_and(&shared.life->flags, ~bit, __ATOMIC_RELAXED);
	}
}

static void no_flag_is_lost(void **state)
{
	(void)state;
	parts_start_made();
	shared = bear(1, 0, 1);
	nr_running = 1;
	parts_threads(2, flag_or_duplicate);
	parts_stop();
}

/* ---- numbers up to 2^30 ---- */

#define BEYOND ((int)(LIVES_L1 * LIVES_L2 * REC_LIVES_PER_CHUNK))

static uint64_t cpu_ms(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000;
}

static void refused(int fd)
{
	uint64_t lost = shim.head->lost_lives;
	struct life_ref ref =
		life_born(fd, &(struct birth){.call = REC_CALL_SOCKET}, parts_call(1, 1));
	uint32_t undo;

	assert_null(ref.life);
	assert_int_equal(shim.head->lost_lives, lost + 1);
	assert_null(life_find(fd).life);
	assert_false(life_die(fd, parts_call(1, 1), &undo));
}

static void the_highest_numbers_have_their_slots(void **state)
{
	static const int fds[] = {0, 64, 65, 1 << 20, (1 << 30) - 1, BEYOND - 1};
	struct recording r;
	uint32_t found = 0;

	(void)state;
	assert_true(BEYOND > 1 << 30);
	parts_start_made();
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		bear(fds[i], 1, (uint32_t)i);
	refused(BEYOND);
	refused(INT_MAX);
	refused(-1);
	refused(INT_MIN);
	r = parts_load();
	for (size_t i = 0; i < r.nr_lives; i++)
		if (r.lives[i].life->seq & 1)
			assert_int_equal(r.lives[i].fd, fds[r.lives[i].life->protocol]), found++;
	assert_int_equal(found, sizeof(fds) / sizeof(fds[0]));
	assert_true(r.header->file_bytes < 64 * REC_UNIT);
	recording_release(&r);
	parts_stop();
}

/* A second table of pointers per million numbers, and no more: not 2^30 of anything. */
static void memory_follows_the_numbers_in_use(void **state)
{
	uint32_t tables = 0;

	(void)state;
	parts_start_made();
	bear((1 << 30) - 1, 1, 1);
	for (int i = 0; i < 500; i++)
		bear(i << 20, 1, 1);
	for (uint32_t i = 0; i < LIVES_L1; i++)
		tables += shim.lives[i] != NULL;
	assert_in_range(tables, 300, 502);
	assert_in_range(shim.head->file_bytes, 500 * REC_UNIT, 1000 * REC_UNIT);
	parts_stop();
}

/* Whoever goes through the table must not go through the numbers: it would take seconds. */
static void walks_do_not_cross_the_gaps(void **state)
{
	uint64_t before;

	(void)state;
	parts_start_made();
	bear((1 << 30) - 1, 1, 1);
	bear(1 << 29, 1, 1);
	before = cpu_ms();
	for (int i = 0; i < 10; i++) {
		struct snapshot s = lives_snapshot();

		assert_int_equal(s.bytes, 2 * REC_UNIT);
		sys_munmap(s.mem, s.bytes);
	}
	assert_true(cpu_ms() - before < 500);
	end_record(REC_END_RETURN, 0);
	assert_true(cpu_ms() - before < 500);
	shim.next_refresh_ns = 0;
	facts_refresh(now_ns());
	assert_true(cpu_ms() - before < 500);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_threads_and_a_reader),
		cmocka_unit_test(sixty_threads_and_a_reader),
		cmocka_unit_test(strangers_do_not_tear_a_birth),
		cmocka_unit_test(no_flag_is_lost),
		cmocka_unit_test(the_highest_numbers_have_their_slots),
		cmocka_unit_test(memory_follows_the_numbers_in_use),
		cmocka_unit_test(walks_do_not_cross_the_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
