/* SPDX-License-Identifier: MIT */
/* The rules beside close-wait and descriptor-leak: what each says, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "judging.h"

/* ---- shutdown-not-closed ----------------------------------------------------------------- */

static struct rec_life *shut_down(struct fixture *x, int fd, double born, uint8_t tcp_state)
{
	struct rec_life *l = forge_accepted(x->forge, fd, x->site, born);

	forge_facts(l, tcp_state, 0);
	l->flags |= REC_LIFE_SHUT_WR;
	l->shut_ns = l->touch_ns = FORGE_S(born + 1);
	return l;
}

static void what_was_shut_down_is_not_closed(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 10, TCP_CLOSE);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "shutdown-not-closed", PROOF_THREAD_MOVED_ON);
	assert_true(find(x, 5)->judged.verdict.which->informed);
}

static void a_shutdown_and_an_eof_count_without_the_kernel(void **state)
{
	struct fixture *x = *state;
	struct rec_life *l = shut_down(x, 5, 10, TCP_CLOSE);

	forge_eof(l, 20);
	shut_down(x, 6, 30, TCP_CLOSE)->flags &= ~(uint32_t)REC_LIFE_FACTS;
	l->flags &= ~(uint32_t)REC_LIFE_FACTS;
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "shutdown-not-closed", PROOF_THREAD_MOVED_ON);
	expect_open(x, 6, OPEN_IN_USE);
}

static void a_shutdown_within_the_grace_is_open(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 998.5, TCP_CLOSE);
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
}

static void a_shutdown_without_proof_is_open(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 10, TCP_CLOSE);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void a_reset_after_shutdown_is_a_descriptor_leak(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 10, TCP_CLOSE)->flags |= REC_LIFE_RESET;
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "descriptor-leak", PROOF_THREAD_MOVED_ON);
}

/* ---- half-close-stuck -------------------------------------------------------------------- */

static const char *kind_of(struct fixture *x, int fd)
{
	const struct finding *f = find(x, fd);

	return f->judged.verdict.which ? f->judged.verdict.which->name : NULL;
}

static void a_half_closed_socket_that_nobody_waits_on_is_stuck(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 10, TCP_FIN_WAIT2);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "half-close-stuck", PROOF_THREAD_MOVED_ON);
	assert_string_equal(kind_of(x, 5), "not-awaited");
	assert_int_equal(find(x, 5)->judged.verdict.since_ns, FORGE_S(11));
}

static void a_half_closed_socket_needs_proof(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 10, TCP_FIN_WAIT2);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void a_half_closed_socket_has_a_second(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 998.5, TCP_FIN_WAIT2);
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_open(x, 5, OPEN_CLOSING);
}

static struct rec_life *watch(struct rec_life *l)
{
	l->epoll_fd = 4;
	l->epoll_events = EPOLLIN;
	return l;
}

static void a_server_waits_a_minute_for_the_fin(void **state)
{
	struct fixture *x = *state;

	watch(shut_down(x, 5, 930, TCP_FIN_WAIT2));
	watch(shut_down(x, 6, 945, TCP_FIN_WAIT2));
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_fault(x, 5, "half-close-stuck", PROOF_NONE);
	assert_string_equal(kind_of(x, 5), "peer-silent");
	expect_open(x, 6, OPEN_CLOSING);
}

static void a_client_waits_for_its_answer_as_long_as_it_likes(void **state)
{
	struct fixture *x = *state;
	struct rec_life *l = watch(shut_down(x, 5, 10, TCP_FIN_WAIT2));

	l->flags = (l->flags & ~(uint32_t)REC_LIFE_ACCEPTED) | REC_LIFE_CONNECTED;
	l = shut_down(x, 6, 10, TCP_FIN_WAIT2);
	l->flags = (l->flags & ~(uint32_t)REC_LIFE_ACCEPTED) | REC_LIFE_CONNECTED;
	served_at(x, 1, 10);
	judge_all(x);
	expect_open(x, 5, OPEN_CLOSING);
	expect_open(x, 6, OPEN_ONE_SHOT);
}

/* A FIN that is still on its way is the kernel's business: it will time out. */
static void other_states_are_not_stuck(void **state)
{
	struct fixture *x = *state;

	shut_down(x, 5, 10, TCP_FIN_WAIT1);
	shut_down(x, 6, 10, TCP_LAST_ACK);
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_CLOSING);
	expect_open(x, 6, OPEN_CLOSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_shut_down_is_not_closed),
		TEST(a_shutdown_and_an_eof_count_without_the_kernel),
		TEST(a_shutdown_within_the_grace_is_open),
		TEST(a_shutdown_without_proof_is_open),
		TEST(a_reset_after_shutdown_is_a_descriptor_leak),
		TEST(a_half_closed_socket_that_nobody_waits_on_is_stuck),
		TEST(a_half_closed_socket_needs_proof),
		TEST(a_half_closed_socket_has_a_second),
		TEST(a_server_waits_a_minute_for_the_fin),
		TEST(a_client_waits_for_its_answer_as_long_as_it_likes),
		TEST(other_states_are_not_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
