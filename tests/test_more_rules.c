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

static struct whole_life *shut_down(struct fixture *x, int fd, double born, uint8_t tcp_state)
{
	struct whole_life *l = forge_accepted(x->forge, fd, x->site, born);

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
	struct whole_life *l = shut_down(x, 5, 10, TCP_CLOSE);

	forge_eof(l, 20);
	shut_down(x, 6, 30, TCP_CLOSE)->flags &= ~(uint32_t)REC_LIFE_FACTS;
	l->flags &= ~(uint32_t)REC_LIFE_FACTS;
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "shutdown-not-closed", PROOF_THREAD_MOVED_ON);
	expect_open(x, 6, OPEN_IN_USE);
}

/* Killed at once: nobody looked what had become of it. */
static void a_shutdown_of_both_directions_counts_without_the_kernel(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = shut_down(x, 5, 10, TCP_CLOSE);

	l->flags &= ~(uint32_t)REC_LIFE_FACTS;
	l->flags |= REC_LIFE_SHUT_RD;
	served_at(x, 1, 500);
	judge_all(x);
	expect_fault(x, 5, "shutdown-not-closed", PROOF_THREAD_MOVED_ON);
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

static struct whole_life *watch(struct whole_life *l)
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

static void a_user_may_have_less_patience(void **state)
{
	static const struct policy hasty = {.max_dwell_ns = FORGE_S(50)};
	struct fixture *x = *state;

	x->policy = &hasty;
	watch(shut_down(x, 6, 945, TCP_FIN_WAIT2));
	served_at(x, 1, 999.9);
	judge_all(x);
	expect_fault(x, 6, "half-close-stuck", PROOF_NONE);
}

static void a_client_waits_for_its_answer_as_long_as_it_likes(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = watch(shut_down(x, 5, 10, TCP_FIN_WAIT2));

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

/* ---- closed-at-end ----------------------------------------------------------------------- */

static struct rec_outcome *swept_up(struct fixture *x, uint32_t closer, uint32_t nr, double dwell)
{
	struct rec_outcome *o = forge_outcome(x->forge, x->site, closer, nr, dwell);

	o->flags |= REC_OUTCOME_TOLD | REC_OUTCOME_AT_END;
	o->last_ns = FORGE_S(999);
	return o;
}

static const struct remark *find_remark(struct fixture *x, const char *rule)
{
	size_t i;

	remark_all(&x->h, &x->remarks);
	for (i = 0; i < x->remarks.nr; i++)
		if (!strcmp(x->remarks.all[i].rule->id, rule))
			return &x->remarks.all[i];
	return NULL;
}

static void what_only_the_clean_up_closed_is_remarked(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020), sweeper = forge_site(x->forge, 0x3030);
	const struct remark *r;

	forge_outcome(x->forge, x->site, closer, 20, 0.003);
	swept_up(x, sweeper, 3, 30);
	swept_up(x, sweeper, 2, 300)->shard = 4;
	judge_all(x);
	r = find_remark(x, "closed-at-end");
	assert_non_null(r);
	assert_int_equal(r->nr, 5);
	assert_int_equal(r->site, sweeper);
	assert_int_equal(r->other_site, x->site);
	assert_string_equal(r->lines[0].text,
			    "up to 5 min 0 s in CLOSE_WAIT; 20 others opened there "
			    "were closed at most 3 ms after the FIN");
	assert_int_equal(x->remarks.nr, 1);
}

static void a_clean_up_soon_after_the_fin_is_none(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);

	forge_outcome(x->forge, x->site, closer, 20, 0.003);
	swept_up(x, closer, 3, 0.9);
	judge_all(x);
	assert_null(find_remark(x, "closed-at-end"));
}

static void a_clean_up_within_the_normal_is_none(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);

	forge_outcome(x->forge, x->site, closer, 20, 20);
	swept_up(x, closer, 3, 30);
	judge_all(x);
	assert_null(find_remark(x, "closed-at-end"));
}

static void without_normal_closes_nothing_is_known(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);

	forge_outcome(x->forge, x->site, closer, 2, 0.003);
	forge_outcome(x->forge, forge_site(x->forge, 0x909090), closer, 90, 0.003);
	swept_up(x, closer, 3, 30);
	judge_all(x);
	assert_null(find_remark(x, "closed-at-end"));
}

/* A pool's, that nobody had looked at; and those that were reset. */
static void who_was_not_told_did_not_forget(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);

	forge_outcome(x->forge, x->site, closer, 20, 0.003);
	swept_up(x, closer, 3, 30)->flags &= ~(uint32_t)REC_OUTCOME_TOLD;
	swept_up(x, closer, 3, 30)->flags |= REC_OUTCOME_RESET;
	swept_up(x, closer, 3, 30)->flags &= ~(uint32_t)REC_OUTCOME_AT_END;
	judge_all(x);
	assert_null(find_remark(x, "closed-at-end"));
}

/* The shim saw that nobody waited on them, and that their thread had served younger ones. */
static void what_was_left_unread_is_remarked_by_itself(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);
	struct rec_outcome *o = swept_up(x, closer, 3, 30);
	const struct remark *r;

	o->flags &= ~(uint32_t)REC_OUTCOME_TOLD;
	o->flags |= REC_OUTCOME_LEFT;
	judge_all(x);
	r = find_remark(x, "closed-at-end");
	assert_non_null(r);
	assert_int_equal(r->nr, 3);
	assert_string_equal(r->which->name, "eof-unread");
	assert_string_equal(r->lines[0].text, "up to 30.0 s in CLOSE_WAIT");
}

static void what_was_left_as_long_as_others_is_none(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);

	forge_outcome(x->forge, x->site, closer, 1, 20);
	swept_up(x, closer, 3, 30)->flags |= REC_OUTCOME_LEFT;
	judge_all(x);
	assert_null(find_remark(x, "closed-at-end"));
}

/* What of a bucket lies within the normal is not counted, but the longest is known. */
static void of_a_bucket_in_doubt_one_counts(void **state)
{
	struct fixture *x = *state;
	uint32_t closer = forge_site(x->forge, 0x2020);

	forge_outcome(x->forge, x->site, closer, 20, 0.003);
	swept_up(x, closer, 7, 1.05);
	judge_all(x);
	assert_int_equal(find_remark(x, "closed-at-end")->nr, 1);
}

/* ---- never-accepted ---------------------------------------------------------------------- */

/* Three connections wait; thread 1 accepted last at that second, if ever. */
static struct whole_life *listener(struct fixture *x, double last_accept)
{
	struct whole_life *l = forge_accepted(x->forge, 3, x->site, 1);

	l->flags = REC_LIFE_LISTENING;
	l->born_by = REC_CALL_SOCKET;
	l->touch_ns = FORGE_S(last_accept);
	forge_facts(l, TCP_LISTEN, 0);
	l->kernel_unread = 3;
	l->kernel_unsent = 128;
	return l;
}

/* It was told to stop at 950, and waited for one of its workers. */
static void who_stops_accepts_no_more(void **state)
{
	struct fixture *x = *state;

	listener(x, 949.5);
	forge_header(x->forge)->stop_ns = FORGE_S(950);
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

static void who_stopped_to_accept_before_is_reported(void **state)
{
	struct fixture *x = *state;

	listener(x, 940);
	forge_header(x->forge)->stop_ns = FORGE_S(950);
	judge_all(x);
	expect_fault(x, 3, "never-accepted", PROOF_NONE);
}

/* The machine is busy: the kernel was asked 5 s after the recording of the server was read. */
static void what_was_accepted_since_it_was_read_is_not_known(void **state)
{
	struct fixture *x = *state;

	listener(x, 994.5);
	x->read_ns = FORGE_S(995);
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

static void a_queue_that_nobody_empties_is_reported(void **state)
{
	struct fixture *x = *state;

	listener(x, 500);
	judge_all(x);
	expect_fault(x, 3, "never-accepted", PROOF_NONE);
	assert_string_equal(kind_of(x, 3), "stopped");
	assert_int_equal(find(x, 3)->judged.verdict.since_ns, FORGE_S(500));
}

static void a_queue_that_was_never_looked_at_is_reported(void **state)
{
	struct fixture *x = *state;

	listener(x, 1);
	judge_all(x);
	expect_fault(x, 3, "never-accepted", PROOF_NONE);
	assert_string_equal(kind_of(x, 3), "never");
}

static void an_empty_queue_is_none(void **state)
{
	struct fixture *x = *state;

	listener(x, 500)->kernel_unread = 0;
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

static void a_queue_of_a_busy_server_is_none(void **state)
{
	struct fixture *x = *state;

	listener(x, 999.5);
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

static void a_queue_with_somebody_in_accept_is_none(void **state)
{
	struct fixture *x = *state;

	listener(x, 500)->reader_tid = 1;
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

static void a_queue_in_an_epoll_set_is_none(void **state)
{
	struct fixture *x = *state;

	watch(listener(x, 500));
	forge_header(x->forge)->last_seen_ns = FORGE_S(900);
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

/* The edge came when the last of them did, and nobody has been woken in the last second. */
static void a_queue_whose_edge_is_lost_is_reported(void **state)
{
	struct fixture *x = *state;

	watch(listener(x, 500))->epoll_events |= EPOLLET;
	forge_header(x->forge)->last_seen_ns = FORGE_S(900);
	judge_all(x);
	expect_fault(x, 3, "never-accepted", PROOF_NONE);
}

static void a_queue_whose_edge_has_just_come_is_none(void **state)
{
	struct fixture *x = *state;

	watch(listener(x, 500))->epoll_events |= EPOLLET;
	forge_header(x->forge)->last_seen_ns = FORGE_S(999.5);
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

/* One client at a time: the thread reads from that one, for minutes. */
static void a_queue_behind_a_client_that_is_served_is_none(void **state)
{
	struct fixture *x = *state;

	listener(x, 500);
	forge_accepted(x->forge, 5, x->site, 500);
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

/* An event loop has connections, too, but has come round since. */
static void a_queue_beside_an_event_loop_is_reported(void **state)
{
	struct fixture *x = *state;

	listener(x, 500);
	forge_accepted(x->forge, 5, x->site, 500);
	forge_header(x->forge)->last_seen_ns = FORGE_S(900);
	judge_all(x);
	expect_fault(x, 3, "never-accepted", PROOF_NONE);
}

/* They accepted from it, ended with nothing open, and left no recording. */
static void a_queue_that_workers_have_left_is_none(void **state)
{
	struct fixture *x = *state;

	listener(x, 1);
	free(forge_write_summary(&(struct rec_summary){.loaded = 3, .folded = 2}, x->dir));
	judge_all(x);
	expect_open(x, 3, OPEN_LISTENER);
}

/* ---- held-elsewhere ---------------------------------------------------------------------- */

static struct whole_life *closed(struct fixture *x, int fd, double born, double at)
{
	struct whole_life *l = forge_accepted(x->forge, fd, x->site, born);

	l->seq = 2;
	l->close_ns = FORGE_S(at);
	l->close_site = forge_site(x->forge, 0x2020);
	return l;
}

static struct forge *forked(double at)
{
	struct forge *child = forge_new(200);

	forge_site(child, 0x1010);
	forge_header(child)->parent_pid = 100;
	forge_header(child)->start_ns = FORGE_S(at);
	return child;
}

static struct whole_life *inherited(struct forge *child, int fd, double born)
{
	struct whole_life *l = forge_accepted(child, fd, 1, born);

	l->flags = (l->flags | REC_LIFE_INHERITED) & ~(uint32_t)REC_LIFE_TOUCHED;
	return l;
}

static void judge_with(struct fixture *x, struct forge *child)
{
	free(forge_write(child, x->dir, "200.0.socklint"));
	judge_all(x);
	forge_free(child);
}

static void a_child_that_holds_what_was_closed_is_reported(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);
	const struct socket *s;

	closed(x, 5, 10, 500);
	inherited(child, 5, 10);
	judge_with(x, child);
	expect_fault(x, 5, "held-elsewhere", PROOF_NONE);
	s = find(x, 5)->judged.socket;
	assert_string_equal(kind_of(x, 5), "child");
	assert_int_equal(s->closed.process->pid, 100);
	assert_int_equal(s->closed.site, 2);
	assert_int_equal(s->closed.ns, FORGE_S(500));
}

/* The peer has hung up since; nobody in the child can know. */
static void so_it_is_in_close_wait(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);

	closed(x, 5, 10, 500);
	forge_facts(inherited(child, 5, 10), TCP_CLOSE_WAIT, 400);
	judge_with(x, child);
	expect_fault(x, 5, "held-elsewhere", PROOF_NONE);
}

/* The parent's slot holds a younger one: so it closed this one before. */
static void so_it_is_where_the_number_was_used_again(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);

	forge_accepted(x->forge, 5, x->site, 600)->seq = 3;
	inherited(child, 5, 10);
	judge_with(x, child);
	assert_int_equal(x->h.nr_sockets, 2);
	assert_int_equal(x->f.nr_groups, 1);
	assert_string_equal(x->f.groups[0].members[0].judged.rule->id, "held-elsewhere");
	assert_int_equal(x->f.groups[0].members[0].judged.socket->closed.ns, 0);
}

static void what_the_opener_still_holds_is_not_held_elsewhere(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);

	forge_accepted(x->forge, 5, x->site, 10);
	inherited(child, 5, 10);
	judge_with(x, child);
	expect_open(x, 5, OPEN_IN_USE);
}

static void what_a_stranger_closed_is_not_held_elsewhere(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);

	closed(x, 5, 20, 500);
	inherited(child, 5, 10);
	forge_header(child)->parent_pid = 77;
	judge_with(x, child);
	expect_open(x, 5, OPEN_IN_USE);
}

/* Judged is descriptor 5 of a child that was forked at second 300, closed by its opener at 500. */
static void expect_child_open(struct fixture *x, struct forge *child)
{
	closed(x, 5, 10, 500);
	judge_with(x, child);
	expect_open(x, 5, OPEN_IN_USE);
}

static void a_child_that_uses_it_may_hold_it(void **state)
{
	struct forge *child = forked(300);

	inherited(child, 5, 10)->flags |= REC_LIFE_TOUCHED;
	expect_child_open(*state, child);
}

static void a_child_that_waits_on_it_may_hold_it(void **state)
{
	struct forge *child = forked(300);

	inherited(child, 5, 10)->reader_tid = 200;
	expect_child_open(*state, child);
}

static void a_child_that_waits_on_its_epoll_set_may_hold_it(void **state)
{
	struct forge *child = forked(300);

	watch(inherited(child, 5, 10));
	forge_header(child)->last_seen_ns = FORGE_S(800);
	expect_child_open(*state, child);
}

/* It has never waited: the set is its parent's. */
static void the_parents_epoll_set_is_no_excuse(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);

	closed(x, 5, 10, 500);
	watch(inherited(child, 5, 10));
	judge_with(x, child);
	expect_fault(x, 5, "held-elsewhere", PROOF_NONE);
}

static void a_child_that_is_young_may_hold_it(void **state)
{
	struct forge *child = forked(999.5);

	inherited(child, 5, 10);
	expect_child_open(*state, child);
}

static void a_child_that_was_forked_for_it_may_hold_it(void **state)
{
	struct forge *child = forked(10.5);

	inherited(child, 5, 10);
	expect_child_open(*state, child);
}

static void a_child_that_was_forked_for_a_younger_one_may_not(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(10.5);

	closed(x, 5, 10, 500);
	inherited(child, 5, 10);
	inherited(child, 6, 10.2);
	judge_with(x, child);
	expect_fault(x, 5, "held-elsewhere", PROOF_NONE);
	expect_open(x, 6, OPEN_IN_USE);
}

static void what_was_just_closed_is_not_yet_held_elsewhere(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);

	closed(x, 5, 10, 999.5);
	inherited(child, 5, 10);
	judge_with(x, child);
	expect_open(x, 5, OPEN_IN_USE);
}

/* Its FIN was sent: whoever holds it keeps a descriptor, and no peer waiting. */
static void what_was_shut_down_is_not_held_elsewhere(void **state)
{
	struct fixture *x = *state;
	struct forge *child = forked(300);
	struct whole_life *l = inherited(child, 5, 10);

	l->flags |= REC_LIFE_SHUT_WR;
	forge_facts(l, TCP_FIN_WAIT2, 0);
	closed(x, 5, 10, 500);
	judge_with(x, child);
	assert_string_not_equal(find(x, 5)->judged.rule ? find(x, 5)->judged.rule->id : "",
				"held-elsewhere");
}

/* The slot of the first was used again. */
static struct whole_life *duplicate_of_closed(struct fixture *x, int fd)
{
	struct whole_life *l = forge_accepted(x->forge, fd, x->site, 10);

	l->flags |= REC_LIFE_DUPLICATE | REC_LIFE_COPY | REC_LIFE_FIRST_CLOSED;
	l->close_site = x->site;
	l->close_ns = FORGE_S(500);
	return l;
}

static void a_duplicate_that_was_forgotten_is_reported(void **state)
{
	struct fixture *x = *state;

	duplicate_of_closed(x, 6);
	served_at(x, 1, 600);
	judge_all(x);
	expect_fault(x, 6, "held-elsewhere", PROOF_THREAD_MOVED_ON);
	assert_string_equal(kind_of(x, 6), "duplicate");
	assert_int_equal(find(x, 6)->judged.socket->closed.ns, FORGE_S(500));
}

static void a_duplicate_is_none_while_the_first_is_open(void **state)
{
	struct fixture *x = *state;

	duplicate_of_closed(x, 6)->flags &= ~(uint32_t)REC_LIFE_FIRST_CLOSED;
	served_at(x, 1, 600);
	judge_all(x);
	expect_open(x, 6, OPEN_IN_USE);
}

static void a_duplicate_without_proof_is_open(void **state)
{
	struct fixture *x = *state;

	duplicate_of_closed(x, 6);
	judge_all(x);
	expect_open(x, 6, OPEN_IN_USE);
}

static void a_duplicate_that_is_watched_is_open(void **state)
{
	struct fixture *x = *state;

	watch(duplicate_of_closed(x, 6));
	served_at(x, 1, 600);
	judge_all(x);
	expect_open(x, 6, OPEN_IN_USE);
}

static struct whole_life *received(struct fixture *x, struct forge *receiver)
{
	struct whole_life *l = forge_accepted(receiver, 8, 1, 20);

	forge_sent(x->forge, closed(x, 5, 10, 500), 7);
	l->kernel_cookie = 7;
	l->flags |= REC_LIFE_RECEIVED;
	l->born_by = REC_CALL_RECVMSG;
	return l;
}

static void a_receiver_that_moved_on_is_reported(void **state)
{
	struct fixture *x = *state;
	struct forge *receiver = forked(1);

	received(x, receiver)->flags |= REC_LIFE_TOUCHER_ENDED;
	judge_with(x, receiver);
	expect_fault(x, 8, "held-elsewhere", PROOF_TOUCHER_ENDED);
	assert_string_equal(kind_of(x, 8), "receiver");
	assert_int_equal(find(x, 8)->judged.socket->closed.ns, FORGE_S(500));
}

static void a_receiver_that_has_it_in_hand_is_not(void **state)
{
	struct fixture *x = *state;
	struct forge *receiver = forked(1);

	received(x, receiver);
	judge_with(x, receiver);
	assert_int_not_equal(find(x, 8)->judged.verdict.reason, OPEN_NONE);
}

/* ---- inherited-by-exec ------------------------------------------------------------------- */

/* Of another program, that was started at second 300 with two connections of ours. */
static struct whole_life *passed_on(struct fixture *x, struct forge *image, int fd, double born)
{
	struct whole_life *l = forge_accepted(image, fd, 0, 300);

	forge_accepted(x->forge, fd, x->site, born)->kernel_cookie = (uint64_t)fd;
	l->kernel_cookie = (uint64_t)fd;
	l->flags = (l->flags | REC_LIFE_AT_START) & ~(uint32_t)REC_LIFE_TOUCHED;
	l->born_by = REC_CALL_AT_START;
	return l;
}

static void what_a_stranger_got_by_exec_is_noted(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(300);

	passed_on(x, image, 5, 10);
	judge_with(x, image);
	expect_fault(x, 5, "inherited-by-exec", PROOF_NONE);
}

static void several_of_them_are_noted_however_young(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(300);

	passed_on(x, image, 5, 299.5);
	passed_on(x, image, 6, 299.6);
	judge_with(x, image);
	expect_fault(x, 5, "inherited-by-exec", PROOF_NONE);
	expect_fault(x, 6, "inherited-by-exec", PROOF_NONE);
}

static void what_it_was_started_for_is_not_noted(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(300);

	passed_on(x, image, 5, 299.5);
	judge_with(x, image);
	expect_open(x, 5, OPEN_IN_USE);
}

static void what_it_uses_is_not_noted(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(300);

	passed_on(x, image, 5, 10)->flags |= REC_LIFE_TOUCHED;
	watch(passed_on(x, image, 6, 10));
	passed_on(x, image, 7, 10)->polled_ns = FORGE_S(400);
	judge_with(x, image);
	expect_open(x, 5, OPEN_IN_USE);
	expect_open(x, 6, OPEN_IN_USE);
	expect_open(x, 7, OPEN_IN_USE);
}

static void what_it_has_as_stdin_is_not_noted(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(300);

	passed_on(x, image, 0, 10);
	judge_with(x, image);
	expect_open(x, 0, OPEN_IN_USE);
}

static void a_listener_that_is_handed_on_is_not_noted(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(300);

	passed_on(x, image, 5, 10)->flags |= REC_LIFE_LISTENING;
	judge_with(x, image);
	expect_open(x, 5, OPEN_LISTENER);
}

static void a_program_that_has_just_started_is_not_noted(void **state)
{
	struct fixture *x = *state;
	struct forge *image = forked(999.5);

	passed_on(x, image, 5, 10);
	judge_with(x, image);
	expect_open(x, 5, OPEN_IN_USE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_shut_down_is_not_closed),
		TEST(a_shutdown_and_an_eof_count_without_the_kernel),
		TEST(a_shutdown_of_both_directions_counts_without_the_kernel),
		TEST(a_shutdown_within_the_grace_is_open),
		TEST(a_shutdown_without_proof_is_open),
		TEST(a_reset_after_shutdown_is_a_descriptor_leak),
		TEST(a_half_closed_socket_that_nobody_waits_on_is_stuck),
		TEST(a_half_closed_socket_needs_proof),
		TEST(a_half_closed_socket_has_a_second),
		TEST(a_server_waits_a_minute_for_the_fin),
		TEST(a_user_may_have_less_patience),
		TEST(a_client_waits_for_its_answer_as_long_as_it_likes),
		TEST(other_states_are_not_stuck),
		TEST(what_only_the_clean_up_closed_is_remarked),
		TEST(a_clean_up_soon_after_the_fin_is_none),
		TEST(a_clean_up_within_the_normal_is_none),
		TEST(without_normal_closes_nothing_is_known),
		TEST(who_was_not_told_did_not_forget),
		TEST(of_a_bucket_in_doubt_one_counts),
		TEST(what_was_left_unread_is_remarked_by_itself),
		TEST(what_was_left_as_long_as_others_is_none),
		TEST(who_stops_accepts_no_more),
		TEST(who_stopped_to_accept_before_is_reported),
		TEST(what_was_accepted_since_it_was_read_is_not_known),
		TEST(a_queue_that_nobody_empties_is_reported),
		TEST(a_queue_that_was_never_looked_at_is_reported),
		TEST(an_empty_queue_is_none),
		TEST(a_queue_of_a_busy_server_is_none),
		TEST(a_queue_with_somebody_in_accept_is_none),
		TEST(a_queue_in_an_epoll_set_is_none),
		TEST(a_queue_whose_edge_is_lost_is_reported),
		TEST(a_queue_whose_edge_has_just_come_is_none),
		TEST(a_queue_behind_a_client_that_is_served_is_none),
		TEST(a_queue_beside_an_event_loop_is_reported),
		TEST(a_queue_that_workers_have_left_is_none),
		TEST(a_child_that_holds_what_was_closed_is_reported),
		TEST(so_it_is_in_close_wait),
		TEST(so_it_is_where_the_number_was_used_again),
		TEST(what_the_opener_still_holds_is_not_held_elsewhere),
		TEST(what_a_stranger_closed_is_not_held_elsewhere),
		TEST(a_child_that_uses_it_may_hold_it),
		TEST(a_child_that_waits_on_it_may_hold_it),
		TEST(a_child_that_waits_on_its_epoll_set_may_hold_it),
		TEST(the_parents_epoll_set_is_no_excuse),
		TEST(a_child_that_is_young_may_hold_it),
		TEST(a_child_that_was_forked_for_it_may_hold_it),
		TEST(a_child_that_was_forked_for_a_younger_one_may_not),
		TEST(what_was_just_closed_is_not_yet_held_elsewhere),
		TEST(what_was_shut_down_is_not_held_elsewhere),
		TEST(a_duplicate_that_was_forgotten_is_reported),
		TEST(a_duplicate_is_none_while_the_first_is_open),
		TEST(a_duplicate_without_proof_is_open),
		TEST(a_duplicate_that_is_watched_is_open),
		TEST(a_receiver_that_moved_on_is_reported),
		TEST(a_receiver_that_has_it_in_hand_is_not),
		TEST(what_a_stranger_got_by_exec_is_noted),
		TEST(several_of_them_are_noted_however_young),
		TEST(what_it_was_started_for_is_not_noted),
		TEST(what_it_uses_is_not_noted),
		TEST(what_it_has_as_stdin_is_not_noted),
		TEST(a_listener_that_is_handed_on_is_not_noted),
		TEST(a_program_that_has_just_started_is_not_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
