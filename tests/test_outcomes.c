/* SPDX-License-Identifier: MIT */
/* When a program has begun to end, and what it leaves behind if it tidies up. */
#include "parts.h"

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
	shim.end_began = at_end;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_close_of_the_last_listener_begins_the_end),
		cmocka_unit_test(the_close_of_an_inherited_listener_does_not),
		cmocka_unit_test(that_of_one_that_was_accepted_from_does),
		cmocka_unit_test(what_was_swept_up_late_is_kept_in_mind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
