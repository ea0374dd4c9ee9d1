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

static void joins_duplicates_by_id(void **state)
{
	struct fixture *x = *state;
	struct rec_life *a = forge_accepted(x->parent, 3, x->site, 10);
	struct rec_life *b = forge_accepted(x->parent, 4, x->site, 10);

	b->id = a->id;
	b->flags |= REC_LIFE_DUPLICATE;
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
	struct rec_life *a = forge_accepted(x->parent, 3, x->site, 10);
	struct rec_life *b = forge_accepted(x->child, 9, x->site, 10);

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
	struct rec_life *l = forge_accepted(x->parent, 3, x->site, 10), *copy;

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
	const struct rec_life *r;

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
		TEST(joins_duplicates_by_id),
		TEST(keeps_equal_ids_of_two_processes_apart),
		TEST(joins_processes_by_cookie),
		TEST(joins_the_inherited_without_a_cookie),
		TEST(finds_progress_of_a_site),
		TEST(copies_of_a_call_are_kin),
		TEST(one_call_of_accept_makes_kin_but_no_client_kin),
		TEST(dates_the_killed_by_their_last_sign),
		TEST(a_wait_is_a_sign_of_life),
		TEST(the_first_who_was_told_speaks_for_the_socket),
		TEST(believes_who_saw_the_killed_end),
		TEST(asks_the_kernel_about_the_running),
		TEST(a_reused_pid_is_another_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
