/* SPDX-License-Identifier: MIT */
/*
 * What few sockets ever have: it lies in chunks of its own, made where it is needed, and must speak
 * of the life that it was learnt of, whoever had the number before.
 */
#include "parts.h"
#include "clock.h"
#include "inherit.h"
#include "init.h"
#include "learnt.h"
#include "lives.h"
#include "more.h"
#include "options.h"
#include "recorder.h"
#include "shim.h"
#include "slots.h"
#include "sys.h"
#include "thread.h"
#include "touch.h"
#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define FD 7

static struct life_ref bear(int fd)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET6, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};

	return life_born(fd, &birth, parts_call(0, 1));
}

static void die(int fd)
{
	uint32_t undo;

	assert_true(life_die(fd, parts_call(0, 9), &undo));
}

/* What the command is told of a descriptor. */
static struct whole_life told_of(int fd)
{
	struct recording r = parts_load();
	struct whole_life l = {.seq = 0};

	assert_int_equal(r.nr_damaged, 0);
	for (size_t i = 0; i < r.nr_lives; i++)
		if (r.lives[i].fd == fd)
			l = *r.lives[i].life;
	recording_release(&r);
	assert_true(l.seq);
	return l;
}

/* All that there can be of it. */
static void learn(struct life_ref ref)
{
	life_error(ref, ECONNRESET, parts_call(0, 2));
	life_shut(ref, SHUT_WR, parts_call(0, 3));
	life_polled(ref, 42, 1000);
}

static void assert_nothing_more(const struct whole_life *l)
{
	assert_false(l->flags & (REC_LIFE_RESET | REC_LIFE_SHUT_WR | REC_LIFE_POLLED));
	assert_false(l->flags & REC_LIFE_LOST_MORE);
	assert_false(l->reset_ns || l->reset_site || l->reset_errno);
	assert_false(l->shut_ns || l->shut_site);
	assert_false(l->poller_tid || l->polled_ns);
}

/* An ordinary life has no need of it. */
static void is_made_where_it_is_needed(void **state)
{
	struct life_ref ref;

	(void)state;
	parts_start_made();
	ref = bear(FD);
	life_wrote(ref, life_touch(ref, REC_CALL_SEND, parts_call(0, 2)));
	life_eof(ref, parts_call(0, 2));
	die(FD);
	assert_int_equal(shim.top_more, 0);
	assert_null(more_slot(FD));
	learn(bear(FD));
	assert_int_equal(shim.top_more, 1);
	assert_non_null(more_slot(FD));
	parts_stop();
}

static void is_told(void **state)
{
	struct whole_life l;
	struct life_ref ref;
	uint64_t before;

	(void)state;
	parts_start_made();
	ref = bear(FD);
	before = now_ns();
	learn(ref);
	l = told_of(FD);
	assert_in_range(l.reset_ns, before, now_ns());
	assert_in_range(l.shut_ns, before, now_ns());
	assert_true(l.reset_site && l.shut_site && l.reset_site != l.shut_site);
	assert_int_equal(l.reset_errno, ECONNRESET);
	assert_int_equal(l.poller_tid, 42);
	assert_int_equal(l.polled_ns, 1000);
	assert_false(l.flags & REC_LIFE_LOST_MORE);
	die(FD); /* and of one that has ended */
	l = told_of(FD);
	assert_in_range(l.reset_ns, before, now_ns());
	parts_stop();
}

static void speaks_of_nobody_who_had_the_number_before(void **state)
{
	struct whole_life l;
	struct life_ref ref;

	(void)state;
	parts_start_made();
	learn(bear(FD));
	die(FD);
	ref = bear(FD);
	l = told_of(FD);
	assert_nothing_more(&l);
	assert_null(life_more(ref, ~0u));
	assert_int_equal(life_poller(ref), 0);
	life_shut(ref, SHUT_WR, parts_call(0, 3)); /* one thing of its own: the rest is not */
	l = told_of(FD);
	assert_true(l.shut_ns && l.shut_site);
	assert_false(l.reset_ns || l.reset_site || l.polled_ns || l.poller_tid);
	assert_int_equal(life_poller(ref), 0);
	parts_stop();
}

/* A thread had found the life, and goes on only when the number is another's. */
static void who_comes_late_takes_nothing_away(void **state)
{
	struct life_ref late, ref;
	struct whole_life before, l;

	(void)state;
	parts_start_made();
	late = bear(FD);
	life_polled(late, 41, 900);
	die(FD);
	ref = bear(FD);
	life_polled(late, 42, 1000);
	l = told_of(FD);
	assert_nothing_more(&l);
	life_shut(ref, SHUT_WR, parts_call(0, 3));
	before = told_of(FD);
	life_polled(late, 43, 1100);
	l = told_of(FD);
	assert_true(l.shut_ns && l.shut_ns == before.shut_ns && l.shut_site == before.shut_site);
	assert_false(l.flags & (REC_LIFE_POLLED | REC_LIFE_LOST_MORE));
	assert_int_equal(shim.head->lost_more, 0);
	parts_stop();
}

/* A descriptor and its duplicate, in chunks of their own. */
static void goes_with_a_duplicate(void **state)
{
	const int to = FD + (int)REC_MORE_PER_CHUNK;
	struct whole_life first, l;
	struct life_ref ref;

	(void)state;
	parts_start_made();
	ref = bear(FD);
	learn(ref);
	first = told_of(FD);
	life_born_by_dup(to, ref, REC_CALL_DUP, parts_call(0, 4));
	l = told_of(to);
	assert_true(l.reset_ns == first.reset_ns && l.reset_site == first.reset_site);
	assert_true(l.shut_ns == first.shut_ns && l.shut_site == first.shut_site);
	assert_int_equal(l.reset_errno, ECONNRESET);
	assert_false(l.flags & REC_LIFE_POLLED); /* who waits does so by one descriptor */
	parts_stop();
}

static void does_not_die_with_one_of_two(void **state)
{
	struct whole_life first, l;
	struct life_ref ref;

	(void)state;
	parts_start_made();
	learn(bear(FD + 1)); /* what it leaves there is nobody's */
	die(FD + 1);
	ref = bear(FD);
	life_born_by_dup(FD + 1, ref, REC_CALL_DUP, parts_call(0, 4));
	learn(ref);
	first = told_of(FD);
	die(FD);
	l = told_of(FD + 1);
	assert_true(l.reset_ns == first.reset_ns && l.reset_site == first.reset_site);
	assert_true(l.shut_ns == first.shut_ns && l.shut_site == first.shut_site);
	assert_int_equal(l.reset_errno, ECONNRESET);
	assert_false(l.polled_ns || l.poller_tid);
	parts_stop();
}

/* As process_reborn() does it. */
static void fork_in_place(uint32_t chunks, void (*in_parent)(void), void (*in_child)(void))
{
	struct snapshot s = lives_snapshot();

	assert_int_equal(s.bytes, chunks * REC_UNIT);
	in_parent();
	lives_adopt(&s);
	init_head_reset();
	shim.forked = true;
	shim.progress = NULL;
	shim.incidents = NULL;
	memset(shim.outcomes, 0, sizeof(shim.outcomes));
	word_set_release(&shim.attach, DETACHED);
	in_child();
	assert_true(recorder_ready());
	sys_munmap(s.mem, s.bytes);
	shim.forked = false;
}

static void nothing_happens(void)
{
}

/* The parent goes on, and the child knows nothing of it. */
static void learn_of_another(void)
{
	learn(life_find(FD + 1));
}

static void is_inherited(void **state)
{
	struct whole_life before, l;

	(void)state;
	parts_start_made();
	learn(bear(FD));
	bear(FD + 1);
	before = told_of(FD);
	fork_in_place(2, learn_of_another, nothing_happens);
	l = told_of(FD);
	assert_true(l.flags & REC_LIFE_INHERITED);
	assert_true(l.reset_ns == before.reset_ns && l.shut_ns == before.shut_ns);
	assert_false(l.flags & REC_LIFE_POLLED || l.polled_ns);
	l = told_of(FD + 1);
	assert_nothing_more(&l);
	life_polled(life_find(FD), 43, 2000); /* into the child's own */
	assert_int_equal(told_of(FD).poller_tid, 43);
	parts_stop();
}

/* As epoll_dismiss() does when the child closes its copy of the set: that may be its first call. */
static void set_is_closed(void)
{
	struct rec_life *l = life_slot(FD);

	life_polled((struct life_ref){l, l->seq, FD}, 0, now_ns());
}

/* It has no room, for it has no recording yet. What it has then speaks of its own sockets. */
static void a_child_begins_with_nothing_lost(void **state)
{
	struct whole_life l;

	(void)state;
	parts_start_made();
	bear(FD);
	fork_in_place(1, nothing_happens, set_is_closed);
	l = told_of(FD);
	assert_true(l.flags & REC_LIFE_INHERITED);
	assert_nothing_more(&l);
	assert_int_equal(shim.head->lost_more, 0);
	life_polled(life_find(FD), 43, 2000);
	assert_int_equal(told_of(FD).poller_tid, 43);
	parts_stop();
}

/* The lives take all the room there is. */
static void fill_up(void)
{
	options.max_size = 0;
	for (int i = 1; !shim.head->lost_lives; i++)
		bear(FD + i * (int)REC_LIVES_PER_CHUNK);
}

static void is_counted_as_lost_where_there_is_no_room(void **state)
{
	struct life_ref ref;
	struct whole_life l;

	(void)state;
	parts_start_made();
	ref = bear(FD);
	life_touch(ref, REC_CALL_RECV, parts_call(0, 2));
	fill_up();
	learn(ref);
	assert_int_equal(shim.head->lost_more, 1);
	assert_true(life_is(ref));
	l = told_of(FD);
	assert_true(l.flags & REC_LIFE_LOST_MORE);
	assert_true(l.flags & REC_LIFE_RESET && l.flags & REC_LIFE_SHUT_WR);
	assert_int_equal(l.reset_errno, ECONNRESET);
	/* Not before its last touch; and nobody can say who waits for it. */
	assert_true(l.reset_ns == l.touch_ns && l.shut_ns == l.touch_ns);
	assert_false(l.flags & REC_LIFE_POLLED);
	die(FD); /* who has the number next may need it, too */
	learn(bear(FD));
	assert_int_equal(shim.head->lost_more, 2);
	parts_stop();
}

/* Which of them dies does not know of the others, so what it learnt cannot be passed on. */
static void for_lack_of_room_a_duplicate_is_not_judged(void **state)
{
	const int first = FD + 1 + (int)REC_MORE_PER_CHUNK; /* none of those that fill up */
	struct life_ref ref;

	(void)state;
	parts_start_made();
	learn(bear(FD + 1)); /* so that there is room for one of them */
	ref = bear(first);
	fill_up();
	life_born_by_dup(FD, ref, REC_CALL_DUP, parts_call(0, 4));
	assert_false(told_of(FD).flags & REC_LIFE_LOST_MORE);
	die(first);
	assert_true(told_of(FD).flags & REC_LIFE_LOST_MORE);
	assert_false(told_of(FD + 1).flags & REC_LIFE_LOST_MORE);
	parts_stop();
}

/* Each with the address that it has at a link, and none with one that is the same everywhere. */
static void addresses_keep_their_link(void **state)
{
	struct sockaddr_in6 of_link = {AF_INET6, htons(80), 0, IN6ADDR_ANY_INIT, 3},
			    global = {AF_INET6, htons(4000), 0, IN6ADDR_ANY_INIT, 3};
	struct life_ref ref;
	struct whole_life l;

	(void)state;
	parts_start_made();
	ref = bear(FD);
	assert_int_equal(inet_pton(AF_INET6, "fe80::1:2", &of_link.sin6_addr), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &global.sin6_addr), 1);
	life_local(ref.life, &of_link, sizeof(of_link));
	l = told_of(FD);
	assert_int_equal(l.local.family, AF_INET6);
	assert_int_equal(l.local.port, 80);
	assert_int_equal(l.local.scope, 3);
	assert_memory_equal(l.local.ip, &of_link.sin6_addr, 16);
	assert_int_equal(l.peer.family, 0);
	life_peer(ref.life, &global, sizeof(global));
	l = told_of(FD);
	assert_int_equal(l.peer.port, 4000);
	assert_int_equal(l.peer.scope, 0);
	assert_memory_equal(l.peer.ip, &global.sin6_addr, 16);
	assert_int_equal(l.local.scope, 3);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_made_where_it_is_needed),
		cmocka_unit_test(is_told),
		cmocka_unit_test(speaks_of_nobody_who_had_the_number_before),
		cmocka_unit_test(who_comes_late_takes_nothing_away),
		cmocka_unit_test(goes_with_a_duplicate),
		cmocka_unit_test(does_not_die_with_one_of_two),
		cmocka_unit_test(is_inherited),
		cmocka_unit_test(a_child_begins_with_nothing_lost),
		cmocka_unit_test(is_counted_as_lost_where_there_is_no_room),
		cmocka_unit_test(for_lack_of_room_a_duplicate_is_not_judged),
		cmocka_unit_test(addresses_keep_their_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
