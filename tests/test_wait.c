/* SPDX-License-Identifier: MIT */
/*
 * Who waits on a socket, and who was told: the programs of guest_wait.c print their descriptors
 * and are killed; what the recording says of those is read by the command's own loader.
 */
#include "running.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "collection.h"
#include "history.h"

struct recorded {
	char *dir;
	char *out;
	struct collection all;
	const struct recording *r; /* of the program itself, not of its child */
};

static struct recorded record(const char *name)
{
	struct recorded x = {scratch_make(), NULL, COLLECTION_INIT, NULL};
	char options[300];
	struct run run;

	snprintf(options, sizeof(options), "dir=%s:report=none", x.dir);
	run = run_program(&(struct start){
		.argv = ARGV(GUEST, "wait", name), .preload = SHIM, .options = options});
	if (strstr(run.out, "FAILED"))
		fail_msg("%s", run.out);
	assert_true(run.status == 0 || WTERMSIG(run.status) == SIGKILL);
	x.out = run.out;
	free(run.err);
	collection_add(&x.all, x.dir);
	assert_int_equal(x.all.nr_complaints, 0);
	assert_true(x.all.nr > 0);
	for (size_t i = 0; i < x.all.nr; i++)
		if (!(x.all.items[i]->header->flags & REC_HEADER_FORKED))
			x.r = x.all.items[i];
	assert_non_null(x.r);
	return x;
}

static void forget(struct recorded *x)
{
	collection_release(&x->all);
	scratch_remove(x->dir);
	free(x->out);
}

/* What the program printed behind a name. */
static int number(const struct recorded *x, const char *name)
{
	size_t n = strlen(name);
	const char *line = x->out;

	while (line && (strncmp(line, name, n) != 0 || line[n] != ' ')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		fail_msg("%s is not in: %s", name, x->out);
	return atoi(line + n);
}

static const struct whole_life *life_in(const struct recording *r, int fd)
{
	for (size_t i = 0; i < r->nr_lives; i++)
		if (r->lives[i].fd == fd && (r->lives[i].life->seq & 1))
			return r->lives[i].life;
	fail_msg("descriptor %d is no open life", fd);
	return NULL;
}

static const struct whole_life *life(const struct recorded *x, const char *name)
{
	return life_in(x->r, number(x, name));
}

static const struct rec_poller *poller(const struct recorded *x, uint32_t tid)
{
	for (size_t i = 0; i < x->r->nr_pollers; i++)
		if (x->r->pollers[i]->tid == tid)
			return x->r->pollers[i];
	fail_msg("thread %u is no poller", tid);
	return NULL;
}

static void assert_watched(const struct recorded *x, const char *name, const char *set,
			   uint32_t events)
{
	print_message("%s\n", name);
	assert_int_equal(life(x, name)->epoll_fd, number(x, set));
	assert_int_equal(life(x, name)->epoll_events, events);
}

static void assert_unwatched(const struct recorded *x, const char *name)
{
	print_message("%s\n", name);
	assert_int_equal(life(x, name)->epoll_fd, -1);
	assert_int_equal(life(x, name)->epoll_events, 0);
}

static void epoll_membership(void **state)
{
	struct recorded x = record("epoll_sets");

	(void)state;
	assert_watched(&x, "added", "set", EPOLLIN);
	assert_watched(&x, "modified", "set", EPOLLIN | EPOLLRDHUP);
	assert_unwatched(&x, "deleted");
	assert_unwatched(&x, "never");
	assert_watched(&x, "from_heap", "set", EPOLLIN | EPOLLET);
	assert_watched(&x, "by_syscall", "set", EPOLLIN);
	assert_watched(&x, "in_two", "set", EPOLLIN);
	assert_watched(&x, "moved", "other", EPOLLIN);
	forget(&x);
}

static bool has(const struct recorded *x, const char *name, uint32_t flag)
{
	print_message("%s\n", name);
	return life(x, name)->flags & flag;
}

static void oneshot_fired_and_rearmed(void **state)
{
	struct recorded x = record("epoll_oneshot");

	(void)state;
	assert_false(has(&x, "armed", REC_LIFE_FIRED));
	assert_true(has(&x, "fired", REC_LIFE_FIRED));
	assert_false(has(&x, "rearmed", REC_LIFE_FIRED));
	assert_true(has(&x, "fired_again", REC_LIFE_FIRED));
	assert_true(has(&x, "not_rearmed", REC_LIFE_FIRED));
	assert_true(has(&x, "pwait", REC_LIFE_FIRED));
	assert_true(has(&x, "pwait2", REC_LIFE_FIRED));
	assert_true(has(&x, "by_syscall", REC_LIFE_FIRED));
	assert_true(has(&x, "fired", REC_LIFE_HANDED));
	assert_true(has(&x, "taken", REC_LIFE_FIRED));
	assert_false(has(&x, "taken", REC_LIFE_HANDED));
	assert_true(has(&x, "handed_again", REC_LIFE_HANDED));
	forget(&x);
}

static void assert_told(const struct recorded *x, const char *name, bool told)
{
	const struct whole_life *l = life(x, name);

	print_message("%s\n", name);
	assert_int_equal((l->flags & REC_LIFE_TOLD) != 0, told);
	assert_int_equal(l->told_ns != 0, told);
	assert_int_equal(l->told_site != 0, told);
	if (told)
		assert_non_null(recording_site(x->r, l->told_site));
}

static void told_by_epoll(void **state)
{
	struct recorded x = record("epoll_told");

	(void)state;
	assert_told(&x, "by_fd", true);
	assert_told(&x, "by_pointer", true);
	assert_told(&x, "by_u64", true);
	assert_told(&x, "number_a", true);
	assert_told(&x, "number_b", false);
	assert_told(&x, "same_word_a", false);
	assert_told(&x, "same_word_b", true);
	assert_told(&x, "ambiguous_a", false);
	assert_told(&x, "ambiguous_b", false);
	assert_told(&x, "data", false);
	assert_told(&x, "own_shutdown", false);
	assert_told(&x, "unconnected", false);
	forget(&x);
}

static void told_by_poll(void **state)
{
	struct recorded x = record("poll_told");

	(void)state;
	assert_told(&x, "in_only", false);
	assert_told(&x, "rdhup", true);
	assert_told(&x, "hup", true);
	assert_told(&x, "own_shutdown", false);
	assert_told(&x, "unconnected", false);
	forget(&x);
}

static void a_set_lives_until_its_last_number_is_closed(void **state)
{
	struct recorded x = record("epoll_copied_set");

	(void)state;
	assert_watched(&x, "by_copy", "set", EPOLLIN);
	assert_watched(&x, "by_set", "set", EPOLLIN);
	assert_watched(&x, "inherited", "heir", EPOLLIN);
	assert_watched(&x, "by_heir", "heir", EPOLLIN);
	assert_unwatched(&x, "removed");
	assert_told(&x, "told", true);
	forget(&x);
}

static void a_closed_set_watches_nothing(void **state)
{
	struct recorded x = record("epoll_closed_set");

	(void)state;
	assert_unwatched(&x, "closed");
	assert_unwatched(&x, "overwritten");
	assert_unwatched(&x, "unseen_door");
	assert_watched(&x, "kept", "kept_set", EPOLLIN);
	forget(&x);
}

static void assert_dismissed(const struct recorded *x, const char *name)
{
	assert_unwatched(x, name);
	assert_int_equal(life(x, name)->poller_tid, 0);
	assert_true(life(x, name)->polled_ns >= life(x, name)->born_ns - 20000000);
}

static void what_was_watched_when_the_end_began_stays_so(void **state)
{
	struct recorded x = record("epoll_stopping");

	(void)state;
	assert_dismissed(&x, "before");
	assert_watched(&x, "after", "set", EPOLLIN);
	assert_watched(&x, "set_closed", "other", EPOLLIN);
	assert_dismissed(&x, "started_again");
	forget(&x);
}

static void a_child_without_the_listener_does_not_end(void **state)
{
	struct recorded x = record("epoll_child");
	const struct whole_life *l;

	(void)state;
	assert_int_equal(x.all.nr, 2);
	l = life_in(x.all.items[x.all.items[0] == x.r], number(&x, "childs"));
	assert_int_equal(l->epoll_fd, -1);
	assert_true(l->polled_ns != 0);
	forget(&x);
}

static void assert_polled(const struct recorded *x, const char *name)
{
	const struct whole_life *l = life(x, name);

	print_message("%s\n", name);
	assert_true(l->polled_ns > 0 && l->poller_tid > 0);
	assert_true(l->polled_ns >= poller(x, l->poller_tid)->stamped_ns);
}

static void assert_left(const struct recorded *x, const char *name)
{
	const struct whole_life *l = life(x, name);

	print_message("%s\n", name);
	assert_true(l->polled_ns > 0);
	assert_true(l->polled_ns < poller(x, l->poller_tid)->stamped_ns);
}

static void assert_not_polled(const struct recorded *x, const char *name)
{
	print_message("%s\n", name);
	assert_int_equal(life(x, name)->polled_ns, 0);
	assert_int_equal(life(x, name)->poller_tid, 0);
}

static void poll_members(void **state)
{
	struct recorded x = record("poll_sets");

	(void)state;
	assert_polled(&x, "member");
	assert_left(&x, "left");
	assert_not_polled(&x, "writer");
	assert_not_polled(&x, "never");
	assert_polled(&x, "helped"); /* and yet the others have not left */
	assert_int_equal(x.r->pollers[0]->waiting, 0);
	assert_int_equal(x.r->nr_pollers, 1);
	forget(&x);
	x = record("poll_heap");
	assert_polled(&x, "member");
	forget(&x);
}

static void a_helper_does_not_end_the_loop(void **state)
{
	struct recorded x = record("poll_helper");

	(void)state;
	assert_polled(&x, "member");
	assert_polled(&x, "helped");
	assert_true(life(&x, "helped")->polled_ns > life(&x, "member")->polled_ns);
	forget(&x);
}

static void a_set_of_other_sockets_is_another_set(void **state)
{
	struct recorded x = record("poll_reused");

	(void)state;
	assert_polled(&x, "member");
	assert_polled(&x, "reused");
	forget(&x);
}

static void the_report_says_who_was_told(void **state)
{
	struct recorded x = record("told_and_forgotten");
	struct run run = run_report(x.dir);

	(void)state;
	if (!strstr(run.out, "by poll or epoll_wait that the peer is gone, in take ("))
		fail_msg("%s", run.out);
	if (!strstr(run.out, "eof-unread")) /* it was told, but has not read it */
		fail_msg("%s", run.out);
	run_release(&run);
	forget(&x);
}

static void select_members(void **state)
{
	struct recorded x = record("select_sets");

	(void)state;
	assert_polled(&x, "member");
	assert_not_polled(&x, "writer");
	assert_not_polled(&x, "beyond");
	assert_true(life(&x, "left")->polled_ns < life(&x, "member")->polled_ns);
	forget(&x);
}

static uint32_t tid_of(const struct recorded *x, const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), "%s.tid", name);
	return (uint32_t)number(x, line);
}

static void threads_blocked_when_killed(void **state)
{
	struct recorded x = record("blocked");

	(void)state;
	assert_int_equal(life(&x, "read")->reader_tid, tid_of(&x, "read"));
	assert_int_equal(life(&x, "read")->writer_tid, 0);
	assert_int_equal(life(&x, "recv")->reader_tid, tid_of(&x, "recv"));
	assert_int_equal(life(&x, "send")->writer_tid, tid_of(&x, "send"));
	assert_int_equal(life(&x, "send")->reader_tid, 0);
	assert_int_equal(life(&x, "listener")->reader_tid, tid_of(&x, "listener"));
	assert_int_equal(life(&x, "idle")->reader_tid, 0);
	assert_int_equal(life(&x, "poll")->poller_tid, tid_of(&x, "poll"));
	assert_int_equal(poller(&x, tid_of(&x, "poll"))->waiting, 1);
	assert_polled(&x, "select");
	assert_int_equal(poller(&x, tid_of(&x, "select"))->waiting, 1);
	forget(&x);
}

static void polling_is_known_where_descriptors_are_used_up(void **state)
{
	struct recorded x = record("poll_full");

	(void)state;
	assert_polled(&x, "member");
	forget(&x);
}

static void a_turn_lies_between_two_waits(void **state)
{
	struct recorded x = record("turns");
	const struct rec_poller *waits = poller(&x, tid_of(&x, "epoll"));
	const struct rec_poller *works = poller(&x, tid_of(&x, "main"));

	(void)state;
	assert_int_equal(waits->turn_ns, 0);
	assert_int_not_equal(waits->before_ns, 0);
	assert_int_not_equal(works->turn_ns, 0);
	assert_true(works->turn_ns <= life(&x, "told")->told_ns);
	forget(&x);
}

/* As others may have come back to the set that they share. */
static void the_end_says_who_lives_in_its_turn(void **state)
{
	struct recorded x = record("turns_at_end");
	const struct rec_poller *main = poller(&x, tid_of(&x, "main"));
	const struct rec_poller *works = poller(&x, tid_of(&x, "works"));
	const struct rec_poller *ended = poller(&x, tid_of(&x, "ended"));

	(void)state;
	assert_true(main->turn_ns && main->alive_ns >= main->turn_ns);
	assert_true(works->turn_ns && works->alive_ns >= works->turn_ns);
	assert_true(ended->turn_ns && !ended->alive_ns);
	assert_int_equal(poller(&x, tid_of(&x, "epoll"))->alive_ns, 0);
	forget(&x);
}

/* What a child on its parent's memory waits for, and opens, is not the parent's. */
static void turn_outlasts_a_vfork(const char *name)
{
	struct recorded x = record(name);
	uint64_t turn_ns = poller(&x, tid_of(&x, "main"))->turn_ns;

	assert_int_not_equal(turn_ns, 0);
	assert_true(turn_ns <= life(&x, "told")->told_ns);
	for (size_t i = 0; i < x.r->nr_lives; i++)
		if (x.r->lives[i].fd == number(&x, "childs"))
			assert_false(x.r->lives[i].life->seq & 1);
	forget(&x);
}

static void epoll_turn_outlasts_a_vfork(void **state)
{
	(void)state;
	turn_outlasts_a_vfork("epoll_vfork");
}

static void poll_turn_outlasts_a_vfork(void **state)
{
	(void)state;
	turn_outlasts_a_vfork("poll_vfork");
}

static void cancelled_threads_wait_no_more(void **state)
{
	struct recorded x = record("cancelled");

	(void)state;
	assert_int_equal(life(&x, "read")->reader_tid, 0);
	assert_int_equal(life(&x, "recv")->reader_tid, 0);
	assert_int_equal(life(&x, "send")->writer_tid, 0);
	assert_int_equal(life(&x, "poll")->poller_tid, tid_of(&x, "poll"));
	assert_int_equal(poller(&x, tid_of(&x, "poll"))->waiting, 0);
	forget(&x);
}

static void a_child_inherits_the_set_alone(void **state)
{
	struct recorded x = record("forked");
	const struct recording *child = NULL;

	(void)state;
	assert_int_equal(x.all.nr, 2);
	for (size_t i = 0; i < x.all.nr; i++)
		if (x.all.items[i] != x.r)
			child = x.all.items[i];
	assert_int_equal(life_in(child, number(&x, "watched"))->epoll_fd, number(&x, "set"));
	assert_int_equal(life_in(child, number(&x, "watched"))->epoll_events, EPOLLIN);
	assert_int_equal(life_in(child, number(&x, "polled"))->polled_ns, 0);
	assert_int_equal(life_in(child, number(&x, "polled"))->poller_tid, 0);
	assert_int_equal(life_in(child, number(&x, "read"))->reader_tid, 0);
	assert_polled(&x, "polled");
	assert_int_equal(life(&x, "read")->reader_tid, tid_of(&x, "read"));
	forget(&x);
}

static void a_copy_is_waited_for_by_its_own_number(void **state)
{
	struct recorded x = record("duplicated");

	(void)state;
	assert_watched(&x, "origin", "set", EPOLLIN);
	assert_polled(&x, "origin");
	assert_unwatched(&x, "copy");
	assert_not_polled(&x, "copy");
	assert_told(&x, "heir", true);
	assert_not_polled(&x, "heir");
	assert_told(&x, "reused", false);
	assert_unwatched(&x, "reused");
	assert_not_polled(&x, "reused");
	forget(&x);
}

/* Nothing is born, nothing is used: the wait alone keeps the kernel's facts and a sign of life. */
static void evidence_of_an_idle_server_survives_its_kill(void **state)
{
	struct recorded x = record("idle");
	const struct whole_life *l = life(&x, "leaked");
	uint64_t end = (uint64_t)number(&x, "seconds") * NS_PER_S;
	struct history h = HISTORY_INIT;

	(void)state;
	assert_true(l->flags & REC_LIFE_FACTS);
	assert_int_equal(l->kernel_tcp_state, TCP_CLOSE_WAIT);
	assert_int_not_equal(l->kernel_cookie, 0);
	assert_true(x.r->header->last_seen_ns + NS_PER_S > end);
	history_read(&h, &x.all);
	assert_true(h.processes[0].now_ns >= x.r->header->last_seen_ns);
	history_release(&h);
	forget(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epoll_membership),
		cmocka_unit_test(oneshot_fired_and_rearmed),
		cmocka_unit_test(told_by_epoll),
		cmocka_unit_test(told_by_poll),
		cmocka_unit_test(a_set_lives_until_its_last_number_is_closed),
		cmocka_unit_test(a_closed_set_watches_nothing),
		cmocka_unit_test(what_was_watched_when_the_end_began_stays_so),
		cmocka_unit_test(a_child_without_the_listener_does_not_end),
		cmocka_unit_test(poll_members),
		cmocka_unit_test(a_helper_does_not_end_the_loop),
		cmocka_unit_test(a_set_of_other_sockets_is_another_set),
		cmocka_unit_test(the_report_says_who_was_told),
		cmocka_unit_test(select_members),
		cmocka_unit_test(threads_blocked_when_killed),
		cmocka_unit_test(polling_is_known_where_descriptors_are_used_up),
		cmocka_unit_test(a_turn_lies_between_two_waits),
		cmocka_unit_test(the_end_says_who_lives_in_its_turn),
		cmocka_unit_test(epoll_turn_outlasts_a_vfork),
		cmocka_unit_test(poll_turn_outlasts_a_vfork),
		cmocka_unit_test(cancelled_threads_wait_no_more),
		cmocka_unit_test(a_child_inherits_the_set_alone),
		cmocka_unit_test(a_copy_is_waited_for_by_its_own_number),
		cmocka_unit_test(evidence_of_an_idle_server_survives_its_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
