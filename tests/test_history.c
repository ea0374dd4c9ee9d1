/* SPDX-License-Identifier: MIT */
/* Descriptors of one socket are one socket, and only what is open counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge.h"
#include "history.h"
#include "live.h"
#include "rules.h"

struct fixture {
	char *dir;
	struct forge *parent, *child;
	uint32_t site;
	struct collection c;
	struct history h;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->dir = forge_directory();
	x->parent = forge_new(100);
	x->child = forge_new(200);
	x->site = forge_site(x->parent, 0x1010);
	forge_site(x->child, 0x1010);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	history_release(&x->h);
	collection_release(&x->c);
	forge_remove(x->dir);
	forge_free(x->parent);
	forge_free(x->child);
	free(x);
	return 0;
}

static void read_history(struct fixture *x)
{
	free(forge_write(x->parent, x->dir, "100.0.socklint"));
	free(forge_write(x->child, x->dir, "200.0.socklint"));
	collection_add(&x->c, x->dir);
	assert_int_equal(x->c.nr, 2);
	history_read(&x->h, &x->c);
}

static void join(struct fixture *x)
{
	read_history(x);
	history_join(&x->h);
}

static void takes_only_open_lives(void **state)
{
	struct fixture *x = *state;

	forge_accepted(x->parent, 3, x->site, 10);
	forge_accepted(x->parent, 4, x->site, 20)->seq = 2;
	forge_accepted(x->parent, 5, x->site, 30)->flags |= REC_LIFE_GONE;
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].birth->fd, 3);
	assert_int_equal(x->h.followed, 3);
}

static void hands_out_the_time_line(void **state)
{
	struct fixture *x = *state;

	forge_sample(x->parent, 10, 50);
	forge_sample(x->parent, 20, 70);
	join(x);
	assert_int_equal(x->h.processes[0].nr_samples, 2);
	assert_int_equal(x->h.processes[0].samples[1]->fin_seen, 7);
}

static void joins_duplicates_by_id(void **state)
{
	struct fixture *x = *state;
	struct whole_life *a = forge_accepted(x->parent, 3, x->site, 10);
	struct whole_life *b = forge_accepted(x->parent, 4, x->site, 10);

	b->id = a->id;
	a->flags |= REC_LIFE_DUPLICATE;
	b->flags |= REC_LIFE_DUPLICATE | REC_LIFE_COPY;
	b->touch_seq = a->touch_seq + 1;
	forge_eof(b, 30);
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].nr_holders, 2);
	assert_int_equal(x->h.sockets[0].birth->fd, 3);
	assert_int_equal(x->h.sockets[0].touched->fd, 4);
	assert_int_equal(x->h.sockets[0].eof->fd, 4);
	assert_true(x->h.sockets[0].flags & REC_LIFE_EOF);
}

/* Ids count in each process from 1: equal ones in two processes mean nothing. */
static void keeps_equal_ids_of_two_processes_apart(void **state)
{
	struct fixture *x = *state;

	forge_accepted(x->parent, 3, x->site, 10);
	forge_accepted(x->child, 3, x->site, 11);
	join(x);
	assert_int_equal(x->h.nr_sockets, 2);
}

static void joins_processes_by_cookie(void **state)
{
	struct fixture *x = *state;
	struct whole_life *a = forge_accepted(x->parent, 3, x->site, 10);
	struct whole_life *b = forge_accepted(x->child, 9, x->site, 10);

	a->kernel_cookie = b->kernel_cookie = 4711;
	b->flags |= REC_LIFE_INHERITED;
	b->touch_ns = FORGE_S(50);
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].birth->process->pid, 100);
	assert_int_equal(x->h.sockets[0].touched->process->pid, 100);
	assert_int_equal(x->h.sockets[0].elsewhere->process->pid, 200);
}

static void joins_the_inherited_without_a_cookie(void **state)
{
	struct fixture *x = *state;

	forge_accepted(x->parent, 3, x->site, 10);
	forge_accepted(x->parent, 4, x->site, 10);
	forge_accepted(x->child, 3, x->site, 10)->flags |= REC_LIFE_INHERITED;
	join(x);
	assert_int_equal(x->h.nr_sockets, 2);
	assert_int_equal(x->h.sockets[0].nr_holders, 2);
	assert_int_equal(x->h.sockets[1].nr_holders, 1);
}

/* ---- passed on by exec ------------------------------------------------------------------- */

/* Accepted in the parent's image, which exec replaced at second 500; the child's is the next. */
static struct whole_life *pass_by_exec(struct fixture *x, int fd, uint64_t cookie)
{
	struct whole_life *before = forge_accepted(x->parent, fd, x->site, 10);
	struct whole_life *after = forge_accepted(x->child, fd, 0, 500);

	forge_header(x->parent)->end_kind = REC_END_EXEC;
	forge_header(x->parent)->end_ns = FORGE_S(500);
	before->facts_ns = FORGE_S(500);
	before->kernel_cookie = after->kernel_cookie = cookie;
	after->flags = REC_LIFE_AT_START | REC_LIFE_ACCEPTED;
	after->born_by = REC_CALL_AT_START;
	after->touch_ns = after->born_ns;
	forge_facts(after, TCP_CLOSE_WAIT, 900);
	return before;
}

/* The thread of the image before has gone on to a younger one. */
static void moved_on_before_exec(struct fixture *x)
{
	struct rec_progress *p = forge_progress(x->parent, 1, x->site);

	p->newest_born_ns = FORGE_S(50);
	p->newest_touch_ns = FORGE_S(51);
	p->newest_touch_seq = 1000;
	p->served = 2;
}

static struct verdict verdict_of(struct fixture *x, size_t socket)
{
	struct judged j;

	judge(&x->h.sockets[socket], &j);
	return j.verdict;
}

static void exec_passes_on_what_was_known(void **state)
{
	struct fixture *x = *state;

	forge_eof(pass_by_exec(x, 3, 4711), 30);
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].nr_holders, 1);
	assert_int_equal(x->h.sockets[0].birth->process->pid, 200);
	assert_int_equal(socket_opened(&x->h.sockets[0])->process->pid, 100);
	assert_int_equal(socket_opened(&x->h.sockets[0])->r.born_ns, FORGE_S(10));
	assert_int_equal(x->h.sockets[0].eof->process->pid, 100);
	assert_int_equal(x->h.sockets[0].before->process->pid, 100);
}

static void left_behind_by_the_image_before(void **state)
{
	struct fixture *x = *state;

	forge_eof(pass_by_exec(x, 3, 4711), 30);
	moved_on_before_exec(x);
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_NONE);
	assert_int_equal(verdict_of(x, 0).proof.kind, PROOF_THREAD_MOVED_ON);
}

/* It may have been handed over for the new program to serve. */
static void not_left_behind_without_being_told(void **state)
{
	struct fixture *x = *state;

	pass_by_exec(x, 3, 4711);
	moved_on_before_exec(x);
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_NO_PROOF);
}

static void not_left_behind_where_the_next_image_uses_it(void **state)
{
	struct fixture *x = *state;
	struct whole_life *after;

	forge_eof(pass_by_exec(x, 3, 4711), 30);
	moved_on_before_exec(x);
	after = forge_accepted(x->child, 3, 0, 500);
	after->kernel_cookie = 4711;
	after->flags |= REC_LIFE_AT_START;
	forge_facts(after, TCP_CLOSE_WAIT, 900);
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_NO_PROOF);
}

static void close_on_exec_passes_nothing_on(void **state)
{
	struct fixture *x = *state;

	pass_by_exec(x, 3, 4711)->flags |= REC_LIFE_CLOEXEC;
	join(x);
	assert_int_equal(x->h.nr_origins, 0);
	assert_int_equal(socket_opened(&x->h.sockets[0])->process->pid, 200);
}

/* What exec has replaced holds nothing by itself. */
static void a_replaced_image_holds_nothing(void **state)
{
	struct fixture *x = *state;

	forge_accepted(x->parent, 3, x->site, 10)->kernel_cookie = 4711;
	forge_header(x->parent)->end_kind = REC_END_EXEC;
	join(x);
	assert_int_equal(x->h.nr_sockets, 0);
}

/* ---- sent by SCM_RIGHTS ------------------------------------------------------------------ */

/* The child received it at second 20 and has not touched it. */
static struct whole_life *receive(struct fixture *x, int fd, uint64_t cookie)
{
	struct whole_life *l = forge_accepted(x->child, fd, forge_site(x->child, 0x2020), 20);

	l->kernel_cookie = cookie;
	l->flags = REC_LIFE_RECEIVED | REC_LIFE_ACCEPTED;
	l->born_by = REC_CALL_RECVMSG;
	l->touch_ns = l->born_ns;
	forge_facts(l, TCP_CLOSE_WAIT, 900);
	return l;
}

static void sender_tells_where_it_was_opened(void **state)
{
	struct fixture *x = *state;
	struct whole_life *closed = forge_accepted(x->parent, 3, x->site, 10);

	forge_sent(x->parent, closed, 4711)->sent_site = x->site;
	closed->seq = 2;
	receive(x, 5, 4711);
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].birth->fd, 5);
	assert_int_equal(socket_opened(&x->h.sockets[0])->process->pid, 100);
	assert_int_equal(x->h.sockets[0].sent->sent_site, x->site);
	assert_true(x->h.sockets[0].flags & REC_LIFE_ACCEPTED);
}

/* The receiver took it for accepted; the sender knows that it was made by socket(). */
static void sender_tells_which_side_it_is(void **state)
{
	struct fixture *x = *state;
	struct whole_life *closed = forge_accepted(x->parent, 3, x->site, 10);

	closed->born_by = REC_CALL_SOCKET;
	forge_sent(x->parent, closed, 4711);
	closed->seq = 2;
	receive(x, 5, 4711);
	join(x);
	assert_false(x->h.sockets[0].flags & REC_LIFE_ACCEPTED);
	assert_true(x->h.sockets[0].flags & REC_LIFE_CONNECTED);
}

/* One that was itself sent on is not where it was opened. */
static void the_first_of_several_senders_opened_it(void **state)
{
	struct fixture *x = *state;
	struct whole_life *first = forge_accepted(x->parent, 3, x->site, 10);
	struct whole_life *second = forge_accepted(x->child, 4, x->site, 9);

	forge_sent(x->parent, first, 4711);
	second->born_by = REC_CALL_RECVMSG;
	forge_sent(x->child, second, 4711);
	first->seq = second->seq = 2;
	receive(x, 5, 4711);
	join(x);
	assert_int_equal(socket_opened(&x->h.sockets[0])->process->pid, 100);
}

static struct whole_life *sender_still_has_it(struct fixture *x)
{
	struct whole_life *l = forge_accepted(x->parent, 3, x->site, 10);

	l->kernel_cookie = 4711;
	l->flags |= REC_LIFE_SENT;
	forge_facts(l, TCP_CLOSE_WAIT, 900);
	forge_sent(x->parent, l, 4711);
	moved_on_before_exec(x);
	return l;
}

/* That the sender is through with it says nothing of who was given it. */
static void the_receiver_answers_for_it(void **state)
{
	struct fixture *x = *state;

	sender_still_has_it(x);
	receive(x, 5, 4711);
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].birth->process->pid, 100);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_ELSEWHERE);
}

static void sent_to_somebody_unknown(void **state)
{
	struct fixture *x = *state;

	sender_still_has_it(x);
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_ELSEWHERE);
}

/* By SCM_RIGHTS from one thread to another. */
static void sent_to_itself(void **state)
{
	struct fixture *x = *state;

	sender_still_has_it(x)->flags |= REC_LIFE_RECEIVED;
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_NONE);
}

/* The receiver is known and has it no more: the sender's own number was forgotten. */
static void kept_after_the_receiver_closed_it(void **state)
{
	struct fixture *x = *state;

	sender_still_has_it(x);
	receive(x, 5, 4712)->seq = 2;
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_NONE);
}

/* ---- seen by nobody ---------------------------------------------------------------------- */

static void an_unseen_socket_is_never_a_fault(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = forge_accepted(x->parent, 3, x->site, 10);

	l->flags |= REC_LIFE_UNSEEN | REC_LIFE_TOUCHER_ENDED;
	forge_facts(l, TCP_CLOSE_WAIT, 900);
	forge_eof(l, 30);
	join(x);
	assert_int_equal(verdict_of(x, 0).reason, OPEN_UNSEEN);
}

/* Another number of a socket that is known. */
static void an_unseen_number_of_a_known_socket(void **state)
{
	struct fixture *x = *state;
	struct whole_life *unseen = forge_accepted(x->parent, 4, 0, 5);

	forge_accepted(x->parent, 3, x->site, 10)->kernel_cookie = 4711;
	unseen->flags = REC_LIFE_UNSEEN;
	unseen->kernel_cookie = 4711;
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].birth->fd, 3);
	assert_false(socket_is_unseen(&x->h.sockets[0]));
}

static size_t nr_kin(struct fixture *x, uint32_t site, bool accepted)
{
	return kinship_of(x->h.processes[0].kinship, site, accepted)->nr;
}

static void finds_progress_of_a_site(void **state)
{
	struct fixture *x = *state;
	uint32_t one = forge_site(x->parent, 0x1000), other = forge_site(x->parent, 0x9000);

	forge_progress(x->parent, 9, one);
	forge_progress(x->parent, 1, other);
	forge_progress(x->parent, 2, one);
	join(x);
	assert_int_equal(nr_kin(x, one, true), 2);
	assert_int_equal(nr_kin(x, one, false), 2);
	assert_int_equal(nr_kin(x, other, true), 1);
	assert_int_equal(nr_kin(x, x->site, true), 0);
	assert_int_equal(nr_kin(x, 0, true), 0);
	assert_int_equal(nr_kin(x, UINT32_MAX, true), 0);
}

/* A site of two frames that has made some progress. */
static uint32_t site_of_two(struct fixture *x, uint64_t inner, uint64_t outer)
{
	uint32_t id = forge_site(x->parent, inner);
	struct rec_site *site = forge_site_at(x->parent, id);

	site->pc[1] = outer;
	site->nr = 2;
	forge_progress(x->parent, 1, id);
	return id;
}

static void copies_of_a_call_are_kin(void **state)
{
	struct fixture *x = *state;
	uint32_t one = site_of_two(x, 0x1000, 0x5000);

	site_of_two(x, 0x1040, 0x5000);	  /* the same loop, unrolled */
	site_of_two(x, 0x101000, 0x5000); /* another function */
	join(x);
	assert_int_equal(nr_kin(x, one, true), 2);
	assert_int_equal(nr_kin(x, one, false), 2);
}

/* main() accepts, and opens its listener and its upstream's connection, all of it inlined. */
static void other_calls_of_one_function_are_no_kin(void **state)
{
	struct fixture *x = *state;
	uint32_t accepts = site_of_two(x, 0x1000, 0x5000), opens = site_of_two(x, 0x1040, 0x5000);

	forge_site_at(x->parent, accepts)->born_by = REC_CALL_ACCEPT;
	forge_site_at(x->parent, opens)->born_by = REC_CALL_SOCKET;
	join(x);
	assert_int_equal(nr_kin(x, accepts, true), 1);
	assert_int_equal(nr_kin(x, opens, false), 1);
}

static void one_call_of_accept_makes_kin_but_no_client_kin(void **state)
{
	struct fixture *x = *state;
	uint32_t one = site_of_two(x, 0x1000, 0x5000);

	site_of_two(x, 0x1000, 0x6000); /* the wrapper was called from elsewhere */
	join(x);
	assert_int_equal(nr_kin(x, one, true), 2);
	assert_int_equal(nr_kin(x, one, false), 1);
}

static void dates_the_killed_by_their_last_sign(void **state)
{
	struct fixture *x = *state;
	struct rec_header *h = forge_header(x->parent);

	h->end_kind = REC_END_NONE;
	h->end_ns = h->facts_ns = 0;
	forge_accepted(x->parent, 3, x->site, 10)->flags = REC_LIFE_ACCEPTED;
	forge_accepted(x->parent, 3, x->site, 10)->facts_ns = FORGE_S(40);
	join(x);
	assert_int_equal(x->h.processes[0].end, PROCESS_KILLED);
	assert_int_equal(x->h.processes[0].now_ns, FORGE_S(40));
	assert_int_equal(x->h.processes[1].end, PROCESS_SIGNALLED);
}

static void a_wait_is_a_sign_of_life(void **state)
{
	struct fixture *x = *state;
	struct rec_header *h = forge_header(x->parent);

	h->end_kind = REC_END_NONE;
	h->end_ns = h->facts_ns = 0;
	h->last_seen_ns = FORGE_S(50);
	forge_accepted(x->parent, 3, x->site, 10)->facts_ns = FORGE_S(40);
	join(x);
	assert_int_equal(x->h.processes[0].now_ns, FORGE_S(50));
}

static void the_first_who_was_told_speaks_for_the_socket(void **state)
{
	struct fixture *x = *state;
	struct whole_life *l = forge_accepted(x->parent, 3, x->site, 10), *copy;

	copy = forge_accepted(x->parent, 4, x->site, 10);
	copy->id = l->id;
	l->flags |= REC_LIFE_TOLD;
	copy->flags |= REC_LIFE_TOLD;
	l->told_ns = FORGE_S(30);
	copy->told_ns = FORGE_S(20);
	join(x);
	assert_int_equal(x->h.nr_sockets, 1);
	assert_int_equal(x->h.sockets[0].told->fd, 4);
}

static void believes_who_saw_the_killed_end(void **state)
{
	struct fixture *x = *state;
	struct rec_summary sum = {.loaded = 1, .program_pid = 100, .program_end_ns = FORGE_S(2000)};

	forge_header(x->parent)->end_kind = REC_END_NONE;
	free(forge_write_summary(&sum, x->dir));
	join(x);
	assert_int_equal(x->h.processes[0].now_ns, FORGE_S(2000));
	assert_int_equal(x->h.processes[1].now_ns, FORGE_S(FORGE_END));
}

/* ---- processes that still run ------------------------------------------------------------ */

/* A socket of this very process in CLOSE_WAIT; the other end is closed. */
static int make_close_wait(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0), fd;

	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(peer, (struct sockaddr *)&at, len), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(send(peer, "xyz", 3, 0), 3);
	close(peer);
	close(listener);
	return fd;
}

static void asks_the_kernel_about_the_running(void **state)
{
	struct fixture *x = *state;
	struct timespec pause = {0, 30000000};
	int bare = socket(AF_INET, SOCK_STREAM, 0), fd = make_close_wait();
	const struct whole_life *r;

	forge_header(x->parent)->pid = (uint32_t)getpid();
	forge_header(x->parent)->end_kind = REC_END_NONE;
	forge_accepted(x->parent, fd, x->site, 10)->touch_tid = (uint32_t)gettid();
	forge_accepted(x->parent, bare, x->site, 11)->touch_tid = 0x3fffffff;
	forge_accepted(x->parent, 60, x->site, 12);
	nanosleep(&pause, NULL);
	read_history(x);
	live_complete(&x->h);
	assert_int_equal(x->h.processes[0].end, PROCESS_RUNNING);
	assert_int_equal(x->h.nr_lives, 2);
	r = &x->h.lives[1].r;
	assert_int_equal(r->kernel_tcp_state, TCP_CLOSE_WAIT);
	assert_true(r->kernel_last_ack_ms >= 20);
	assert_int_equal(r->kernel_unread, 3);
	assert_true(r->kernel_eof_unread);
	assert_false(r->flags & REC_LIFE_TOUCHER_ENDED);
	assert_int_equal(x->h.lives[0].r.kernel_tcp_state, TCP_CLOSE);
	assert_true(x->h.lives[0].r.flags & REC_LIFE_TOUCHER_ENDED);
	close(fd);
	close(bare);
}

/* Its descriptor was another socket's by the time that the kernel was asked. */
static void who_changed_since_the_reading_is_not_judged(void **state)
{
	struct fixture *x = *state;
	int one = socket(AF_INET, SOCK_STREAM, 0), two = socket(AF_INET, SOCK_STREAM, 0);
	struct whole_life *l;

	forge_header(x->parent)->pid = (uint32_t)getpid();
	forge_header(x->parent)->end_kind = REC_END_NONE;
	forge_accepted(x->parent, one, x->site, 10);
	l = forge_accepted(x->parent, two, x->site, 11);
	read_history(x);
	assert_int_equal(x->h.nr_lives, 2);
	l->seq += 2;
	free(forge_write(x->parent, x->dir, "100.0.socklint"));
	live_complete(&x->h);
	assert_int_equal(x->h.nr_lives, 1);
	assert_int_equal(x->h.lives[0].fd, one);
	close(one);
	close(two);
}

/*
 * Looks while there is one socket more, younger than a second. Returns false where the machine was
 * so busy that it may have got older.
 */
static bool looked_in_time(struct fixture *x, int known)
{
	struct timespec from, to;
	int young;

	forge_header(x->parent)->pid = (uint32_t)getpid();
	forge_header(x->parent)->end_kind = REC_END_NONE;
	forge_accepted(x->parent, known, x->site, 10)->touch_tid = (uint32_t)gettid();
	clock_gettime(CLOCK_MONOTONIC, &from);
	young = make_close_wait();
	read_history(x);
	live_complete(&x->h);
	clock_gettime(CLOCK_MONOTONIC, &to);
	close(young);
	return (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 900;
}

/* One that no hook saw, and that is older than the reading of the recording. */
static void finds_what_no_hook_saw_in_the_running(void **state)
{
	struct timespec pause = {1, 100000000};
	int known = make_close_wait(), fd = make_close_wait();
	struct fixture *x;

	nanosleep(&pause, NULL);
	for (int i = 0; !looked_in_time(*state, known) && i < 50; i++) {
		teardown(state);
		setup(state);
	}
	x = *state;
	assert_int_equal(x->h.nr_lives, 2);
	assert_int_equal(x->h.lives[1].fd, fd);
	assert_int_equal(x->h.lives[1].r.kernel_tcp_state, TCP_CLOSE_WAIT);
	history_join(&x->h);
	assert_false(socket_is_unseen(&x->h.sockets[0]));
	assert_true(socket_is_unseen(&x->h.sockets[1]));
	close(known);
	close(fd);
}

static void a_reused_pid_is_another_process(void **state)
{
	struct fixture *x = *state;

	forge_header(x->parent)->pid = (uint32_t)getpid();
	forge_header(x->parent)->starttime = 1;
	forge_header(x->parent)->end_kind = REC_END_NONE;
	read_history(x);
	live_complete(&x->h);
	assert_int_equal(x->h.processes[0].end, PROCESS_KILLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_only_open_lives),
		TEST(hands_out_the_time_line),
		TEST(joins_duplicates_by_id),
		TEST(keeps_equal_ids_of_two_processes_apart),
		TEST(joins_processes_by_cookie),
		TEST(joins_the_inherited_without_a_cookie),
		TEST(exec_passes_on_what_was_known),
		TEST(left_behind_by_the_image_before),
		TEST(not_left_behind_without_being_told),
		TEST(not_left_behind_where_the_next_image_uses_it),
		TEST(close_on_exec_passes_nothing_on),
		TEST(a_replaced_image_holds_nothing),
		TEST(sender_tells_where_it_was_opened),
		TEST(sender_tells_which_side_it_is),
		TEST(the_first_of_several_senders_opened_it),
		TEST(the_receiver_answers_for_it),
		TEST(sent_to_somebody_unknown),
		TEST(sent_to_itself),
		TEST(kept_after_the_receiver_closed_it),
		TEST(an_unseen_socket_is_never_a_fault),
		TEST(an_unseen_number_of_a_known_socket),
		TEST(finds_progress_of_a_site),
		TEST(copies_of_a_call_are_kin),
		TEST(other_calls_of_one_function_are_no_kin),
		TEST(one_call_of_accept_makes_kin_but_no_client_kin),
		TEST(dates_the_killed_by_their_last_sign),
		TEST(a_wait_is_a_sign_of_life),
		TEST(the_first_who_was_told_speaks_for_the_socket),
		TEST(believes_who_saw_the_killed_end),
		TEST(asks_the_kernel_about_the_running),
		TEST(who_changed_since_the_reading_is_not_judged),
		TEST(finds_what_no_hook_saw_in_the_running),
		TEST(a_reused_pid_is_another_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
