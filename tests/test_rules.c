/* SPDX-License-Identifier: MIT */
/*
 * What is a leak and what is not. Each test forges one situation: sockets of one site, second by
 * second; the process ends at second 1000 by SIGTERM, thread 1 serves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "judging.h"

/* ---- close-wait -------------------------------------------------------------------------- */

static void an_established_socket_is_in_use(void **state)
{
	struct fixture *x = *state;

	forge_accepted(x->forge, 5, x->site, 10);
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_IN_USE);
}

static void a_thread_that_moved_on_leaks(void **state)
{
	struct fixture *x = *state;
	const struct finding *f;

	ignored(x, 5, 10);
	unread(x, 6, 30);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 6, "close-wait", PROOF_THREAD_MOVED_ON);
	f = find(x, 5);
	assert_string_equal(f->judged.verdict.which->name, "eof-ignored");
	assert_int_equal(f->judged.verdict.since_ns, FORGE_S(20));
	assert_int_equal(f->judged.verdict.proof.served, 17);
	assert_string_equal(find(x, 6)->judged.verdict.which->name, "eof-unread");
	assert_int_equal(x->f.nr_groups, 2);
}

static void a_fin_is_no_older_than_its_socket(void **state)
{
	struct fixture *x = *state;

	forge_facts(unread(x, 5, 10), TCP_CLOSE_WAIT, FORGE_END - 9.8);
	served_at(x, 1, 500);
	judge_all(x);
	assert_int_equal(find(x, 5)->judged.verdict.since_ns, FORGE_S(10));
}

static void what_is_meant_to_stay_is_open(void **state)
{
	struct fixture *x = *state;

	forge_kept(x->forge, ignored(x, 5, 10), "a pool");
	ignored(x, 6, 20)->flags |= REC_LIFE_KEPT; /* there was no room for the reason */
	ignored(x, 7, 30);
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_KEPT);
	assert_string_equal(find(x, 5)->judged.kept_for, "a pool");
	expect_open(x, 6, OPEN_KEPT);
	assert_null(find(x, 6)->judged.kept_for);
	expect_fault(x, 7, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void without_proof_it_is_open(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10);
	served_at(x, 2, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void older_service_proves_nothing(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 400);
	served_at(x, 1, 300)->newest_touch_seq = 99999;
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void service_before_the_last_touch_proves_nothing(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10)->touch_seq = 99999;
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void the_end_of_its_thread_is_proof(void **state)
{
	struct fixture *x = *state;

	unread(x, 5, 10)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_TOUCHER_ENDED);
}

/* Its last toucher was not asked for since, as when a process is killed. */
static struct whole_life *of_unknown_thread(struct whole_life *l)
{
	l->facts_ns = l->touch_ns - 1;
	return l;
}

static void overtaking_is_proof(void **state)
{
	struct fixture *x = *state;

	of_unknown_thread(ignored(x, 5, 10));
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_OVERTAKEN);
}

/* A worker that answered 2 s before a kill: by then nobody had asked whether it lives. */
static void killed_after_the_last_question_it_is_not_overtaken(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = of_unknown_thread(ignored(x, 5, 10));

	forge_header(x->forge)->end_kind = REC_END_NONE;
	l->facts_ns = FORGE_S(FORGE_END - 3);
	l->touch_ns = FORGE_S(FORGE_END - 2);
	served_at(x, 2, 999.5)->ended_born_ns = FORGE_S(999.5);
	judge_all(x);
	expect_open(x, 5, OPEN_CUSTODY);
}

/* Who is idle is asked about before long: that he was not tells nothing of his thread. */
static void killed_long_after_the_last_touch_it_is(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_NONE;
	of_unknown_thread(ignored(x, 5, 10));
	served_at(x, 2, 999.5)->ended_born_ns = FORGE_S(999.5);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_OVERTAKEN);
}

static void overtaking_a_queued_socket_is_proof(void **state)
{
	struct fixture *x = *state;

	unread(x, 5, 10)->flags &= ~(uint32_t)REC_LIFE_TOUCHED;
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_OVERTAKEN);
}

static void a_busy_worker_is_not_overtaken(void **state)
{
	struct fixture *x = *state;

	unread(x, 5, 10);
	ignored(x, 6, 11);
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_open(x, 5, OPEN_CUSTODY);
	expect_open(x, 6, OPEN_CUSTODY);
}

/* Threads work on while exit() runs: what they touch after the last question is in their hands. */
static void touched_after_the_last_question_it_is_not_overtaken(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = ignored(x, 5, 980);

	forge_header(x->forge)->facts_ns = l->touch_ns + 1;
	l->facts_ns = l->touch_ns - 1;
	served_at(x, 2, 999.8)->ended_born_ns = FORGE_S(999.9);
	judge_all(x);
	expect_open(x, 5, OPEN_CUSTODY);
}

/* Its thread accepted it, nothing since, and has not come to read it: a starved worker. */
static void a_worker_that_has_just_accepted_is_not_overtaken(void **state)
{
	struct fixture *x = *state;

	unread(x, 5, 10)->flags &= ~(uint32_t)REC_LIFE_TOUCHED;
	served_at(x, 1, 10);
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_open(x, 5, OPEN_CUSTODY);
}

static void the_end_of_an_earlier_thread_is_no_proof(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = unread(x, 5, 10);

	l->flags |= REC_LIFE_TOUCHER_ENDED;
	l->facts_ns = FORGE_S(30);
	l->touch_ns = FORGE_S(40);
	served_at(x, 2, 5);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void overtaking_counts_from_the_last_touch(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10)->touch_ns += 1000; /* touched again, by a coarse clock */
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(20.005);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

static void the_time_of_an_eof_is_exact(void **state)
{
	struct fixture *x = *state;

	of_unknown_thread(ignored(x, 5, 10))->touch_ns = FORGE_S(20);
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(20.005);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_OVERTAKEN);
}

static void an_evicted_thread_overtakes_too(void **state)
{
	struct fixture *x = *state;

	of_unknown_thread(ignored(x, 5, 10));
	forge_site_at(x->forge, x->site)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_OVERTAKEN);
}

static void within_the_grace_it_is_open(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = ignored(x, 5, 989.5);

	served_at(x, 1, 999.9);
	l->touch_seq = 0;
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
}

static void who_ends_by_itself_has_no_grace(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	ignored(x, 5, 989.5)->touch_seq = 0;
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* Java catches the signal and exits: what it did in its last moment may have been cut short. */
static void who_exits_for_a_signal_has_grace(void **state)
{
	struct rec_summary sum = {.loaded = 1, .program_pid = 100, .program_end = REC_PROGRAM_TOLD};
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_EXIT;
	free(forge_write_summary(&sum, x->dir));
	ignored(x, 5, 989.5)->touch_seq = 0;
	ignored(x, 6, 10)->touch_seq = 0;
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
	expect_fault(x, 6, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* It caught a SIGTERM at 990, let its workers go, and waited for one that was busy till 1000. */
static void what_comes_after_the_signal_to_stop_is_open(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	forge_header(x->forge)->stop_ns = FORGE_S(990);
	unread(x, 5, 981)->flags |= REC_LIFE_TOUCHER_ENDED;
	ignored(x, 6, 979.5)->flags |= REC_LIFE_TOUCHER_ENDED;
	forge_facts(forge_accepted(x->forge, 7, x->site, 992), TCP_CLOSE, 0);
	served_at(x, 1, 995);
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
	expect_open(x, 6, OPEN_GRACE);
	expect_open(x, 7, OPEN_GRACE);
}

static void what_came_before_it_is_not(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->stop_ns = FORGE_S(990);
	unread(x, 5, 978)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_TOUCHER_ENDED);
}

static void nor_is_it_where_the_program_went_on(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->stop_ns = FORGE_S(500);
	unread(x, 5, 500)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_TOUCHER_ENDED);
}

static void an_eof_not_read_yet_has_grace_at_any_end(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = unread(x, 5, 980);

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	l->kernel_last_ack_ms = 200;
	served_at(x, 1, 999.9);
	l->touch_seq = 0;
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
}

static void a_reset_not_told_yet_has_grace_at_any_end(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l;

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	l = forge_accepted(x->forge, 5, x->site, 999.8);
	forge_facts(l, TCP_CLOSE, 0.1);
	l->touch_seq = 0;
	l = forge_accepted(x->forge, 6, x->site, 990);
	forge_facts(l, TCP_CLOSE, 10);
	l->touch_seq = 0;
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
	expect_fault(x, 6, "descriptor-leak", PROOF_THREAD_MOVED_ON);
}

static void serving_a_half_closed_peer_is_open(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10)->write_ns = FORGE_S(30);
	unread(x, 6, 30)->kernel_unsent = 9;
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_HALF_CLOSED);
	expect_open(x, 6, OPEN_HALF_CLOSED);
}

/* Thread 1 accepts, reads and hands over; thread 2 has closed what was older. */
static struct rec_progress *dispatched(struct fixture *x)
{
	struct rec_progress *closer;

	unread(x, 5, 10)->born_tid = 1;
	served_at(x, 1, 500);
	closer = served_at(x, 2, 5);
	closer->ended = 17;
	closer->ended_born_ns = FORGE_S(5);
	return closer;
}

static void a_request_that_waits_for_a_worker_is_open(void **state)
{
	struct fixture *x = *state;

	dispatched(x);
	judge_all(x);
	expect_open(x, 5, OPEN_QUEUE);
}

static void a_request_that_all_workers_have_passed_is_forgotten(void **state)
{
	struct fixture *x = *state;

	dispatched(x)->ended_born_ns = FORGE_S(500);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void a_queued_socket_is_open(void **state)
{
	struct fixture *x = *state;

	unread(x, 5, 10)->flags &= ~(uint32_t)REC_LIFE_TOUCHED;
	served_at(x, 1, 500);
	served_at(x, 2, 5);
	judge_all(x);
	expect_open(x, 5, OPEN_QUEUE);
}

static void a_parent_that_forgets_leaks(void **state)
{
	struct fixture *x = *state;

	unread(x, 5, 10)->flags &= ~(uint32_t)REC_LIFE_TOUCHED;
	served_at(x, 1, 500)->served = 0;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void our_own_shutdown_makes_no_eof(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = ignored(x, 5, 10);

	l->flags |= REC_LIFE_SHUT_RD;
	l->flags &= ~(uint32_t)REC_LIFE_FACTS;
	l->shut_ns = FORGE_S(15);
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_IN_USE);
}

static void an_eof_tells_where_the_kernel_was_not_asked(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_NONE;
	ignored(x, 5, 10)->flags &= ~(uint32_t)REC_LIFE_FACTS;
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void listeners_and_strangers_are_open(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10)->flags |= REC_LIFE_LISTENING;
	ignored(x, 6, 10)->family = AF_UNIX;
	ignored(x, 7, 10)->type = SOCK_DGRAM;
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_LISTENER);
	expect_open(x, 6, OPEN_NOT_TCP);
	expect_open(x, 7, OPEN_NOT_TCP);
}

/* ---- series ------------------------------------------------------------------------------ */

static void the_last_of_a_series_joins(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10);
	ignored(x, 6, 30);
	ignored(x, 7, 50);
	served_at(x, 1, 50)->newest_touch_seq = 500;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 6, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 7, "close-wait", PROOF_SERIES);
	assert_int_equal(x->f.nr_groups, 1);
	assert_int_equal(x->f.groups[0].nr, 3);
	assert_int_equal(x->f.groups[0].members[0].judged.socket->birth->fd, 5);
}

/* The older one is in the hands of a thread that is still busy with it. */
static void who_is_older_than_the_proven_does_not_join(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10)->touch_tid = 3;
	ignored(x, 6, 30);
	served_at(x, 1, 50);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
	expect_fault(x, 6, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void the_last_within_the_grace_does_not_join(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10);
	ignored(x, 6, 989.8);
	served_at(x, 1, 989.8);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_open(x, 6, OPEN_GRACE);
}

static void who_was_told_nothing_joins_only_its_like(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10);
	unread(x, 6, 50);
	served_at(x, 1, 50)->newest_touch_seq = 500;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_open(x, 6, OPEN_CUSTODY);
}

/* ---- in a FILE ---- */

static struct whole_life *in_a_file(struct whole_life *l)
{
	l->flags |= REC_LIFE_STDIO;
	l->touch_call = REC_CALL_FDOPEN;
	return l;
}

/* Thread 1 accepts and makes the FILEs, others close them: one of those may be at work on it. */
static void a_file_that_was_handed_on_is_open(void **state)
{
	struct fixture *x = *state;

	in_a_file(unread(x, 5, 10));
	in_a_file(unread(x, 6, 10))->flags |= REC_LIFE_TOUCHER_ENDED;
	served_at(x, 1, 500)->ended = 3; /* a few that it turned away */
	served_at(x, 2, 500)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_open(x, 5, OPEN_IN_FILE);
	expect_open(x, 6, OPEN_IN_FILE);
	assert_string_equal(find(x, 5)->judged.verdict.which->name, "eof-unseen");
}

static void a_file_of_the_only_thread_leaks(void **state)
{
	struct fixture *x = *state;

	in_a_file(unread(x, 5, 10));
	served_at(x, 1, 500);
	forge_header(x->forge)->threads = 1;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void a_file_of_a_thread_that_closes_them_leaks(void **state)
{
	struct fixture *x = *state;

	in_a_file(unread(x, 5, 10));
	served_at(x, 1, 500)->ended = 16;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void a_file_of_a_worker_that_ended_leaks(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = in_a_file(unread(x, 5, 10));

	l->touch_tid = 7;
	l->flags |= REC_LIFE_TOUCHER_ENDED;
	served_at(x, 7, 10)->served = 1;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_TOUCHER_ENDED);
}

/* Others of the place leak; but this one's worker may be at it. */
static void a_file_in_the_hands_of_a_worker_joins_no_series(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = in_a_file(unread(x, 5, 10));

	l->touch_tid = 7;
	l->flags |= REC_LIFE_TOUCHER_ENDED;
	in_a_file(unread(x, 6, 20))->touch_tid = 8;
	served_at(x, 8, 20)->served = 1;
	served_at(x, 9, 500)->ended_born_ns = FORGE_S(400);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_TOUCHER_ENDED);
	expect_open(x, 6, OPEN_CUSTODY);
}

static void a_proven_unread_eof_is_known_in_a_file_too(void **state)
{
	struct fixture *x = *state;

	in_a_file(unread(x, 5, 10))->kernel_eof_unread = 1;
	judge_all(x);
	assert_string_equal(find(x, 5)->judged.verdict.which->name, "eof-unread");
}

/* ---- clients ----------------------------------------------------------------------------- */

static struct whole_life *client(struct fixture *x, int fd, double born)
{
	struct whole_life *l = ignored(x, fd, born);

	l->flags &= ~(uint32_t)REC_LIFE_ACCEPTED;
	l->flags |= REC_LIFE_CONNECTED;
	l->born_by = REC_CALL_SOCKET;
	return l;
}

static void a_client_that_was_replaced_leaks(void **state)
{
	struct fixture *x = *state;

	client(x, 5, 10);
	served_at(x, 1, 30);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_REPLACED);
}

static void a_pooled_client_is_parked(void **state)
{
	struct fixture *x = *state;

	client(x, 5, 10);
	served_at(x, 1, 15)->newest_touch_seq = 99999;
	judge_all(x);
	expect_open(x, 5, OPEN_PARKED);
}

/* Its thread may still be at work on what it read; the younger one is another thread's. */
static void a_client_in_a_file_is_not_replaced_by_another_thread(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = in_a_file(client(x, 5, 10));

	l->flags &= ~(uint32_t)REC_LIFE_EOF;
	l->eof_ns = 0;
	served_at(x, 1, 10)->ended = 17;
	served_at(x, 2, 30);
	judge_all(x);
	expect_open(x, 5, OPEN_IN_FILE);
}

static void a_client_in_a_file_that_its_thread_replaced_leaks(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = in_a_file(client(x, 5, 10));

	l->flags &= ~(uint32_t)REC_LIFE_EOF;
	l->eof_ns = 0;
	served_at(x, 1, 30)->ended = 17;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_REPLACED);
}

/* The younger one may be of the other peer's pool. */
static void a_client_of_one_peer_of_several_is_parked(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = client(x, 5, 10);

	l->flags &= ~(uint32_t)REC_LIFE_EOF;
	client(x, 6, 11);
	served_at(x, 1, 30);
	forge_site_at(x->forge, x->site)->peer = REC_SITE_SEVERAL_PEERS;
	judge_all(x);
	expect_open(x, 5, OPEN_PARKED);
	expect_fault(x, 6, "close-wait", PROOF_REPLACED);
}

static void the_last_of_an_idle_worker_joins_its_like(void **state)
{
	struct fixture *x = *state;

	ignored(x, 5, 10);
	ignored(x, 6, 12)->touch_tid = 2;
	served_at(x, 1, 500);
	served_at(x, 3, 500)->ended_born_ns = FORGE_S(400);
	ignored(x, 7, 14);
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 7, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 6, "close-wait", PROOF_SERIES);
}

/* Nobody had the time to overtake it, but it is the last that its worker had in hand. */
static void the_last_of_a_worker_joins_though_not_overtaken(void **state)
{
	struct fixture *x = *state;

	ignored(x, 6, 12)->touch_tid = 2;
	served_at(x, 2, 12);
	ignored(x, 7, 14);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 7, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 6, "close-wait", PROOF_SERIES);
}

static void a_one_shot_client_is_open(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	client(x, 5, 10)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_open(x, 5, OPEN_ONE_SHOT);
}

/* A data base has hung up on its idle client, which does not know yet. */
static void the_only_one_of_a_pool_is_parked(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = client(x, 5, 10);

	l->flags &= ~(uint32_t)REC_LIFE_EOF;
	l->eof_ns = 0;
	judge_all(x);
	expect_open(x, 5, OPEN_PARKED);
}

/* ---- descriptor-leak --------------------------------------------------------------------- */

static void what_tcp_forgot_is_a_descriptor_leak(void **state)
{
	struct fixture *x = *state;

	forge_facts(forge_accepted(x->forge, 5, x->site, 10), TCP_CLOSE, 0);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "descriptor-leak", PROOF_THREAD_MOVED_ON);
	assert_null(find(x, 5)->judged.verdict.which->name);
}

static void a_reset_counts_without_the_kernel(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = forge_accepted(x->forge, 5, x->site, 10);

	l->flags = REC_LIFE_ACCEPTED | REC_LIFE_TOUCHED | REC_LIFE_RESET;
	l->reset_ns = FORGE_S(20);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "descriptor-leak", PROOF_THREAD_MOVED_ON);
}

static void the_grace_is_the_policys(void **state)
{
	static const struct policy patient = {.grace_ns = FORGE_S(FORGE_END)};
	struct fixture *x = *state;
	struct whole_life *over = forge_accepted(x->forge, 7, x->site, 30);
	struct whole_life *reset = forge_accepted(x->forge, 8, x->site, 40);

	ignored(x, 5, 10);
	unread(x, 6, 20);
	forge_facts(over, TCP_CLOSE, 900);
	reset->flags |= REC_LIFE_RESET;
	reset->reset_ns = FORGE_S(50);
	forge_facts(reset, TCP_CLOSE, 900);
	served_at(x, 1, 500);
	x->policy = &patient;
	judge_all(x);
	expect_open(x, 5, OPEN_GRACE);
	expect_open(x, 6, OPEN_GRACE);
	expect_open(x, 7, OPEN_GRACE);
	expect_open(x, 8, OPEN_GRACE);
}

/* It needs none where moving on is the test, however long it is. */
static void who_ends_by_itself_has_none_however_long(void **state)
{
	static const struct policy patient = {.grace_ns = FORGE_S(FORGE_END)};
	struct fixture *x = *state;

	ignored(x, 5, 10);
	unread(x, 6, 20);
	served_at(x, 1, 500);
	forge_header(x->forge)->end_kind = REC_END_EXIT;
	x->policy = &patient;
	judge_all(x);
	expect_fault(x, 5, "close-wait", PROOF_THREAD_MOVED_ON);
	expect_open(x, 6, OPEN_GRACE);
}

static void a_client_must_have_been_told(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = client(x, 5, 10);

	forge_facts(l, TCP_CLOSE, 0);
	l->flags &= ~(uint32_t)REC_LIFE_EOF;
	served_at(x, 1, 500);
	judge_all(x);
	expect_open(x, 5, OPEN_NOT_TOLD);
}

static void failed_connects_are_a_series(void **state)
{
	struct fixture *x = *state;
	int fd;

	forge_header(x->forge)->end_kind = REC_END_EXIT;
	for (fd = 5; fd < 8; fd++) {
		struct whole_life *l = forge_accepted(x->forge, fd, x->site, fd * 10);

		l->flags = REC_LIFE_CONNECT_FAILED;
		forge_facts(l, TCP_CLOSE, 0);
	}
	served_at(x, 1, 70)->newest_touch_seq = 700;
	judge_all(x);
	expect_fault(x, 5, "descriptor-leak", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 6, "descriptor-leak", PROOF_THREAD_MOVED_ON);
	expect_fault(x, 7, "descriptor-leak", PROOF_SERIES);
}

static void a_bare_socket_needs_proof(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = forge_accepted(x->forge, 5, x->site, 10);

	l->flags = 0;
	forge_facts(l, TCP_CLOSE, 0);
	judge_all(x);
	expect_open(x, 5, OPEN_NO_PROOF);
}

/* ---- several processes ------------------------------------------------------------------- */

/* The child has not finished with it: that the parent moved on is as it should be. */
static void a_child_that_still_serves_is_no_leak(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forge_new(200);
	struct whole_life *a = unread(x, 5, 10), *b;

	a->flags &= ~(uint32_t)REC_LIFE_TOUCHED;
	b = forge_accepted(child, 5, forge_site(child, 0x1010), 10);
	a->kernel_cookie = b->kernel_cookie = 7;
	b->flags |= REC_LIFE_INHERITED;
	b->touch_tid = 200;
	b->touch_ns = FORGE_S(90);
	served_at(x, 1, 500)->served = 0;
	free(forge_write(child, x->dir, "200.0.socklint"));
	judge_all(x);
	forge_free(child);
	expect_open(x, 5, OPEN_ELSEWHERE);
}

/* ---- the table --------------------------------------------------------------------------- */

static void every_rule_can_be_named_and_explained(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = rule_by_nr((enum rule_nr)i);

		assert_int_equal(r->nr, i);
		assert_ptr_equal(rule_by_id(r->id), r);
		assert_true(strlen(r->help) > 100);
		assert_true(*r->title);
	}
	assert_null(rule_by_id("close_wait"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_established_socket_is_in_use),
		TEST(a_thread_that_moved_on_leaks),
		TEST(a_fin_is_no_older_than_its_socket),
		TEST(what_is_meant_to_stay_is_open),
		TEST(without_proof_it_is_open),
		TEST(older_service_proves_nothing),
		TEST(service_before_the_last_touch_proves_nothing),
		TEST(the_end_of_its_thread_is_proof),
		TEST(overtaking_is_proof),
		TEST(killed_after_the_last_question_it_is_not_overtaken),
		TEST(killed_long_after_the_last_touch_it_is),
		TEST(overtaking_a_queued_socket_is_proof),
		TEST(a_busy_worker_is_not_overtaken),
		TEST(touched_after_the_last_question_it_is_not_overtaken),
		TEST(a_worker_that_has_just_accepted_is_not_overtaken),
		TEST(the_end_of_an_earlier_thread_is_no_proof),
		TEST(an_eof_not_read_yet_has_grace_at_any_end),
		TEST(a_reset_not_told_yet_has_grace_at_any_end),
		TEST(overtaking_counts_from_the_last_touch),
		TEST(the_time_of_an_eof_is_exact),
		TEST(an_evicted_thread_overtakes_too),
		TEST(within_the_grace_it_is_open),
		TEST(who_ends_by_itself_has_no_grace),
		TEST(who_exits_for_a_signal_has_grace),
		TEST(what_comes_after_the_signal_to_stop_is_open),
		TEST(what_came_before_it_is_not),
		TEST(nor_is_it_where_the_program_went_on),
		TEST(serving_a_half_closed_peer_is_open),
		TEST(a_request_that_waits_for_a_worker_is_open),
		TEST(a_request_that_all_workers_have_passed_is_forgotten),
		TEST(a_queued_socket_is_open),
		TEST(a_parent_that_forgets_leaks),
		TEST(our_own_shutdown_makes_no_eof),
		TEST(an_eof_tells_where_the_kernel_was_not_asked),
		TEST(listeners_and_strangers_are_open),
		TEST(the_last_of_a_series_joins),
		TEST(who_is_older_than_the_proven_does_not_join),
		TEST(the_last_within_the_grace_does_not_join),
		TEST(who_was_told_nothing_joins_only_its_like),
		TEST(a_file_that_was_handed_on_is_open),
		TEST(a_file_of_the_only_thread_leaks),
		TEST(a_file_of_a_thread_that_closes_them_leaks),
		TEST(a_file_of_a_worker_that_ended_leaks),
		TEST(a_file_in_the_hands_of_a_worker_joins_no_series),
		TEST(a_proven_unread_eof_is_known_in_a_file_too),
		TEST(a_client_in_a_file_is_not_replaced_by_another_thread),
		TEST(a_client_in_a_file_that_its_thread_replaced_leaks),
		TEST(a_client_that_was_replaced_leaks),
		TEST(a_pooled_client_is_parked),
		TEST(a_client_of_one_peer_of_several_is_parked),
		TEST(the_last_of_an_idle_worker_joins_its_like),
		TEST(the_last_of_a_worker_joins_though_not_overtaken),
		TEST(a_one_shot_client_is_open),
		TEST(the_only_one_of_a_pool_is_parked),
		TEST(what_tcp_forgot_is_a_descriptor_leak),
		TEST(a_reset_counts_without_the_kernel),
		TEST(a_client_must_have_been_told),
		TEST(failed_connects_are_a_series),
		TEST(a_bare_socket_needs_proof),
		TEST(a_child_that_still_serves_is_no_leak),
		TEST(every_rule_can_be_named_and_explained),
		TEST(the_grace_is_the_policys),
		TEST(who_ends_by_itself_has_none_however_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
