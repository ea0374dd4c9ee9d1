/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a socket, and what is rare, lies apart from its life and is not cleared
 * with it: it must speak of the life that it was learnt of, whoever had the number before.
 */
#include "parts.h"
#include "clock.h"
#include "inherit.h"
#include "init.h"
#include "learnt.h"
#include "lives.h"
#include "recorder.h"
#include "shim.h"
#include "slots.h"
#include "sys.h"
#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define FD     7
#define COOKIE 4711

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

/* At a link. */
static struct sockaddr_in6 address(const char *ip, uint32_t scope)
{
	struct sockaddr_in6 a = {AF_INET6, htons(80), 0, IN6ADDR_ANY_INIT, scope};

	assert_int_equal(inet_pton(AF_INET6, ip, &a.sin6_addr), 1);
	return a;
}

/* All that there can be of it. */
static void learn(struct life_ref ref)
{
	struct sockaddr_in6 here = address("fe80::1", 3);

	life_error(ref, ECONNRESET, parts_call(0, 2));
	life_shut(ref, SHUT_WR, parts_call(0, 3));
	life_cookie_set(ref, COOKIE);
	life_local(ref, &here, sizeof(here));
	word_set(&life_rest(ref)->kernel_tcp_state, 8);
	word_set(&life_rest(ref)->kernel_unread, 100);
	word_set(&life_rest(ref)->facts_ns, now_ns());
	life_flag(ref, REC_LIFE_FACTS);
}

static void assert_nothing_learnt(const struct whole_life *l)
{
	assert_false(l->flags & (REC_LIFE_RESET | REC_LIFE_SHUT_WR | REC_LIFE_FACTS));
	assert_false(l->reset_ns || l->reset_site || l->reset_errno);
	assert_false(l->shut_ns || l->shut_site || l->kernel_cookie);
	assert_false(l->facts_ns || l->kernel_tcp_state || l->kernel_unread);
	assert_false(l->local.family || l->local.scope);
}

static void is_told(void **state)
{
	uint64_t before = now_ns();
	struct whole_life l;

	(void)state;
	parts_start_made();
	learn(bear(FD));
	for (int dead = 0; dead < 2; dead++) {
		l = told_of(FD);
		assert_in_range(l.reset_ns, before, now_ns());
		assert_in_range(l.shut_ns, before, now_ns());
		assert_in_range(l.facts_ns, before, now_ns());
		assert_true(l.reset_site && l.shut_site && l.reset_site != l.shut_site);
		assert_int_equal(l.reset_errno, ECONNRESET);
		assert_int_equal(l.kernel_cookie, COOKIE);
		assert_int_equal(l.kernel_tcp_state, 8);
		assert_int_equal(l.kernel_unread, 100);
		assert_int_equal(l.local.scope, 3);
		if (!dead)
			die(FD);
	}
	parts_stop();
}

static void speaks_of_nobody_who_had_the_number_before(void **state)
{
	struct sockaddr_in6 here = address("fe80::2", 0);
	struct whole_life l;
	struct life_ref ref;

	(void)state;
	parts_start_made();
	learn(bear(FD));
	die(FD);
	ref = bear(FD);
	l = told_of(FD);
	assert_nothing_learnt(&l);
	assert_int_equal(life_cookie(ref), 0);
	/* One thing of its own: the rest is not. */
	life_local(ref, &here, sizeof(here));
	life_shut(ref, SHUT_WR, parts_call(0, 3));
	l = told_of(FD);
	assert_true(l.shut_ns && l.shut_site);
	assert_int_equal(l.local.family, AF_INET6);
	assert_int_equal(l.local.scope, 0);
	assert_false(l.reset_ns || l.reset_site || l.kernel_cookie || l.kernel_tcp_state);
	parts_stop();
}

/* The first and the last in a chunk, and their neighbours in the next: each has its own. */
static void is_nobody_elses(void **state)
{
	const int last = (int)REC_LIVES_PER_CHUNK - 1;
	struct whole_life l;

	(void)state;
	parts_start_made();
	for (int fd = last - 1; fd <= last + 2; fd++)
		bear(fd);
	learn(life_find(last));
	learn(life_find(last + 1));
	for (int fd = last - 1; fd <= last + 2; fd++) {
		l = told_of(fd);
		if (fd == last || fd == last + 1)
			assert_int_equal(l.kernel_cookie, COOKIE);
		else
			assert_nothing_learnt(&l);
	}
	parts_stop();
}

/* A descriptor and its duplicate, in chunks of their own. */
static void goes_with_a_duplicate(void **state)
{
	const int to = FD + (int)REC_LIVES_PER_CHUNK;
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
	assert_int_equal(l.kernel_cookie, COOKIE);
	assert_int_equal(l.local.scope, 3);
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
	parts_stop();
}

/* As process_reborn() does it, while the parent goes on. */
static void fork_in_place(void)
{
	struct snapshot s = lives_snapshot();

	assert_int_equal(s.bytes, REC_UNIT);
	learn(life_find(FD + 1));
	lives_adopt(&s);
	init_head_reset();
	shim.forked = true;
	shim.progress = NULL;
	shim.incidents = NULL;
	memset(shim.outcomes, 0, sizeof(shim.outcomes));
	word_set_release(&shim.attach, DETACHED);
	assert_true(recorder_ready());
	sys_munmap(s.mem, s.bytes);
	shim.forked = false;
}

static void is_inherited(void **state)
{
	struct whole_life before, l;

	(void)state;
	parts_start_made();
	learn(bear(FD));
	bear(FD + 1);
	before = told_of(FD);
	fork_in_place();
	l = told_of(FD);
	assert_true(l.flags & REC_LIFE_INHERITED);
	assert_true(l.reset_ns == before.reset_ns && l.shut_ns == before.shut_ns);
	assert_int_equal(l.kernel_cookie, COOKIE);
	l = told_of(FD + 1);
	assert_nothing_learnt(&l);
	parts_stop();
}

/* Each with the address that it has at a link, and none with one that is the same everywhere. */
static void addresses_keep_their_link(void **state)
{
	struct sockaddr_in6 of_link = address("fe80::1:2", 3), global = address("2001:db8::1", 3);
	struct life_ref ref;
	struct whole_life l;

	(void)state;
	parts_start_made();
	ref = bear(FD);
	life_local(ref, &of_link, sizeof(of_link));
	l = told_of(FD);
	assert_int_equal(l.local.family, AF_INET6);
	assert_int_equal(l.local.port, 80);
	assert_int_equal(l.local.scope, 3);
	assert_memory_equal(l.local.ip, &of_link.sin6_addr, 16);
	assert_int_equal(l.peer.family, 0);
	life_peer(ref, &global, sizeof(global));
	l = told_of(FD);
	assert_int_equal(l.peer.port, 80);
	assert_int_equal(l.peer.scope, 0);
	assert_memory_equal(l.peer.ip, &global.sin6_addr, 16);
	assert_int_equal(l.local.scope, 3);
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_told),
		cmocka_unit_test(speaks_of_nobody_who_had_the_number_before),
		cmocka_unit_test(is_nobody_elses),
		cmocka_unit_test(goes_with_a_duplicate),
		cmocka_unit_test(does_not_die_with_one_of_two),
		cmocka_unit_test(is_inherited),
		cmocka_unit_test(addresses_keep_their_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
