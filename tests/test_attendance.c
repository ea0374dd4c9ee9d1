/* SPDX-License-Identifier: MIT */
/* Who waits on a socket, and what that makes of it. The process ends at second 1000. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "judging.h"

#define FD 5

/*
 * A live connection, born at 10 and used at 10.5; its thread has served another at 500, and its
 * siblings lived for 2 s.
 */
static struct whole_life *lost(struct fixture *x)
{
	struct whole_life *l = forge_accepted(x->forge, FD, x->site, 10);
	struct rec_outcome *o = forge_outcome(x->forge, x->site, x->site, 30, 0.001);

	o->life[15] = 30;
	o->life_max_ns = FORGE_S(2);
	served_at(x, 1, 500);
	return l;
}

static struct whole_life *in_epoll(struct whole_life *l, uint32_t events)
{
	l->epoll_fd = 3;
	l->epoll_events = events;
	return l;
}

static struct whole_life *in_poll(struct whole_life *l, double at)
{
	l->poller_tid = 1;
	l->polled_ns = FORGE_S(at);
	return l;
}

static void expect_abandoned(struct fixture *x)
{
	judge_all(x);
	expect_fault(x, FD, "abandoned", PROOF_THREAD_MOVED_ON);
	assert_int_equal(find(x, FD)->judged.rule->severity, SEVERITY_WARNING);
}

/* Where a minute in CLOSE_WAIT is not long. */
static void judge_patiently(struct fixture *x)
{
	static const struct policy patient = {.grace_ns = NS_PER_S,
					      .max_dwell_ns = FORGE_S(FORGE_END)};

	x->policy = &patient;
	judge_all(x);
}

static void expect_in_use(struct fixture *x)
{
	judge_all(x);
	expect_open(x, FD, OPEN_IN_USE);
}

/* ---- abandoned --------------------------------------------------------------------------- */

static void nobody_waits(void **state)
{
	lost(*state);
	expect_abandoned(*state);
}

static void the_grace_is_the_policys(void **state)
{
	static const struct policy patient = {.grace_ns = FORGE_S(FORGE_END)};
	struct fixture *x = *state;

	lost(x);
	x->policy = &patient;
	expect_in_use(x);
}

static void an_epoll_set_waits(void **state)
{
	in_epoll(lost(*state), EPOLLIN);
	expect_in_use(*state);
}

static void an_edge_triggered_set_waits(void **state)
{
	in_epoll(lost(*state), EPOLLRDHUP | EPOLLET);
	expect_in_use(*state);
}

static void a_writer_in_the_set_waits(void **state)
{
	in_epoll(lost(*state), EPOLLOUT);
	expect_in_use(*state);
}

static void an_empty_mask_does_not_wait(void **state)
{
	in_epoll(lost(*state), EPOLLET);
	expect_abandoned(*state);
}

static void one_shot_that_is_armed_waits(void **state)
{
	in_epoll(lost(*state), EPOLLIN | EPOLLONESHOT);
	expect_in_use(*state);
}

static void one_shot_that_fired_does_not(void **state)
{
	in_epoll(lost(*state), EPOLLIN | EPOLLONESHOT)->flags |= REC_LIFE_FIRED;
	expect_abandoned(*state);
}

static void a_reader_waits(void **state)
{
	lost(*state)->reader_tid = 7;
	expect_in_use(*state);
}

static void a_writer_waits(void **state)
{
	lost(*state)->writer_tid = 7;
	expect_in_use(*state);
}

/* As after a siglongjmp() out of the call: the word stayed, its thread did not. */
static void a_reader_that_ended_does_not(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = lost(x);

	l->reader_tid = l->touch_tid;
	l->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_fault(x, FD, "abandoned", PROOF_TOUCHER_ENDED);
}

static void a_poll_loop_waits(void **state)
{
	struct fixture *x = *state;

	in_poll(lost(x), 990);
	forge_poller(x->forge, 1, 990);
	expect_in_use(x);
}

static void a_poll_loop_that_lost_it_does_not(void **state)
{
	struct fixture *x = *state;

	in_poll(lost(x), 400);
	forge_poller(x->forge, 1, 990);
	expect_abandoned(x);
}

static void listens(struct fixture *x, int fd, double until)
{
	struct whole_life *l = forge_accepted(x->forge, fd, x->site, 2);

	l->flags = REC_LIFE_LISTENING;
	if (!until)
		return;
	l->seq++;
	l->close_ns = FORGE_S(until);
}

/* Let go at 990, after the youngest one was served; the listener was closed at 995. */
static void let_go(struct fixture *x, double at)
{
	in_poll(lost(x), at)->poller_tid = 0;
	served_at(x, 1, 985);
}

static void who_stops_lets_go_before_it_closes_the_listener(void **state)
{
	struct fixture *x = *state;

	let_go(x, 990);
	listens(x, 4, 995);
	judge_all(x);
	expect_open(x, FD, OPEN_NO_PROOF);
}

static void who_goes_on_to_listen_does_not_stop(void **state)
{
	struct fixture *x = *state;

	let_go(x, 990);
	listens(x, 4, 995);
	listens(x, 6, 0);
	expect_abandoned(x);
}

static void who_accepts_after_it_let_go_does_not_stop(void **state)
{
	struct fixture *x = *state;

	let_go(x, 980);
	listens(x, 4, 995);
	expect_abandoned(x);
}

static void who_let_go_long_ago_did_not_stop(void **state)
{
	struct fixture *x = *state;

	in_poll(lost(x), 600)->poller_tid = 0;
	listens(x, 4, 995);
	expect_abandoned(x);
}

static void another_threads_poll_says_nothing(void **state)
{
	struct fixture *x = *state;

	in_poll(lost(x), 990);
	forge_poller(x->forge, 2, 990);
	expect_abandoned(x);
}

static void where_no_hook_sees_nobody_is_blamed(void **state)
{
	struct fixture *x = *state;

	lost(x);
	forge_header(x->forge)->flags |= REC_HEADER_IO_URING;
	expect_in_use(x);
}

static void a_client_may_be_pooled(void **state)
{
	lost(*state)->flags = REC_LIFE_CONNECTED | REC_LIFE_TOUCHED | REC_LIFE_FACTS;
	expect_in_use(*state);
}

static void a_file_pointer_reads_unseen(void **state)
{
	lost(*state)->flags |= REC_LIFE_STDIO;
	expect_in_use(*state);
}

static void siblings_that_lived_as_long_excuse(void **state)
{
	struct fixture *x = *state;

	lost(x);
	forge_outcome(x->forge, x->site, x->site, 1, 0)->life[25] = 1;
	forge_outcome(x->forge, x->site, x->site, 1, 0)->life_max_ns = FORGE_S(995);
	expect_in_use(x);
}

static void without_closed_siblings_nothing_is_known(void **state)
{
	struct fixture *x = *state;

	forge_accepted(x->forge, FD, x->site, 10);
	served_at(x, 1, 500);
	expect_in_use(x);
}

static void who_was_used_a_moment_ago_is_in_use(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = lost(x);

	l->touch_ns = FORGE_S(FORGE_END - 0.5);
	expect_in_use(x);
}

static void who_has_bytes_to_send_is_in_use(void **state)
{
	lost(*state)->kernel_unsent = 100;
	expect_in_use(*state);
}

/* Taken out of its set by a program that was told to stop. */
static void who_was_watched_a_moment_ago_is_in_use(void **state)
{
	lost(*state)->polled_ns = FORGE_S(FORGE_END - 0.5);
	expect_in_use(*state);
}

static void who_was_watched_long_ago_is_not(void **state)
{
	lost(*state)->polled_ns = FORGE_S(FORGE_END - 2);
	expect_abandoned(*state);
}

static struct whole_life *fired_with(struct fixture *x, uint32_t unread)
{
	struct whole_life *l = in_epoll(lost(x), EPOLLIN | EPOLLONESHOT);

	l->flags |= REC_LIFE_FIRED | REC_LIFE_HANDED;
	l->polled_ns = FORGE_S(FORGE_END - 3);
	l->kernel_unread = unread;
	return l;
}

/* A request that waits for a worker, all of whom are busy. */
static void who_was_handed_over_unread_may_be_queued(void **state)
{
	struct fixture *x = *state;

	fired_with(x, 10);
	judge_all(x);
	expect_open(x, FD, OPEN_QUEUE);
}

static void who_was_read_since_it_fired_is_in_no_queue(void **state)
{
	struct fixture *x = *state;

	fired_with(x, 10)->flags &= ~(uint32_t)REC_LIFE_HANDED;
	served_at(x, 1, FORGE_END - 2);
	expect_abandoned(x);
}

/* It gave up meanwhile: its worker has the event in hand, with others that came before. */
static struct whole_life *fired_and_gone(struct fixture *x, uint8_t state, double fired)
{
	struct whole_life *l = in_epoll(lost(x), EPOLLIN | EPOLLONESHOT);

	forge_facts(l, state, FORGE_END - fired);
	l->flags |= REC_LIFE_FIRED | REC_LIFE_HANDED;
	l->polled_ns = FORGE_S(fired);
	return l;
}

static void a_client_that_was_reset_in_the_queue(void **state)
{
	fired_and_gone(*state, TCP_CLOSE, FORGE_END - 3);
	judge_all(*state);
	expect_open(*state, FD, OPEN_QUEUE);
}

static void a_client_that_left_in_the_queue(void **state)
{
	fired_and_gone(*state, TCP_CLOSE_WAIT, FORGE_END - 3);
	judge_all(*state);
	expect_open(*state, FD, OPEN_QUEUE);
}

/* The clock of births is finer than that of events: it seems older than the birth. */
static void a_client_whose_request_came_with_it(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = fired_and_gone(x, TCP_CLOSE, FORGE_END - 3);

	l->born_ns = l->touch_ns = l->polled_ns + 1;
	l->flags &= ~(uint32_t)REC_LIFE_TOUCHED;
	served_at(x, 2, FORGE_END - 1)->ended_born_ns = FORGE_S(FORGE_END - 1);
	judge_all(x);
	expect_open(x, FD, OPEN_QUEUE);
}

static void no_queue_is_that_long(void **state)
{
	fired_and_gone(*state, TCP_CLOSE, FORGE_END - 30);
	judge_all(*state);
	expect_fault(*state, FD, "descriptor-leak", PROOF_THREAD_MOVED_ON);
}

/* The thread that was told of events then has not come back for more. */
static struct rec_poller *in_turn_since(struct fixture *x, uint32_t tid, double at)
{
	struct rec_poller *p = forge_poller(x->forge, tid, 0);

	p->turn_ns = FORGE_S(at);
	p->before_ns = FORGE_S(at - 1);
	return p;
}

static void a_queue_is_as_long_as_its_worker_is_busy(void **state)
{
	struct fixture *x = *state;

	fired_and_gone(x, TCP_CLOSE, FORGE_END - 30);
	in_turn_since(x, 2, FORGE_END - 30.001);
	judge_all(x);
	expect_open(x, FD, OPEN_QUEUE);
}

static void a_worker_that_has_taken_more_is_through(void **state)
{
	struct fixture *x = *state;

	fired_and_gone(x, TCP_CLOSE, FORGE_END - 30);
	in_turn_since(x, 2, FORGE_END - 20);
	in_turn_since(x, 3, FORGE_END - 31);
	judge_all(x);
	expect_fault(x, FD, "descriptor-leak", PROOF_THREAD_MOVED_ON);
}

static void who_was_used_since_it_fired_is_in_no_queue(void **state)
{
	struct fixture *x = *state;

	fired_and_gone(x, TCP_CLOSE_WAIT, FORGE_END - 3)->flags &= ~(uint32_t)REC_LIFE_HANDED;
	served_at(x, 1, FORGE_END - 2);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void who_fired_with_nothing_to_read_is_in_no_queue(void **state)
{
	fired_with(*state, 0);
	expect_abandoned(*state);
}

static void without_proof_it_is_only_open(void **state)
{
	struct fixture *x = *state;

	lost(x)->touch_tid = 2;
	judge_all(x);
	expect_open(x, FD, OPEN_NO_PROOF);
}

/* ---- close-wait -------------------------------------------------------------------------- */

/* A single thread that computes while clients give up will come back to its loop. */
static void an_eof_that_the_loop_will_see(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN);
	in_poll(unread(x, FD + 1, 11), 990);
	forge_poller(x->forge, 1, 990);
	served_at(x, 1, 500);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
	expect_open(x, FD + 1, OPEN_WATCHED);
}

static void an_edge_is_told_once(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLET);
	forge_header(x->forge)->last_seen_ns = FORGE_S(21);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* An edge that the loop has not come back to fetch: it computes since before the FIN. */
static void an_edge_that_nobody_has_fetched(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLET);
	forge_header(x->forge)->last_seen_ns = FORGE_S(19);
	served_at(x, 1, 500);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
}

static void a_loop_that_was_told_is_not_excused(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLRDHUP)->flags |= REC_LIFE_TOLD;
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* So many wait that the threads have not come to fetch it: a one-shot event is not lost. */
static void a_one_shot_event_that_nobody_has_fetched(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLONESHOT);
	forge_header(x->forge)->last_seen_ns = FORGE_S(999);
	served_at(x, 1, 500);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
}

/* That EPOLLRDHUP is told is noted, so this one was not. */
static void an_edge_that_is_noted_when_it_is_told(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLRDHUP | EPOLLET);
	forge_header(x->forge)->last_seen_ns = FORGE_S(999);
	served_at(x, 1, 500);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
}

static void an_edge_that_is_never_noted(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLRDHUP | EPOLLET)->flags |= REC_LIFE_SHUT_RD;
	forge_header(x->forge)->last_seen_ns = FORGE_S(999);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* The loop was given both at 30, and is at work on the other since. */
static void an_edge_that_lies_behind_another(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLET);
	forge_poller(x->forge, 1, 0)->turn_ns = FORGE_S(30);
	forge_header(x->forge)->last_seen_ns = FORGE_S(30);
	served_at(x, 1, 500);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
}

/* It came at 20, to the turn that began at 25. */
static void an_edge_of_an_earlier_turn_was_told(void **state)
{
	struct fixture *x = *state;
	struct rec_poller *p;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLET);
	p = forge_poller(x->forge, 1, 0);
	p->turn_ns = FORGE_S(30);
	p->before_ns = FORGE_S(25);
	forge_header(x->forge)->last_seen_ns = FORGE_S(30);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

static void an_edge_of_a_loop_that_waits_was_told(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN | EPOLLET);
	forge_poller(x->forge, 1, 0)->before_ns = FORGE_S(19);
	forge_header(x->forge)->last_seen_ns = FORGE_S(30);
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* A worker of several that share the set has ended; the others are busy since before the FIN. */
static void the_other_threads_of_the_set_have_not_come_back(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN)->flags |= REC_LIFE_TOUCHER_ENDED;
	forge_header(x->forge)->last_seen_ns = FORGE_S(19);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
}

/* Some waits have returned since; but of one loop nothing was seen until the program ended. */
static struct rec_poller *busy_loop(struct fixture *x)
{
	struct rec_poller *loop = forge_poller(x->forge, 2, 0);

	in_epoll(unread(x, FD, 10), EPOLLIN)->flags |= REC_LIFE_TOUCHER_ENDED;
	forge_header(x->forge)->last_seen_ns = FORGE_S(30);
	loop->before_ns = FORGE_S(18);
	loop->turn_ns = FORGE_S(19);
	loop->alive_ns = FORGE_S(FORGE_END);
	return loop;
}

static void a_thread_of_the_set_was_in_its_turn_until_the_end(void **state)
{
	struct fixture *x = *state;

	busy_loop(x);
	judge_patiently(x);
	expect_open(x, FD, OPEN_WATCHED);
}

static void not_if_it_ended_in_it(void **state)
{
	struct fixture *x = *state;

	busy_loop(x)->alive_ns = 0;
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_TOUCHER_ENDED);
}

static void not_if_its_wait_would_have_told_it(void **state)
{
	struct fixture *x = *state;

	busy_loop(x)->turn_ns = FORGE_S(30);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_TOUCHER_ENDED);
}

static void not_if_it_waited_but_once(void **state)
{
	struct fixture *x = *state;

	busy_loop(x)->before_ns = 0;
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_TOUCHER_ENDED);
}

static void a_poll_loop_ends_with_its_thread(void **state)
{
	struct fixture *x = *state;

	in_poll(unread(x, FD, 10), 990)->flags |= REC_LIFE_TOUCHER_ENDED;
	forge_poller(x->forge, 1, 990);
	forge_header(x->forge)->last_seen_ns = FORGE_S(19);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_TOUCHER_ENDED);
}

static void a_loop_whose_thread_ended_sees_nothing(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_TOUCHER_ENDED);
}

/* ---- the turn of a loop that was its last ---------------------------------------------------- */

/* Told 1 ms before the program's own end, by a call in a turn that began 1 ms before that. */
static struct whole_life *told_in_last_turn(struct fixture *x, bool reset)
{
	struct whole_life *l = forge_accepted(x->forge, FD, x->site, 990);

	in_epoll(l, EPOLLIN);
	forge_header(x->forge)->end_kind = REC_END_RETURN;
	forge_header(x->forge)->last_seen_ns = FORGE_S(999.998);
	forge_facts(l, reset ? TCP_CLOSE : TCP_CLOSE_WAIT, 0.002);
	if (reset) {
		l->flags |= REC_LIFE_RESET;
		l->reset_ns = l->touch_ns = FORGE_S(999.999);
	} else {
		forge_eof(l, 999.999);
	}
	served_at(x, 1, 999.9995);
	return l;
}

static void expect_leak(struct fixture *x, const char *rule)
{
	judge_all(x);
	expect_fault(x, FD, rule, PROOF_THREAD_MOVED_ON);
}

/* Redis frees its clients before it waits again; a SIGTERM of its own handling comes between. */
static void the_close_may_be_put_off_to_the_end_of_the_turn(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, false);
	judge_all(x);
	expect_open(x, FD, OPEN_GRACE);
}

static void after_a_reset_too(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, true);
	judge_all(x);
	expect_open(x, FD, OPEN_GRACE);
}

/* An event loop that ends in the middle of a turn had not come to this event of the turn. */
static void what_the_wait_told_too(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = told_in_last_turn(x, false);

	l->flags = (l->flags & ~(uint32_t)REC_LIFE_EOF) | REC_LIFE_TOLD | REC_LIFE_SHUT_WR;
	l->told_ns = l->eof_ns;
	l->eof_ns = 0;
	l->kernel_tcp_state = TCP_CLOSE;
	judge_all(x);
	expect_open(x, FD, OPEN_GRACE);
}

static void the_next_turn_is_too_late(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, false);
	forge_header(x->forge)->last_seen_ns = FORGE_S(999.9995);
	expect_leak(x, "close-wait");
}

static void a_reset_is_too_late_in_the_next_turn(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, true);
	forge_header(x->forge)->last_seen_ns = FORGE_S(999.9995);
	expect_leak(x, "descriptor-leak");
}

static void who_read_the_eof_twice_had_two_turns(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, false)->touch_ns += 1;
	expect_leak(x, "close-wait");
}

static void who_took_it_out_of_the_set_is_through(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, false)->epoll_fd = -1;
	expect_leak(x, "close-wait");
}

static void an_edge_is_not_told_again(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, true)->epoll_events = EPOLLIN | EPOLLET;
	expect_leak(x, "descriptor-leak");
}

static void a_program_without_a_loop_has_no_turns(void **state)
{
	struct fixture *x = *state;

	told_in_last_turn(x, false);
	forge_header(x->forge)->last_seen_ns = 0;
	expect_leak(x, "close-wait");
}

/* ---- a turn that is long ----------------------------------------------------------------------
 */

/* Its thread was told at 990 of several that had gone, and is at work on another since. */
static struct whole_life *told_in_long_turn(struct fixture *x, uint8_t state)
{
	struct whole_life *l = in_epoll(forge_accepted(x->forge, FD, x->site, 980), EPOLLIN);

	forge_facts(l, state, 12);
	l->flags |= REC_LIFE_TOLD;
	l->told_ns = FORGE_S(990.01);
	served_at(x, 1, 995);
	return l;
}

static void what_a_busy_loop_was_told_lies_before_it(void **state)
{
	struct fixture *x = *state;

	told_in_long_turn(x, TCP_CLOSE_WAIT);
	in_turn_since(x, 1, 990);
	judge_all(x);
	expect_open(x, FD, OPEN_CUSTODY);
}

static void a_reset_too(void **state)
{
	struct fixture *x = *state;

	told_in_long_turn(x, TCP_CLOSE)->epoll_events |= EPOLLET;
	in_turn_since(x, 1, 990);
	judge_all(x);
	expect_open(x, FD, OPEN_CUSTODY);
}

static void in_a_set_of_poll_as_well(void **state)
{
	struct fixture *x = *state;

	in_poll(told_in_long_turn(x, TCP_CLOSE), 989)->epoll_fd = -1;
	in_turn_since(x, 1, 990)->stamped_ns = FORGE_S(989);
	judge_all(x);
	expect_open(x, FD, OPEN_CUSTODY);
}

static void the_turn_of_another_thread_says_nothing(void **state)
{
	struct fixture *x = *state;

	told_in_long_turn(x, TCP_CLOSE_WAIT);
	in_turn_since(x, 2, 985);
	expect_leak(x, "close-wait");
}

static void a_loop_that_has_come_back_was_told_in_vain(void **state)
{
	struct fixture *x = *state;

	told_in_long_turn(x, TCP_CLOSE_WAIT);
	in_turn_since(x, 1, 991);
	expect_leak(x, "close-wait");
}

static void a_loop_that_took_it_out_has_come_to_it(void **state)
{
	struct fixture *x = *state;

	told_in_long_turn(x, TCP_CLOSE_WAIT)->epoll_fd = -1;
	in_turn_since(x, 1, 990);
	expect_leak(x, "close-wait");
}

/* It reads to the EOF, notes what is to be closed, and does so before it waits again. */
static void the_close_may_be_put_off_to_the_end_of_a_long_turn(void **state)
{
	struct fixture *x = *state;

	forge_eof(told_in_long_turn(x, TCP_CLOSE_WAIT), 993);
	in_turn_since(x, 1, 990);
	judge_all(x);
	expect_open(x, FD, OPEN_CUSTODY);
}

static void but_not_beyond_it(void **state)
{
	struct fixture *x = *state;

	forge_eof(told_in_long_turn(x, TCP_CLOSE_WAIT), 993);
	in_turn_since(x, 1, 994);
	expect_leak(x, "close-wait");
}

/* An edge that its thread has fetched by reading is not told again. */
static void nor_where_an_edge_was_fetched(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = told_in_long_turn(x, TCP_CLOSE_WAIT);

	forge_eof(l, 993);
	l->epoll_events |= EPOLLET;
	in_turn_since(x, 1, 990);
	expect_leak(x, "close-wait");
}

/* ---- stalled-loop ---------------------------------------------------------------------------- */

/* In the set of thread 1, whose turn began at 15; the FIN came at 20. */
static struct whole_life *in_stalled_loop(struct fixture *x)
{
	struct whole_life *l = in_epoll(unread(x, FD, 10), EPOLLIN);

	forge_poller(x->forge, 1, 0)->turn_ns = FORGE_S(15);
	return l;
}

static void expect_stalled(struct fixture *x)
{
	judge_all(x);
	expect_fault(x, FD, "stalled-loop", PROOF_NONE);
	assert_int_equal(find(x, FD)->judged.rule->severity, SEVERITY_WARNING);
}

static void expect_not_stalled(struct fixture *x, enum open_reason reason)
{
	judge_all(x);
	expect_open(x, FD, reason);
}

static void a_loop_that_does_not_come_back(void **state)
{
	in_stalled_loop(*state);
	expect_stalled(*state);
}

static void a_loop_of_poll_that_does_not_come_back(void **state)
{
	struct fixture *x = *state;
	struct rec_poller *p = forge_poller(x->forge, 1, 14);

	in_poll(unread(x, FD, 10), 14);
	p->turn_ns = FORGE_S(15);
	expect_stalled(x);
}

static void a_loop_without_a_thread(void **state)
{
	in_epoll(unread(*state, FD, 10), EPOLLIN);
	expect_stalled(*state);
}

/* Whoever was told of it together with others may not have come to it. */
static void a_loop_that_was_told_and_hangs(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = in_epoll(unread(x, FD, 10), EPOLLIN);

	l->flags |= REC_LIFE_TOLD;
	l->told_ns = FORGE_S(20.5);
	forge_poller(x->forge, 1, 0)->turn_ns = FORGE_S(20.49);
	expect_stalled(x);
}

static void a_loop_that_was_away_for_less_than_a_minute(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, FORGE_END - 60), EPOLLIN);
	expect_not_stalled(x, OPEN_WATCHED);
}

/* Then the program reads nothing on purpose, or the set is another's. */
static void a_loop_that_came_back(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN);
	forge_poller(x->forge, 1, 0)->turn_ns = FORGE_S(30);
	expect_not_stalled(x, OPEN_WATCHED);
}

static void a_loop_that_came_back_and_waits(void **state)
{
	struct fixture *x = *state;

	in_epoll(unread(x, FD, 10), EPOLLIN);
	forge_poller(x->forge, 1, 0)->before_ns = FORGE_S(30);
	expect_not_stalled(x, OPEN_WATCHED);
}

/* What lay before the FIN takes its time to be read. */
static void a_loop_that_still_reads(void **state)
{
	in_stalled_loop(*state)->touch_ns = FORGE_S(FORGE_END - 50);
	expect_not_stalled(*state, OPEN_WATCHED);
}

static void a_loop_that_read_the_eof(void **state)
{
	forge_eof(in_stalled_loop(*state), 20.1);
	expect_not_stalled(*state, OPEN_CUSTODY);
}

static void a_loop_that_does_not_want_input(void **state)
{
	in_stalled_loop(*state)->epoll_events = EPOLLOUT;
	expect_not_stalled(*state, OPEN_NO_PROOF);
}

static void a_loop_in_a_blind_process(void **state)
{
	struct fixture *x = *state;

	in_stalled_loop(x);
	forge_header(x->forge)->flags |= REC_HEADER_IO_URING;
	expect_not_stalled(x, OPEN_WATCHED);
}

/* ---- our own FIN sent, and the peer's not read ----------------------------------------------- */

static struct whole_life *shut_by_both(struct fixture *x)
{
	struct whole_life *l = in_epoll(forge_accepted(x->forge, FD, x->site, 990), EPOLLIN);

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	forge_facts(l, TCP_CLOSE, 0);
	l->flags |= REC_LIFE_SHUT_WR;
	served_at(x, 1, 999.9);
	return l;
}

/* Node ends its answer so, and closes when it has read the EOF. */
static void an_end_that_the_loop_will_see(void **state)
{
	struct fixture *x = *state;

	shut_by_both(x);
	judge_all(x);
	expect_open(x, FD, OPEN_WATCHED);
}

static void an_end_that_the_loop_saw(void **state)
{
	struct fixture *x = *state;

	shut_by_both(x)->flags |= REC_LIFE_TOLD;
	expect_leak(x, "shutdown-not-closed");
}

/* So is a reset that an edge is yet to tell. */
static void an_end_that_an_edge_will_tell(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = shut_by_both(x);

	l->flags &= ~(uint32_t)REC_LIFE_SHUT_WR;
	l->epoll_events = EPOLLIN | EPOLLET;
	forge_header(x->forge)->last_seen_ns = FORGE_S(999);
	judge_all(x);
	expect_open(x, FD, OPEN_WATCHED);
}

static void an_end_that_an_edge_told(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = shut_by_both(x);

	l->flags &= ~(uint32_t)REC_LIFE_SHUT_WR;
	l->flags |= REC_LIFE_TOLD;
	l->epoll_events = EPOLLIN | EPOLLET;
	expect_leak(x, "descriptor-leak");
}

static void an_end_that_nobody_will_see(void **state)
{
	struct fixture *x = *state;

	shut_by_both(x)->epoll_fd = -1;
	expect_leak(x, "shutdown-not-closed");
}

static void an_end_that_we_made_is_no_news(void **state)
{
	struct fixture *x = *state;

	shut_by_both(x)->flags |= REC_LIFE_SHUT_RD;
	expect_leak(x, "shutdown-not-closed");
}

static void an_end_that_an_ended_thread_will_not_see(void **state)
{
	struct fixture *x = *state;

	shut_by_both(x)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_all(x);
	expect_fault(x, FD, "shutdown-not-closed", PROOF_TOUCHER_ENDED);
}

/* Its worker gave it to the loop and was told to end; so was the loop, before it came to it. */
static void an_end_that_the_loop_was_about_to_see(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = shut_by_both(x);

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	l->flags |= REC_LIFE_TOUCHER_ENDED;
	l->touch_ns = FORGE_S(FORGE_END - 0.002);
	judge_all(x);
	expect_open(x, FD, OPEN_GRACE);
}

/* ---- the history of its own place -------------------------------------------------------- */

static void siblings_that_dwelt_as_long_excuse(void **state)
{
	struct fixture *x = *state;

	ignored(x, FD, 980); /* its EOF came 10 s before the end */
	served_at(x, 1, 995);
	forge_outcome(x->forge, x->site, x->site, 3, 11);
	judge_all(x);
	expect_open(x, FD, OPEN_DWELL);
}

static void who_dwells_longer_than_any_sibling_leaks(void **state)
{
	struct fixture *x = *state;

	ignored(x, FD, 980);
	served_at(x, 1, 995);
	forge_outcome(x->forge, x->site, x->site, 3, 9);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* The program's clean-up closed those, as it would have closed this one. */
static void what_the_end_closed_excuses_nobody(void **state)
{
	struct fixture *x = *state;

	ignored(x, FD, 980);
	served_at(x, 1, 995);
	forge_outcome(x->forge, x->site, x->site, 3, 11)->flags |= REC_OUTCOME_AT_END;
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

/* A test that ends at once: all its dwells are short, the leaked one's too. */
static void short_dwells_excuse_nobody(void **state)
{
	struct fixture *x = *state;

	forge_header(x->forge)->end_kind = REC_END_RETURN;
	ignored(x, FD, 989.8);
	served_at(x, 1, 999.9);
	forge_outcome(x->forge, x->site, x->site, 3, 0.9);
	judge_all(x);
	expect_fault(x, FD, "close-wait", PROOF_THREAD_MOVED_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_waits),
		TEST(the_grace_is_the_policys),
		TEST(an_epoll_set_waits),
		TEST(an_edge_triggered_set_waits),
		TEST(a_writer_in_the_set_waits),
		TEST(an_empty_mask_does_not_wait),
		TEST(one_shot_that_is_armed_waits),
		TEST(one_shot_that_fired_does_not),
		TEST(a_reader_waits),
		TEST(a_writer_waits),
		TEST(a_reader_that_ended_does_not),
		TEST(a_poll_loop_waits),
		TEST(a_poll_loop_that_lost_it_does_not),
		TEST(who_stops_lets_go_before_it_closes_the_listener),
		TEST(who_goes_on_to_listen_does_not_stop),
		TEST(who_accepts_after_it_let_go_does_not_stop),
		TEST(who_let_go_long_ago_did_not_stop),
		TEST(another_threads_poll_says_nothing),
		TEST(where_no_hook_sees_nobody_is_blamed),
		TEST(a_client_may_be_pooled),
		TEST(a_file_pointer_reads_unseen),
		TEST(siblings_that_lived_as_long_excuse),
		TEST(without_closed_siblings_nothing_is_known),
		TEST(who_was_used_a_moment_ago_is_in_use),
		TEST(who_has_bytes_to_send_is_in_use),
		TEST(who_was_watched_a_moment_ago_is_in_use),
		TEST(who_was_watched_long_ago_is_not),
		TEST(who_was_handed_over_unread_may_be_queued),
		TEST(a_client_that_was_reset_in_the_queue),
		TEST(a_client_that_left_in_the_queue),
		TEST(a_client_whose_request_came_with_it),
		TEST(no_queue_is_that_long),
		TEST(a_queue_is_as_long_as_its_worker_is_busy),
		TEST(a_worker_that_has_taken_more_is_through),
		TEST(who_was_used_since_it_fired_is_in_no_queue),
		TEST(who_was_read_since_it_fired_is_in_no_queue),
		TEST(who_fired_with_nothing_to_read_is_in_no_queue),
		TEST(without_proof_it_is_only_open),
		TEST(an_eof_that_the_loop_will_see),
		TEST(an_edge_is_told_once),
		TEST(an_edge_that_nobody_has_fetched),
		TEST(a_loop_that_was_told_is_not_excused),
		TEST(a_one_shot_event_that_nobody_has_fetched),
		TEST(an_edge_that_is_noted_when_it_is_told),
		TEST(an_edge_that_is_never_noted),
		TEST(an_edge_that_lies_behind_another),
		TEST(an_edge_of_an_earlier_turn_was_told),
		TEST(an_edge_of_a_loop_that_waits_was_told),
		TEST(the_other_threads_of_the_set_have_not_come_back),
		TEST(a_thread_of_the_set_was_in_its_turn_until_the_end),
		TEST(not_if_it_ended_in_it),
		TEST(not_if_its_wait_would_have_told_it),
		TEST(not_if_it_waited_but_once),
		TEST(a_poll_loop_ends_with_its_thread),
		TEST(a_loop_whose_thread_ended_sees_nothing),
		TEST(the_close_may_be_put_off_to_the_end_of_the_turn),
		TEST(after_a_reset_too),
		TEST(what_the_wait_told_too),
		TEST(the_next_turn_is_too_late),
		TEST(a_reset_is_too_late_in_the_next_turn),
		TEST(who_read_the_eof_twice_had_two_turns),
		TEST(who_took_it_out_of_the_set_is_through),
		TEST(an_edge_is_not_told_again),
		TEST(a_program_without_a_loop_has_no_turns),
		TEST(what_a_busy_loop_was_told_lies_before_it),
		TEST(a_reset_too),
		TEST(in_a_set_of_poll_as_well),
		TEST(the_turn_of_another_thread_says_nothing),
		TEST(a_loop_that_has_come_back_was_told_in_vain),
		TEST(a_loop_that_took_it_out_has_come_to_it),
		TEST(the_close_may_be_put_off_to_the_end_of_a_long_turn),
		TEST(but_not_beyond_it),
		TEST(nor_where_an_edge_was_fetched),
		TEST(a_loop_that_does_not_come_back),
		TEST(a_loop_of_poll_that_does_not_come_back),
		TEST(a_loop_without_a_thread),
		TEST(a_loop_that_was_told_and_hangs),
		TEST(a_loop_that_was_away_for_less_than_a_minute),
		TEST(a_loop_that_came_back),
		TEST(a_loop_that_came_back_and_waits),
		TEST(a_loop_that_still_reads),
		TEST(a_loop_that_read_the_eof),
		TEST(a_loop_that_does_not_want_input),
		TEST(a_loop_in_a_blind_process),
		TEST(an_end_that_the_loop_will_see),
		TEST(an_end_that_the_loop_saw),
		TEST(an_end_that_an_edge_will_tell),
		TEST(an_end_that_an_edge_told),
		TEST(an_end_that_nobody_will_see),
		TEST(an_end_that_we_made_is_no_news),
		TEST(an_end_that_an_ended_thread_will_not_see),
		TEST(an_end_that_the_loop_was_about_to_see),
		TEST(siblings_that_dwelt_as_long_excuse),
		TEST(who_dwells_longer_than_any_sibling_leaks),
		TEST(what_the_end_closed_excuses_nobody),
		TEST(short_dwells_excuse_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
