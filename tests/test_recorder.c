/* SPDX-License-Identifier: MIT */
/*
 * The recording as a file: made once, however many threads need it first; grown without holes;
 * refused without harm when it may not grow; and its incidents, which may be more than fit.
 */
#include "parts.h"
#include "incidents.h"
#include "lives.h"
#include "options.h"
#include "recorder.h"
#include "room.h"
#include "shards.h"
#include "shim.h"
#include "slots.h"
#include "thread.h"
#include "words.h"

#define THREADS 8u

/* Whoever is told that there is one must see one. */
static void need_a_recording(uint32_t who)
{
	(void)who;
	parts_expect(!recorder_ready() || (shim.head->pid == (uint32_t)shim.pid && shim.progress));
}

static void made_once_by_all(void **state)
{
	struct recording r;

	(void)state;
	for (int i = 0; i < 20; i++) {
		parts_start();
		parts_threads(THREADS, need_a_recording);
		assert_true(recorder_ready());
		assert_int_equal(shim.summary->made, 1);
		r = parts_load();
		assert_int_equal(r.header->file_bytes % REC_UNIT, 0);
		assert_int_equal(r.nr_damaged, 0);
		recording_release(&r);
		parts_stop();
	}
}

/* ---- growth ---- */

#define CHUNKS 300u

static void grow(uint32_t who)
{
	uint32_t first = who * CHUNKS * REC_LIVES_PER_CHUNK;

	for (uint32_t i = 0; i < CHUNKS; i++) {
		int fd = (int)(first + i * REC_LIVES_PER_CHUNK);
		struct birth birth = {REC_CALL_SOCKET, 2, SOCK_STREAM, (int)who, 0};

		parts_expect(life_born(fd, &birth, parts_call(who, 0)).life);
	}
}

/* Every chunk is there once, and none overlaps another: the loader finds each life in its place. */
static void growth_by_many_threads(void **state)
{
	struct recording r;
	uint32_t found = 0;

	(void)state;
	parts_start_made();
	parts_threads(THREADS, grow);
	r = parts_load();
	assert_int_equal(r.nr_damaged, 0);
	for (size_t i = 0; i < r.nr_lives; i++) {
		const struct whole_life *l = r.lives[i].life;

		if (!(l->seq & 1))
			continue;
		assert_int_equal((uint32_t)r.lives[i].fd / REC_LIVES_PER_CHUNK / CHUNKS,
				 l->protocol);
		found++;
	}
	assert_int_equal(found, THREADS * CHUNKS);
	assert_int_equal(r.header->lost_lives, 0);
	assert_true(r.header->file_bytes < 3ull * THREADS * CHUNKS * REC_UNIT);
	recording_release(&r);
	parts_stop();
}

/* Two threads in the same new chunk: one of the two that were made is used, by both. */
static void same_chunk(uint32_t who)
{
	for (uint32_t i = 0; i < CHUNKS; i++) {
		int fd = (int)(i * REC_LIVES_PER_CHUNK + who);
		struct birth birth = {REC_CALL_SOCKET, 2, SOCK_STREAM, (int)who, 0};

		parts_expect(life_born(fd, &birth, parts_call(who, 0)).life == life_slot(fd));
	}
}

static void one_chunk_for_its_numbers(void **state)
{
	uint8_t seen[CHUNKS * REC_LIVES_PER_CHUNK] = {0};
	struct recording r;

	(void)state;
	parts_start_made();
	parts_threads(THREADS, same_chunk);
	r = parts_load();
	for (size_t i = 0; i < r.nr_lives; i++) {
		assert_in_range(r.lives[i].fd, 0, sizeof(seen) - 1);
		assert_int_equal(seen[r.lives[i].fd]++, 0);
	}
	assert_int_equal(r.header->births, THREADS * CHUNKS);
	recording_release(&r);
	parts_stop();
}

/* ---- limits ---- */

static void grow_until_full(uint32_t who)
{
	uint32_t first = who * CHUNKS * REC_LIVES_PER_CHUNK;

	for (uint32_t i = 0; i < CHUNKS; i++)
		life_born((int)(first + i * REC_LIVES_PER_CHUNK),
			  &(struct birth){REC_CALL_SOCKET, 2, SOCK_STREAM, (int)who, 0},
			  parts_call(who, 0));
}

static void no_larger_than_allowed(void **state)
{
	struct recording r;
	struct stat st;

	(void)state;
	parts_start();
	options.max_size = 2u << 20;
	assert_true(recorder_ready());
	parts_threads(THREADS, grow_until_full);
	assert_int_equal(stat(shim.path, &st), 0);
	assert_true(st.st_size <= 2 << 20);
	r = parts_load();
	assert_int_equal(r.nr_damaged, 0);
	assert_true(r.header->lost_lives > 0);
	assert_int_equal(r.header->births + r.header->lost_lives, THREADS * CHUNKS);
	assert_int_equal(r.header->grow_errno, EFBIG);
	assert_true(r.header->births > 100); /* and of 128 units most are used */
	recording_release(&r);
	parts_stop();
}

static bool grows(void)
{
	return room_chunk(REC_CHUNK_LIVES, 1, 0, 0, 1) != NULL;
}

/* A full disk is not asked at each birth, and asked again after a while. */
static void a_refusal_holds_for_a_while(void **state)
{
	bool held = false;

	(void)state;
	parts_start();
	assert_true(recorder_ready());
	for (int i = 0; i < 50 && !held;
	     i++) { /* where the machine is busy the while is soon over */
		options.max_size = shim.head->file_bytes;
		while (grows())
			;
		options.max_size += REC_UNIT;
		held = !grows();
	}
	assert_true(held);
	usleep(150000);
	assert_true(grows());
	parts_stop();
}

static void not_made_where_not_allowed(void **state)
{
	(void)state;
	parts_start();
	options.max_size = 4096;
	assert_false(recorder_ready());
	assert_null(life_born(3, &(struct birth){.call = REC_CALL_SOCKET}, parts_call(1, 1)).life);
	assert_int_equal(shim.head->lost_lives, 1);
	assert_int_equal(shim.summary->failed_errno, EFBIG);
	assert_int_equal(access(shim.path, F_OK), -1);
	parts_stop();
}

/* Batches grow by half of what there is, and there is a limit to their number. */
static void all_room_is_used(void **state)
{
	struct recording r;

	(void)state;
	parts_start();
	options.max_size = 1020 * REC_UNIT;
	for (uint32_t i = 0; i < 1100 / CHUNKS + 1; i++)
		grow_until_full(i);
	r = parts_load();
	assert_int_equal(r.nr_damaged, 0);
	assert_int_equal(r.header->births + r.header->lost_lives, (1100 / CHUNKS + 1) * CHUNKS);
	assert_true(r.header->lost_lives > 0);
	assert_int_equal(r.header->file_bytes, options.max_size);
	recording_release(&r);
	parts_stop();
}

/* ---- incidents ---- */

static void have_incidents(uint32_t who)
{
	for (int i = 0; i < 100; i++)
		incident_exhausted((int)(thread_tid() % 10000), REC_CALL_ACCEPT, (int)who,
				   parts_call(who, (uint32_t)i));
}

static void have_one_again(uint32_t who)
{
	for (int i = 0; i < 100; i++)
		incident_exhausted(-1, REC_CALL_SOCKET, EMFILE, parts_call(who, 5));
}

/* Only the race for the first entry may make two of one. */
static void those_alike_are_counted(void **state)
{
	struct recording r;
	uint64_t nr = 0;

	(void)state;
	parts_start_made();
	for (uint32_t who = 0; who < THREADS; who++)
		have_one_again(who);
	r = parts_load();
	assert_int_equal(r.nr_incidents, THREADS);
	for (size_t i = 0; i < r.nr_incidents; i++) {
		assert_int_equal(r.incidents[i]->again, 99);
		assert_true(r.incidents[i]->last_ns > r.incidents[i]->ns);
	}
	recording_release(&r);
	parts_stop();
	parts_start_made();
	parts_threads(THREADS, have_one_again);
	r = parts_load();
	assert_in_range(r.nr_incidents, THREADS, REC_INCIDENTS_NR);
	for (size_t i = 0; i < r.nr_incidents; i++)
		nr += 1 + r.incidents[i]->again;
	assert_int_equal(nr, 100 * THREADS);
	recording_release(&r);
	parts_stop();
}

static void the_first_incidents_are_kept(void **state)
{
	struct recording r;

	(void)state;
	parts_start_made();
	parts_threads(THREADS, have_incidents);
	r = parts_load();
	assert_int_equal(r.nr_incidents, REC_INCIDENTS_NR);
	assert_int_equal(r.header->nr_incidents, 100 * THREADS);
	assert_int_equal(r.header->lost_incidents, 100 * THREADS - REC_INCIDENTS_NR);
	for (size_t i = 0; i < r.nr_incidents; i++) {
		const struct rec_incident *in = r.incidents[i];

		assert_int_equal(in->tid, parts_tids[in->error]);
		assert_int_equal(in->fd, in->tid % 10000);
		assert_true(recording_site(&r, in->site) &&
			    parts_site_is(recording_site(&r, in->site), in->error,
					  (uint32_t)(recording_site(&r, in->site)->pc[0] - 0x1000) /
						  16));
	}
	recording_release(&r);
	parts_stop();
}

/* ---- the kernel's facts ---- */

/* Every birth asks about everybody's sockets, while their owners close and reopen them. */
static void open_real_sockets(uint32_t who)
{
	uint32_t undo;

	for (int i = 0; i < 300; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct at at = parts_call(who, 1);
		struct life_ref ref;

		parts_expect(fd >= 0);
		ref = life_born(fd, &(struct birth){REC_CALL_SOCKET, AF_INET, SOCK_STREAM, 0, 0},
				at);
		parts_expect(life_is(ref));
		word_set(&ref.life->touch_ns, 1); /* idle for long */
		word_set(&shim.next_refresh_ns, 0);
		parts_expect(life_die(fd, at, &undo));
		close(fd);
	}
}

static void facts_are_asked_while_all_moves(void **state)
{
	(void)state;
	parts_start_made();
	parts_threads(THREADS, open_real_sockets);
	assert_int_equal(shards_total(shim.head).births, THREADS * 300);
	assert_int_equal(shards_total(shim.head).deaths, THREADS * 300);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_once_by_all),
		cmocka_unit_test(growth_by_many_threads),
		cmocka_unit_test(one_chunk_for_its_numbers),
		cmocka_unit_test(no_larger_than_allowed),
		cmocka_unit_test(a_refusal_holds_for_a_while),
		cmocka_unit_test(not_made_where_not_allowed),
		cmocka_unit_test(all_room_is_used),
		cmocka_unit_test(the_first_incidents_are_kept),
		cmocka_unit_test(those_alike_are_counted),
		cmocka_unit_test(facts_are_asked_while_all_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
