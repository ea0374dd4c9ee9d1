/* SPDX-License-Identifier: MIT */
/*
 * Every way to come by a socket: whoever holds it at the end, the report names the place that
 * opened it, or says that nobody saw it.
 */
#include "running.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collection.h"

#define PASSED 100 /* running.c leaves numbers from here on open */

struct told {
	char *dir;
	struct collection all;
	struct run run, report;
};

static void look(struct told *t)
{
	assert_int_not_equal(t->run.status, -1);
	assert_null(strstr(t->run.out, "FAILED"));
	assert_null(strstr(t->run.err, "no such program"));
	t->report = run_report(t->dir);
	collection_add(&t->all, t->dir);
}

static struct told run(const char *guest, const char *arg)
{
	struct told t = {.dir = scratch_make()};

	t.run = run_guest(t.dir, guest, arg);
	look(&t);
	return t;
}

static void forget(struct told *t)
{
	run_release(&t->run);
	run_release(&t->report);
	collection_release(&t->all);
	scratch_remove(t->dir);
}

/* Lines are broken where they are long: any space is as good as another. */
static void assert_says(const struct told *t, const char *text)
{
	char *flat = strdup(t->report.out), *to = flat;

	for (const char *c = flat; *c; c++)
		if (!strchr(" \n", *c) || (to > flat && to[-1] != ' '))
			*to++ = *c == '\n' ? ' ' : *c;
	*to = '\0';
	if (!strstr(flat, text))
		fail_msg("no \"%s\" in:\n%s", text, t->report.out);
	free(flat);
}

static void expect(const char *guest, const char *arg, int status, const char *line)
{
	struct told t = run(guest, arg);

	assert_has_line(t.report.out, line);
	assert_int_equal(WEXITSTATUS(t.report.status), status);
	forget(&t);
}

/* The n-th open life of the recording that has the flag. */
static const struct whole_life *life(const struct told *t, uint32_t flag, size_t n)
{
	for (size_t i = 0; i < t->all.nr; i++)
		for (size_t k = 0; k < t->all.items[i]->nr_lives; k++) {
			const struct whole_life *l = t->all.items[i]->lives[k].life;

			if ((l->seq & 1) && (l->flags & flag) && !n--)
				return l;
		}
	return NULL;
}

static size_t count(const struct told *t, uint32_t flag)
{
	size_t n = 0;

	while (life(t, flag, n))
		n++;
	return n;
}

/* ---- SCM_RIGHTS and pidfd_getfd ---------------------------------------------------------- */

#define LEAK	  "error: close-wait (eof-ignored): 3 sockets opened in "
#define IN_ACCEPT LEAK "accept_client (guest.c:"

/* Here the sender is not seen: the place that received is all that is known. */
#define EXPECT(test, guest, arg, status, line)                                                     \
	static void test(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		expect(guest, arg, status, line);                                                  \
	}

EXPECT(received_by_recvmsg, "pass", "recvmsg", 1, LEAK "receive_msg (guest_births.c:")
EXPECT(received_by_recvmmsg, "pass", "recvmmsg", 1, LEAK "receive_mmsg (guest_births.c:")
EXPECT(received_with_credentials_before, "pass", "credentials", 1,
       LEAK "receive_msg (guest_births.c:")
EXPECT(peeking_installs_descriptors_too, "pass", "peek", 1, LEAK "receive_msg (guest_births.c:")
EXPECT(taken_by_pidfd_getfd, "pass", "pidfd_getfd", 1, LEAK "take_over (guest_births.c:")
EXPECT(taken_by_system_call, "pass", "pidfd_getfd_call", 1, LEAK "take_over (guest_births.c:")

static void truncated_rights_are_those_that_fitted(void **state)
{
	struct told t = run("pass_truncated", NULL);

	(void)state;
	assert_int_equal(count(&t, REC_LIFE_RECEIVED), 2);
	forget(&t);
}

static void what_the_kernel_says_of_a_received_socket(void **state)
{
	struct told t = run("pass", "recvmsg");
	const struct whole_life *l = life(&t, REC_LIFE_RECEIVED, 0);

	(void)state;
	assert_non_null(l);
	assert_int_equal(l->family, AF_INET);
	assert_int_equal(l->type, SOCK_STREAM);
	assert_int_equal(l->protocol, IPPROTO_TCP);
	assert_int_equal(l->born_by, REC_CALL_RECVMSG);
	assert_true(l->flags & REC_LIFE_ACCEPTED);
	assert_true(l->kernel_cookie);
	assert_int_equal(l->peer.family, AF_INET);
	forget(&t);
}

static void sender_keeps_a_note_of_what_it_sent(void **state)
{
	struct told t = run("pass_to_worker", NULL);
	const struct recording *sender = NULL;

	(void)state;
	for (size_t i = 0; i < t.all.nr; i++)
		if (t.all.items[i]->nr_sent)
			sender = t.all.items[i];
	assert_non_null(sender);
	assert_int_equal(sender->header->nr_sent, 4);
	assert_int_equal(sender->nr_sent, 4);
	assert_int_equal(sender->sent[0]->born_by, REC_CALL_ACCEPT);
	assert_non_null(recording_site(sender, sender->sent[0]->born_site));
	assert_non_null(recording_site(sender, sender->sent[0]->sent_site));
	forget(&t);
}

static void only_the_last_that_were_sent_are_kept(void **state)
{
	struct told t = run("pass_many", "300");

	(void)state;
	assert_int_equal(t.all.items[0]->header->nr_sent, 300);
	assert_int_equal(t.all.items[0]->nr_sent, REC_SENT_NR);
	assert_int_equal(t.all.items[0]->header->lost_lives, 0);
	assert_int_equal(count(&t, REC_LIFE_SENT), 1);
	forget(&t);
}

static void assert_worker_leaks(const char *arg, const char *sent_in)
{
	struct told t = run("pass_to_worker", arg);

	assert_has_line(t.report.out, IN_ACCEPT);
	assert_says(&t, "received from process guest[");
	assert_says(&t, "in receive_msg (guest_births.c:");
	assert_says(&t, sent_in);
	assert_has_line(t.report.out, "socklint: 3 sockets leaked at 1 place");
	forget(&t);
}

static void a_receivers_leak_shows_where_the_sender_opened_it(void **state)
{
	(void)state;
	assert_worker_leaks(NULL, "send_away (guest_births.c:");
}

static void sent_by_sendmmsg(void **state)
{
	(void)state;
	assert_worker_leaks("sendmmsg", "send_two_away (guest_births.c:");
}

/* ---- open at the start ------------------------------------------------------------------- */

static int listen_any(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

/* The server's end of a connection that the peer has closed. */
static int make_close_wait(void)
{
	struct sockaddr_in at;
	int listener = listen_any(&at), peer = socket(AF_INET, SOCK_STREAM, 0), fd;

	assert_int_equal(connect(peer, (struct sockaddr *)&at, sizeof(at)), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	close(peer);
	close(listener);
	return fd;
}

/* Runs the guest with `fd` as number `as`, and two copies of it if so asked. */
static struct told run_with(int fd, int as, bool thrice, const char *guest)
{
	char arg[16];
	struct told t;

	for (int i = 0; i < (thrice ? 3 : 1); i++)
		assert_int_equal(dup2(fd, as + i), as + i);
	snprintf(arg, sizeof(arg), "%d", as);
	t = run(guest, arg);
	for (int i = 0; i < (thrice ? 3 : 1); i++)
		close(as + i);
	close(fd);
	return t;
}

static void handed_a_listener_by_socket_activation(void **state)
{
	struct sockaddr_in at;
	struct told t = run_with(listen_any(&at), PASSED, false, "activated");
	const struct whole_life *l = life(&t, REC_LIFE_AT_START, 0);

	(void)state;
	assert_has_line(t.report.out, IN_ACCEPT);
	assert_non_null(l);
	assert_true(l->flags & REC_LIFE_LISTENING);
	assert_int_equal(l->local.port, ntohs(at.sin_port));
	assert_int_equal(l->born_by, REC_CALL_AT_START);
	assert_int_equal(l->born_ns, t.all.items[0]->header->start_ns);
	assert_says(&t, ": listening ");
	forget(&t);
}

/* As inetd's 0, 1 and 2: what was learnt by one number is known of all. */
static void handed_a_connection_by_three_numbers(void **state)
{
	struct told t = run_with(make_close_wait(), PASSED, true, "inetd");

	(void)state;
	assert_int_equal(count(&t, REC_LIFE_AT_START), 2);
	assert_int_equal(life(&t, REC_LIFE_AT_START, 0)->id, life(&t, REC_LIFE_AT_START, 1)->id);
	assert_int_equal(count(&t, REC_LIFE_EOF), 1); /* the number that was closed has told it */
	assert_has_line(t.report.out, "socklint: no leaks: 2 sockets followed in 1 process, 1 ");
	forget(&t);
}

/* With proof it is a leak, though nobody knows who opened it. */
static void handed_a_connection_and_forgot_it(void **state)
{
	struct told t = run_with(make_close_wait(), PASSED, false, "inetd_kept");

	(void)state;
	assert_has_line(t.report.out, "error: close-wait (eof-ignored): 1 socket opened in ???");
	assert_says(&t, "before this program started: it was passed on by exec");
	forget(&t);
}

static void high_numbers_are_found(void **state)
{
	int fd = make_close_wait(), high = fcntl(fd, F_DUPFD_CLOEXEC, 15000);
	struct told t;

	(void)state;
	if (high < 0)
		skip();
	close(fd);
	t = run_with(high, 15001, false, "inetd_kept");
	assert_int_equal(count(&t, REC_LIFE_AT_START), 1);
	forget(&t);
}

/* What is closed after it was not left until the end. */
static void another_listener_takes_back_the_end(void **state)
{
	struct told t = run("listens_again", NULL);
	const struct recording *r = t.all.items[0];
	uint64_t closed = 0;

	(void)state;
	for (size_t i = 0; i < r->nr_outcomes; i++) {
		assert_int_equal(r->outcomes[i]->flags & REC_OUTCOME_AT_END, 0);
		closed += r->outcomes[i]->nr;
	}
	assert_int_equal(closed, 3); /* a server's and two clients' */
	forget(&t);
}

/* A shell that a large server starts must not spend a second on what it inherits. */
static void of_very_many_some_are_taken_over(void **state)
{
	enum { MANY = 700, FROM = 2000, TAKEN = 512 };
	struct told t;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (dup2(fd, FROM + i) < 0)
			skip();
		close(fd);
	}
	t = run_with(make_close_wait(), PASSED, false, "inetd_kept");
	for (int i = 0; i < MANY; i++)
		close(FROM + i);
	assert_int_equal(count(&t, REC_LIFE_AT_START), TAKEN);
	assert_int_equal(count(&t, REC_LIFE_UNSEEN), 0);
	assert_has_line(t.report.out, "error: close-wait (eof-ignored): 1 socket opened in ???");
	assert_has_line(t.report.out, "blind: 1 process was passed more sockets at the start");
	forget(&t);
}

static void a_unix_socket_at_the_start_makes_no_file(void **state)
{
	struct told t;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	t = run_with(pair[0], PASSED, false, "nothing");
	assert_false(t.all.has_summary); /* nor was one made and removed */
	close(pair[1]);
	forget(&t);
}

/* A shell that a server starts without close-on-exec. */
static void a_bystander_leaves_no_file(void **state)
{
	struct told t = run_with(make_close_wait(), PASSED, false, "nothing");

	(void)state;
	assert_int_equal(t.all.nr, 0);
	assert_int_equal(t.all.summary.folded, 1);
	assert_int_equal(t.all.summary.folded_births, 0);
	forget(&t);
}

static void without_proc_the_first_numbers_are_tried(void **state)
{
	int fd = make_close_wait();
	char options[300], env[300];
	struct told t = {.dir = scratch_make()};

	(void)state;
	snprintf(env, sizeof(env), "LD_PRELOAD=%s", SHIM);
	snprintf(options, sizeof(options), "SOCKLINT_OPTIONS=dir=%s:report=none", t.dir);
	assert_int_equal(dup2(fd, PASSED), PASSED);
	t.run = run_program(&(struct start){
		.argv = ARGV("unshare", "--mount", "bash", "-c",
			     "exec 50<&100 100<&- && mount -t tmpfs none /proc && exec env \"$1\" "
			     "\"$2\" \"$0\" inetd_kept 50",
			     GUEST, env, options)});
	close(PASSED);
	close(fd);
	if (t.run.status) {
		run_release(&t.run);
		scratch_remove(t.dir);
		skip();
	}
	look(&t);
	assert_has_line(t.report.out, "error: close-wait (eof-ignored): 1 socket opened in ???");
	assert_says(&t, "blind: 1 process had no /proc at the start");
	forget(&t);
}

/* By a constructor that runs before the shim's: it was seen, and is not taken for one passed on. */
static void opened_before_the_start(void **state)
{
	struct told t = {.dir = scratch_make()};
	char options[300];
	size_t n = 0;

	(void)state;
	snprintf(options, sizeof(options), "dir=%s:report=none", t.dir);
	setenv("EARLY_SOCKET", "1", 1);
	t.run = run_program(&(struct start){
		.argv = ARGV(EARLY_MALLOC_GUEST), .preload = SHIM, .options = options});
	unsetenv("EARLY_SOCKET");
	look(&t);
	for (size_t i = 0; i < t.all.items[0]->nr_lives; i++)
		n += t.all.items[0]->lives[i].life->born_by == REC_CALL_SOCKET;
	assert_int_equal(n, 2);
	assert_int_equal(count(&t, REC_LIFE_AT_START), 0);
	forget(&t);
}

/* ---- exec -------------------------------------------------------------------------------- */

static void what_was_leaked_before_exec_is_found_after_it(void **state)
{
	struct told t = run("leak_and_exec", NULL);

	(void)state;
	assert_has_line(t.report.out, IN_ACCEPT);
	assert_says(&t, "passed on opened in process guest[");
	assert_says(&t, "passed on by exec ");
	assert_says(&t, "EOF read in leak_one (guest.c:");
	assert_has_line(t.report.out, "socklint: 3 sockets leaked at 1 place");
	forget(&t);
}

/* The child's own images: forked, then another program; the parent has closed its own. */
static void what_a_forked_child_passed_on_by_exec(void **state)
{
	struct told t = run("leak_and_exec", "child");

	(void)state;
	assert_has_line(t.report.out, "      3  accept_client (guest.c:");
	assert_has_line(t.report.out, "socklint: no leaks: ");
	forget(&t);
}

static void close_on_exec_closes_at_exec(void **state)
{
	struct told t = run("leak_and_exec", "cloexec");

	(void)state;
	assert_int_equal(t.all.nr, 0);
	assert_has_line(t.report.out, "socklint: no leaks: 9 sockets followed");
	forget(&t);
}

static void opened_before_exec_and_forgotten_after_it(void **state)
{
	struct told t = run("hand_to_exec", NULL);

	(void)state;
	assert_has_line(t.report.out, "error: close-wait (eof-ignored): 1 socket opened in "
				      "accept_client (guest.c:");
	assert_says(&t, "EOF read in read_to_end (guest_births.c:");
	assert_says(&t, "passed on by exec ");
	assert_says(&t, "by accept() in thread ");
	forget(&t);
}

/* ---- what no hook sees ------------------------------------------------------------------- */

static void assert_three_unseen(const char *arg)
{
	struct told t = run("unseen_births", arg);

	assert_has_line(t.report.out, "blind: 3 sockets whose opening socklint did not see "
				      "(CLOSE_WAIT)");
	assert_has_line(t.report.out, "      3  ??? (no stack): origin unknown (CLOSE_WAIT)");
	assert_has_no_line(t.report.out, "error:");
	assert_int_equal(WEXITSTATUS(t.report.status), 0);
	assert_int_equal(life(&t, REC_LIFE_UNSEEN, 0)->born_by, REC_CALL_UNSEEN);
	forget(&t);
}

static void unseen_sockets_are_listed_with_their_state(void **state)
{
	(void)state;
	assert_three_unseen(NULL);
}

static void unseen_sockets_where_no_hook_saw_any(void **state)
{
	(void)state;
	assert_three_unseen("alone");
}

static void an_unseen_unix_socket_makes_no_file(void **state)
{
	struct told t = run("unseen_births", "unix");

	(void)state;
	assert_int_equal(scratch_count(t.dir, ".socklint"), 0);
	forget(&t);
}

/* ---- births and aliases that hooks see ---------------------------------------------------- */

static void a_socketpair_is_two_lives(void **state)
{
	struct told t = run("pair", NULL);
	size_t n = 0;

	(void)state;
	assert_int_equal(t.all.nr, 1);
	for (size_t i = 0; i < t.all.items[0]->nr_lives; i++)
		n += t.all.items[0]->lives[i].life->born_by == REC_CALL_SOCKETPAIR;
	assert_int_equal(n, 2);
	forget(&t);
}

#define ONE "error: close-wait (eof-ignored): 1 socket opened in accept_client (guest.c:"

EXPECT(kept_by_dup, "alias", "dup", 1, ONE)
EXPECT(kept_by_dup2, "alias", "dup2", 1, ONE)
EXPECT(kept_by_dup3, "alias", "dup3", 1, ONE)
EXPECT(kept_by_fcntl, "alias", "fcntl", 1, ONE)
EXPECT(kept_by_fcntl_cloexec, "alias", "fcntl_cloexec", 1, ONE)
EXPECT(kept_by_fcntl64, "alias", "fcntl64", 1, ONE)

/* Sent to itself: one life with one number more, not a second socket. */
static void kept_by_a_message_to_itself(void **state)
{
	struct told t = run("alias", "rights");

	(void)state;
	assert_has_line(t.report.out, ONE);
	assert_int_equal(count(&t, REC_LIFE_DUPLICATE), 1);
	assert_int_equal(life(&t, REC_LIFE_DUPLICATE, 0)->born_by, REC_CALL_ACCEPT);
	forget(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(received_by_recvmsg),
		cmocka_unit_test(received_by_recvmmsg),
		cmocka_unit_test(received_with_credentials_before),
		cmocka_unit_test(peeking_installs_descriptors_too),
		cmocka_unit_test(taken_by_pidfd_getfd),
		cmocka_unit_test(taken_by_system_call),
		cmocka_unit_test(truncated_rights_are_those_that_fitted),
		cmocka_unit_test(what_the_kernel_says_of_a_received_socket),
		cmocka_unit_test(sender_keeps_a_note_of_what_it_sent),
		cmocka_unit_test(a_receivers_leak_shows_where_the_sender_opened_it),
		cmocka_unit_test(sent_by_sendmmsg),
		cmocka_unit_test(only_the_last_that_were_sent_are_kept),
		cmocka_unit_test(handed_a_listener_by_socket_activation),
		cmocka_unit_test(handed_a_connection_by_three_numbers),
		cmocka_unit_test(handed_a_connection_and_forgot_it),
		cmocka_unit_test(high_numbers_are_found),
		cmocka_unit_test(another_listener_takes_back_the_end),
		cmocka_unit_test(of_very_many_some_are_taken_over),
		cmocka_unit_test(a_unix_socket_at_the_start_makes_no_file),
		cmocka_unit_test(a_bystander_leaves_no_file),
		cmocka_unit_test(opened_before_the_start),
		cmocka_unit_test(without_proc_the_first_numbers_are_tried),
		cmocka_unit_test(what_was_leaked_before_exec_is_found_after_it),
		cmocka_unit_test(what_a_forked_child_passed_on_by_exec),
		cmocka_unit_test(close_on_exec_closes_at_exec),
		cmocka_unit_test(opened_before_exec_and_forgotten_after_it),
		cmocka_unit_test(unseen_sockets_are_listed_with_their_state),
		cmocka_unit_test(unseen_sockets_where_no_hook_saw_any),
		cmocka_unit_test(an_unseen_unix_socket_makes_no_file),
		cmocka_unit_test(a_socketpair_is_two_lives),
		cmocka_unit_test(kept_by_dup),
		cmocka_unit_test(kept_by_dup2),
		cmocka_unit_test(kept_by_dup3),
		cmocka_unit_test(kept_by_fcntl),
		cmocka_unit_test(kept_by_fcntl_cloexec),
		cmocka_unit_test(kept_by_fcntl64),
		cmocka_unit_test(kept_by_a_message_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
