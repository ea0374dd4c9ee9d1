/* SPDX-License-Identifier: MIT */
/*
 * Threads that work on different descriptors write no cache line in common, and what they count
 * apart adds up. The threads take turns; after each turn all that the shim can write is compared
 * with what it was before.
 */
#include "parts.h"
#include "clock.h"
#include "learnt.h"
#include "lives.h"
#include "shards.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "thread.h"
#include "touch.h"
#include "waits.h"
#include "words.h"

#include <sys/socket.h>

#define LINE	 64u
#define WARM	 100u /* lives until a thread has all that is its own */
#define MEASURED 4u

/* ---- all memory that threads may share ---- */

struct area {
	uint8_t *from;
	size_t bytes;
	uint8_t *before;
	uint16_t *writer; /* of each line; 0: nobody */
};

static struct area *areas; /* not the data themselves: they are in the heap */
static uint32_t nr_areas;

static void area_add(uintptr_t from, uintptr_t to)
{
	struct area *a = &areas[nr_areas++];

	assert_true(nr_areas <= 64);
	a->from = (uint8_t *)from;
	a->bytes = to - from;
	a->before = test_malloc(a->bytes);
	a->writer = test_calloc(a->bytes / LINE, sizeof(*a->writer));
}

/* What the program has in its data, and the recording. */
static void areas_find(void)
{
	static char text[65536];
	char exe[300], *line, *rest;
	uintptr_t end = 0;
	long n = sys_readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	bool in_exe = false;

	assert_true(n > 0);
	exe[n] = '\0';
	areas = test_calloc(64, sizeof(*areas));
	nr_areas = 0;
	n = text_read_file("/proc/self/maps", text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uintptr_t from = strtoul(line, &line, 16), to = strtoul(line + 1, &line, 16);
		const char *path = strchr(line, '/');

		/* What lies right behind its data and has no name is zeroed data of the same. */
		in_exe = path ? !strcmp(path, exe) : in_exe && from == end && !strchr(line, '[');
		end = to;
		if (line[2] == 'w' && (in_exe || (path && !strcmp(path, shim.path))))
			area_add(from, to);
	}
	assert_true(nr_areas >= 2);
}

static void areas_release(void)
{
	for (uint32_t i = 0; i < nr_areas; i++) {
		test_free(areas[i].before);
		test_free(areas[i].writer);
	}
	test_free(areas);
}

/*
 * Between the variables lie AddressSanitizer's own bytes; ThreadSanitizer sees what other threads
 * have written: neither is to watch who looks at all memory. areas begin and end at lines.
 */
#define UNWATCHED __attribute__((no_sanitize_address, no_sanitize_thread, noinline))

UNWATCHED static void copy_unwatched(unsigned char *to, const unsigned char *from, size_t bytes)
{
	const volatile uint64_t *word = (const volatile uint64_t *)(const void *)from;
	uint64_t *copy = (uint64_t *)(void *)to;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		copy[i] = word[i];
}

UNWATCHED static bool is_same_unwatched(const unsigned char *a, const unsigned char *b,
					size_t bytes)
{
	const volatile uint64_t *x = (const volatile uint64_t *)(const void *)a;
	const volatile uint64_t *y = (const volatile uint64_t *)(const void *)b;

	for (size_t i = 0; i < bytes / sizeof(*x); i++)
		if (x[i] != y[i])
			return false;
	return true;
}

static void turn_begins(void)
{
	for (uint32_t i = 0; i < nr_areas; i++)
		copy_unwatched(areas[i].before, areas[i].from, areas[i].bytes);
}

/* Returns how many lines `who` has written that somebody else had written before. */
static uint32_t lines_shared(const struct area *a, uint32_t who)
{
	uint32_t nr = 0;

	for (size_t at = 0; at + LINE <= a->bytes; at += LINE) {
		uint16_t *writer = &a->writer[at / LINE];

		if (is_same_unwatched(a->before + at, a->from + at, LINE))
			continue;
		if (*writer && *writer != who + 1) {
			print_message("thread %u writes %p, as thread %u did\n", who,
				      (void *)(a->from + at), *writer - 1);
			nr++;
		}
		*writer = (uint16_t)(who + 1);
	}
	return nr;
}

/* ---- the threads ---- */

struct turns {
	uint32_t whose; /* 0: nobody's; thread number + 1 */
	bool over;
};

static struct turns *turns; /* in the heap as well */

/* Past the gate, where one who sleeps leaves a mark. */
static void pause_a_little(void)
{
	const struct timespec ts = {0, 1000};

	sys_raw(SYS_nanosleep, (long)&ts, 0, 0, 0, 0, 0);
}

static void one_life(uint32_t who)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};
	int fd = 3 + (int)who;
	struct life_ref ref = life_born(fd, &birth, parts_call(0, 1));
	uint32_t undo;

	parts_expect(life_is(ref));
	in_call_begin(&ref.life->reader_tid);
	in_call_end(&ref.life->reader_tid);
	life_wrote(ref, life_touch(ref, REC_CALL_SEND, parts_call(0, 2)));
	life_touch(ref, REC_CALL_RECV, parts_call(0, 3));
	life_eof(ref, parts_call(0, 3));
	word_set(&ref.life->poller_tid, thread_tid());
	word_set(&ref.life->polled_ns, now_ns());
	life_shut(ref, SHUT_WR, parts_call(0, 5));
	word_set(&ref.life->eof_ns, now_ns() - (who % 2) * 3000000000u); /* some are of note */
	parts_expect(life_die(fd, parts_call(0, 4), &undo));
}

static void live_in_turns(uint32_t who)
{
	for (uint32_t i = 0; i < WARM; i++)
		one_life(who);
	for (;;) {
		if (word_get_acquire(&turns->whose) == who + 1) {
			one_life(who);
			word_set_release(&turns->whose, 0);
		} else if (word_get_acquire(&turns->over)) {
			return;
		}
		pause_a_little();
	}
}

static void *threads_run(void *nr)
{
	parts_threads(*(uint32_t *)nr, live_in_turns);
	return NULL;
}

/* Waits until that thread has warmed up, and has lived one life. */
static void let_live(uint32_t who)
{
	word_set_release(&turns->whose, who + 1);
	while (word_get_acquire(&turns->whose))
		pause_a_little();
}

static void share_nothing(uint32_t nr)
{
	uint32_t shared = 0;
	pthread_t runner;

	parts_start_made();
	turns = test_calloc(1, sizeof(*turns));
	parts_new_thread(&runner, threads_run, &nr);
	for (uint32_t who = 0; who < nr; who++)
		let_live(who);
	areas_find();
	for (uint32_t i = 0; i < MEASURED * nr; i++) {
		turn_begins();
		let_live(i % nr);
		for (uint32_t k = 0; k < nr_areas; k++)
			shared += lines_shared(&areas[k], i % nr);
	}
	word_set_release(&turns->over, true);
	pthread_join(runner, NULL);
	assert_int_equal(shared, 0);
	assert_int_equal(shards_total(shim.head).births, nr * (WARM + 1 + MEASURED));
	assert_int_equal(shards_total(shim.head).deaths, nr * (WARM + 1 + MEASURED));
	areas_release();
	test_free(turns);
	parts_stop();
}

static void two_threads_write_no_line_in_common(void **state)
{
	(void)state;
	share_nothing(2);
}

static void nor_do_sixty_four(void **state)
{
	(void)state;
	if (PARTS_TSAN)
		skip(); /* too slow there, and nothing new to it */
	share_nothing(64);
}

static void what_was_counted_apart_is_added_up(void **state)
{
	uint64_t nr = 0, last = 0;
	struct recording r;

	(void)state;
	parts_start_made();
	parts_threads(64, one_life);
	parts_threads(64, one_life);
	r = parts_load();
	assert_int_equal(r.header->births, 128);
	assert_int_equal(r.header->deaths, 128);
	for (size_t i = 0; i < r.nr_outcomes; i++) {
		nr += r.outcomes[i]->nr;
		last = r.outcomes[i]->shard > last ? r.outcomes[i]->shard : last;
	}
	assert_int_equal(nr, 128);
	assert_true(last < SHARDS_SHARED); /* they came and went: none had one of its own */
	recording_release(&r);
	parts_stop();
}

static void some_lives(uint32_t who)
{
	for (uint32_t i = 0; i < WARM; i++)
		one_life(who);
}

/* Else a server whose threads come and go would have an outcome of each place for each shard. */
static void who_comes_counts_where_one_went(void **state)
{
	struct recording r;
	uint64_t nr = 0;

	(void)state;
	parts_start_made();
	for (uint32_t i = 0; i < 2 * REC_SHARDS; i++)
		parts_threads(1, some_lives);
	r = parts_load();
	for (size_t i = 0; i < r.nr_outcomes; i++)
		nr += r.outcomes[i]->nr;
	assert_int_equal(nr, 2 * REC_SHARDS * WARM);
	assert_in_range(r.nr_outcomes, 1, 100); /* of 64 threads before these, too */
	recording_release(&r);
	parts_stop();
}

/* ---- numbers of sockets ---- */

#define IDS 1000u

static uint64_t ids[PARTS_THREADS][IDS];
static uint64_t checkpoint;
static uint32_t nr_before;

static void take_ids(uint32_t who)
{
	for (uint32_t i = 0; i < IDS; i++) {
		ids[who][i] = id_new();
		if (i == IDS / 2 && who == 0)
			word_set_release(&checkpoint, id_from_now_on());
		if (i == IDS / 2)
			word_add(&nr_before, 1);
		while (i == IDS / 2 && (word_get(&nr_before) < 8 || !word_get_acquire(&checkpoint)))
			pause_a_little();
		parts_expect(i <= IDS / 2 || ids[who][i] >= word_get(&checkpoint));
	}
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void each_socket_has_a_number_of_its_own(void **state)
{
	(void)state;
	parts_start_made();
	checkpoint = nr_before = 0;
	parts_threads(8, take_ids);
	qsort(ids, 8 * (size_t)IDS, sizeof(ids[0][0]), by_number);
	for (uint32_t i = 1; i < 8 * IDS; i++)
		assert_true((&ids[0][0])[i] > (&ids[0][0])[i - 1]);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads_write_no_line_in_common),
		cmocka_unit_test(nor_do_sixty_four),
		cmocka_unit_test(what_was_counted_apart_is_added_up),
		cmocka_unit_test(who_comes_counts_where_one_went),
		cmocka_unit_test(each_socket_has_a_number_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
