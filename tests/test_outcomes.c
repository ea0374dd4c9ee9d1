/* SPDX-License-Identifier: MIT */
/* When a program has begun to end, and what it leaves behind if it tidies up. */
#include "parts.h"
#include "clock.h"
#include "learnt.h"
#include "lives.h"
#include "outcomes.h"
#include "progress.h"
#include "shim.h"
#include "touch.h"
#include "words.h"

#include <sys/epoll.h>

static struct life_ref listener(int fd, uint32_t flags)
{
	struct birth birth = {REC_CALL_SOCKET, AF_INET, SOCK_STREAM, 0, REC_LIFE_LISTENING | flags};

	return life_born(fd, &birth, parts_call(1, 1));
}

static void die(int fd)
{
	uint32_t undo;

	assert_true(life_die(fd, parts_call(1, 2), &undo));
}

static void the_close_of_the_last_listener_begins_the_end(void **state)
{
	(void)state;
	parts_start_made();
	shim.end_began = 0;
	listener(5, 0);
	listener(6, 0);
	die(5);
	assert_false(shim.end_began);
	die(6);
	assert_true(shim.end_began);
	parts_stop();
}

/* A child that serves one connection begins by closing the listener that it got with it. */
static void the_close_of_an_inherited_listener_does_not(void **state)
{
	(void)state;
	parts_start_made();
	shim.end_began = 0;
	listener(5, REC_LIFE_INHERITED);
	shim.start_ns = now_ns();
	die(5);
	assert_false(shim.end_began);
	parts_stop();
}

static void that_of_one_that_was_accepted_from_does(void **state)
{
	struct life_ref ref;

	(void)state;
	parts_start_made();
	shim.end_began = 0;
	ref = listener(5, REC_LIFE_INHERITED);
	shim.start_ns = now_ns();
	life_accepted_from(ref, now_ns());
	assert_false(ref.life->flags & REC_LIFE_TOUCHED);
	die(5);
	assert_true(shim.end_began);
	parts_stop();
}

/* Closed so long after the EOF, and before or after the end had begun. */
static void serve(int fd, uint64_t dwell_ns, bool at_end)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};
	struct life_ref ref = life_born(fd, &birth, parts_call(1, 3));

	life_eof(ref, parts_call(1, 3));
	word_set(&ref.life->eof_ns, now_ns() - dwell_ns);
	shim.end_began = at_end ? END_EXITS : END_NOT_YET;
	die(fd);
}

static void what_was_swept_up_late_is_kept_in_mind(void **state)
{
	(void)state;
	parts_start_made();
	shim.notable = 0;
	serve(5, 900000000u, true);
	assert_false(shim.notable);
	serve(5, 5000000000u, true);
	assert_true(shim.notable);
	parts_stop();
	shim.end_began = shim.notable = 0;
}

/* ---- what a child inherited ---- */

/* Its parent read the EOF 5 s ago; here it is closed, used or not. */
static uint64_t inherited_dwell(bool used)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET, SOCK_STREAM, 0,
			      REC_LIFE_ACCEPTED | REC_LIFE_INHERITED};
	uint64_t dwell = 0;
	struct life_ref ref;

	parts_start_made();
	shim.end_began = shim.notable = 0;
	ref = life_born(5, &birth, parts_call(1, 3));
	life_eof(ref, parts_call(1, 3));
	word_set(&ref.life->eof_ns, now_ns() - 5000000000u);
	if (used)
		life_touch(ref, REC_CALL_READ, parts_call(1, 3));
	die(5);
	for (uint32_t i = 0; shim.outcomes[0] && i < REC_OUTCOMES_NR; i++)
		dwell += shim.outcomes[0][i].dwell_max_ns;
	parts_stop();
	return dwell;
}

static void what_a_child_serves_is_closed_there(void **state)
{
	(void)state;
	assert_true(inherited_dwell(true) >= 5000000000u);
}

/* Or what the parent has forgotten would look as if it were closed like that elsewhere. */
static void what_a_child_only_tidies_away_is_not(void **state)
{
	(void)state;
	assert_int_equal(inherited_dwell(false), 0);
	assert_false(shim.notable);
}

/* ---- a signal that the program catches ---- */

static struct life_ref client(int fd)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};

	return life_born(fd, &birth, parts_call(1, 3));
}

static void who_opens_sockets_long_after_a_signal_goes_on(void **state)
{
	(void)state;
	parts_start_made();
	shim.end_began = 0;
	outcome_signalled();
	assert_int_equal(shim.head->stop_ns, shim.end_began_ns);
	assert_int_equal(shim.end_began, END_SIGNALLED);
	client(5);
	assert_int_equal(shim.end_began, END_SIGNALLED);
	shim.end_began_ns -= 1100000000u;
	client(6);
	assert_int_equal(shim.end_began, END_NOT_YET);
	assert_int_equal(shim.head->stop_ns, 0);
	parts_stop();
}

static const struct rec_outcome *only_outcome(void)
{
	const struct rec_outcome *found = NULL;

	for (uint32_t i = 0; i < REC_OUTCOMES_NR; i++)
		if (shim.outcomes[0][i].birth_site)
			found = &shim.outcomes[0][i];
	return found;
}

/* Its EOF came 5 s ago; then the program was told to end, and closes it. */
static struct life_ref left_one(void)
{
	struct life_ref ref;

	parts_start_made();
	shim.end_began = 0;
	ref = client(5);
	life_touch(ref, REC_CALL_READ, parts_call(1, 3));
	life_eof(ref, parts_call(1, 3));
	word_set(&ref.life->eof_ns, now_ns() - 5000000000u);
	return ref;
}

static bool is_said_to_be_left(void)
{
	const struct rec_outcome *o;

	outcome_signalled();
	die(5);
	o = only_outcome();
	assert_non_null(o);
	assert_true(o->flags & REC_OUTCOME_AT_END);
	parts_stop();
	shim.end_began = shim.notable = 0;
	return o->flags & REC_OUTCOME_LEFT;
}

static void serve_a_younger_one(void)
{
	life_touch(client(6), REC_CALL_READ, parts_call(1, 3));
}

static void who_served_younger_ones_left_it(void **state)
{
	(void)state;
	left_one();
	serve_a_younger_one();
	assert_true(is_said_to_be_left());
}

static void who_served_none_since_may_have_been_at_work_on_it(void **state)
{
	(void)state;
	left_one();
	assert_false(is_said_to_be_left());
}

static void what_is_in_a_set_was_not_left(void **state)
{
	struct life_ref ref = left_one();

	(void)state;
	serve_a_younger_one();
	word_set(&ref.life->epoll_fd, 3);
	word_set(&ref.life->epoll_events, EPOLLIN);
	assert_false(is_said_to_be_left());
}

/* Its one-shot event fired, and a thread has, or had, it in hand. */
static bool is_left_after_it_fired(uint32_t handed)
{
	struct life_ref ref = left_one();

	serve_a_younger_one();
	word_set(&ref.life->epoll_fd, 3);
	word_set(&ref.life->epoll_events, EPOLLIN | EPOLLONESHOT);
	life_flag(ref, REC_LIFE_FIRED | handed);
	return is_said_to_be_left();
}

static void nor_was_what_a_busy_thread_was_handed(void **state)
{
	(void)state;
	assert_false(is_left_after_it_fired(REC_LIFE_HANDED));
	assert_true(is_left_after_it_fired(0));
}

static void nor_what_was_taken_out_of_it_a_moment_ago(void **state)
{
	struct life_ref ref = left_one();

	(void)state;
	serve_a_younger_one();
	word_set(&ref.life->polled_ns, now_ns() - 500000000u);
	assert_false(is_said_to_be_left());
}

static void *close_an_older_one(void *arg)
{
	(void)arg;
	die(7);
	return NULL;
}

/* Read by who accepted it, and not yet by those who have closed what was older. */
static void nor_a_request_that_waits_for_a_worker(void **state)
{
	struct life_ref older;
	pthread_t worker;

	(void)state;
	parts_start_made();
	older = client(7);
	life_touch(older, REC_CALL_READ, parts_call(1, 3));
	life_touch(client(5), REC_CALL_READ, parts_call(1, 3));
	serve_a_younger_one();
	parts_new_thread(&worker, close_an_older_one, NULL);
	pthread_join(worker, NULL);
	assert_false(progress_moved_on(life_find(5).life));
	word_set(&life_find(5).life->eof_ns, now_ns());
	assert_true(progress_moved_on(life_find(5).life));
	parts_stop();
}

static void nor_a_half_closed_client_that_was_answered(void **state)
{
	struct life_ref ref = left_one();

	(void)state;
	serve_a_younger_one();
	word_set(&ref.life->write_ns, now_ns());
	assert_false(is_said_to_be_left());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_close_of_the_last_listener_begins_the_end),
		cmocka_unit_test(the_close_of_an_inherited_listener_does_not),
		cmocka_unit_test(that_of_one_that_was_accepted_from_does),
		cmocka_unit_test(what_was_swept_up_late_is_kept_in_mind),
		cmocka_unit_test(what_a_child_serves_is_closed_there),
		cmocka_unit_test(what_a_child_only_tidies_away_is_not),
		cmocka_unit_test(who_opens_sockets_long_after_a_signal_goes_on),
		cmocka_unit_test(who_served_younger_ones_left_it),
		cmocka_unit_test(who_served_none_since_may_have_been_at_work_on_it),
		cmocka_unit_test(what_is_in_a_set_was_not_left),
		cmocka_unit_test(nor_was_what_a_busy_thread_was_handed),
		cmocka_unit_test(nor_what_was_taken_out_of_it_a_moment_ago),
		cmocka_unit_test(nor_a_request_that_waits_for_a_worker),
		cmocka_unit_test(nor_a_half_closed_client_that_was_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
