/* SPDX-License-Identifier: MIT */
/*
 * Every door out of a socket: each way to close one is in the recording as its death, with the
 * stack of who did it; what only looks like it is not. And each does what it does without the shim.
 */
#include "running.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "collection.h"

struct recorded {
	char *dir;
	struct collection all;
	const struct recording *r;
	struct whole_life life; /* of the descriptor that the guest named last */
};

static struct recorded record_with(const char *name, const char *how, const char *more)
{
	struct recorded x = {scratch_make(), COLLECTION_INIT, NULL, {0}};
	struct start start = {.argv = ARGV(GUEST, name, how, more)};
	struct run bare = run_program(&start), run;
	char options[300];
	const char *said;

	snprintf(options, sizeof(options), "dir=%s:report=none", x.dir);
	start.preload = SHIM;
	start.options = options;
	run = run_program(&start);
	said = strstr(run.out, "fd ");

	assert_null(strstr(run.out, "FAILED"));
	assert_string_equal(run.out, bare.out);
	assert_string_equal(run.err, bare.err);
	assert_int_equal(run.status, bare.status);
	assert_non_null(said);
	collection_add(&x.all, x.dir);
	assert_int_equal(x.all.nr_complaints, 0);
	assert_int_equal(x.all.nr, 1);
	x.r = x.all.items[0];
	for (size_t i = 0; i < x.r->nr_lives; i++)
		if (x.r->lives[i].fd == atoi(said + 3))
			x.life = *x.r->lives[i].life;
	assert_int_not_equal(x.life.seq, 0);
	run_release(&bare);
	run_release(&run);
	return x;
}

static struct recorded record(const char *name, const char *how)
{
	return record_with(name, how, NULL);
}

static void forget(struct recorded *x)
{
	collection_release(&x->all);
	scratch_remove(x->dir);
}

/* Seen to be closed, and where: not just found to be gone at the end. */
static void dies(const char *how)
{
	struct recorded x = record("death", how);

	assert_int_equal(x.life.seq & 1, 0);
	assert_int_not_equal(x.life.close_ns, 0);
	assert_non_null(recording_site(x.r, x.life.close_site));
	assert_false(x.life.flags & REC_LIFE_REVIVED);
	forget(&x);
}

/* All through, and not just found to be there at the end. */
static void lives(const char *how)
{
	struct recorded x = record("death", how);

	assert_int_equal(x.life.seq & 1, 1);
	assert_false(x.life.flags & (REC_LIFE_GONE | REC_LIFE_REVIVED | REC_LIFE_RESET));
	forget(&x);
}

#define DIES(way)                                                                                  \
	static void dies_##way(void **state)                                                       \
	{                                                                                          \
		(void)state;                                                                       \
		dies(#way);                                                                        \
	}
#define LIVES(way)                                                                                 \
	static void lives_##way(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		lives(#way);                                                                       \
	}

DIES(by_close)
DIES(by___close)
DIES(by_fclose)
DIES(by_fclose_that_fails)
DIES(by_fclose_of_stdin)
DIES(by_pclose)
DIES(by_freopen)
DIES(by_freopen64)
DIES(by_freopen_that_fails)
DIES(by_freopen_of_no_path)
DIES(by_close_range)
DIES(by_close_range_to_the_end)
DIES(by_close_range_unshare)
DIES(by_closefrom)
DIES(by_dup2)
DIES(by_dup3)
DIES(by_raw_close)
DIES(by_raw_close_range)
DIES(by_raw_dup2)
DIES(by_raw_dup3)
DIES(by_close_under_a_reader)
LIVES(not_by_fcloseall)
LIVES(not_by_fdopen_that_fails)
LIVES(not_by_fmemopen)
LIVES(not_by_close_range_cloexec)
LIVES(not_by_wrong_close_range)
LIVES(not_by_close_range_of_old)
LIVES(not_by_dup2_that_fails)
LIVES(not_by_impossible_numbers)
LIVES(not_by_a_vfork_child)
LIVES(not_by_posix_spawn)
LIVES(not_by_posix_spawnp)
LIVES(not_by_system)
LIVES(not_by_popen)
LIVES(not_by_sendfile)
LIVES(not_by_splice_into_a_broken_pipe)

/* What a thread still reads in the old socket says nothing of the one that has its number now. */
static void dup2_under_a_reader(void **state)
{
	struct recorded x = record("death", "by_dup2_under_a_reader");

	(void)state;
	assert_int_equal(x.life.seq & 1, 1);
	assert_int_equal(x.life.family, AF_UNIX);
	assert_false(x.life.flags & (REC_LIFE_EOF | REC_LIFE_GONE));
	assert_int_not_equal(x.life.close_ns, 0); /* of the one before */
	forget(&x);
}

static void fclose_of_a_closed_number_is_a_double_close(void **state)
{
	struct recorded x = record("death", "by_fclose_twice");

	(void)state;
	assert_int_equal(x.r->nr_incidents, 1);
	assert_int_equal(x.r->incidents[0]->kind, REC_INCIDENT_DOUBLE_CLOSE);
	forget(&x);
}

static void sendfile_from_a_socket_is_no_touch(void **state)
{
	struct recorded x = record("death", "not_by_sendfile");

	(void)state;
	assert_int_equal(x.r->header->births, 3);
	assert_int_equal(x.life.seq & 1, 1);
	forget(&x);
}

/* ---- raw doors ---- */

static const struct raw {
	const char *how;
	enum rec_call born_by, touched_by;
	uint32_t flags;
} raws[] = {
#if defined(__x86_64__)
	{"accept", REC_CALL_ACCEPT, REC_CALL_ACCEPT, REC_LIFE_ACCEPTED},
#endif
	{"socketpair", REC_CALL_SOCKETPAIR, REC_CALL_SOCKETPAIR, 0},
	{"connect", REC_CALL_SOCKET, REC_CALL_CONNECT, REC_LIFE_CONNECTED},
	{"listen", REC_CALL_SOCKET, REC_CALL_SOCKET, REC_LIFE_LISTENING},
	{"dup", REC_CALL_ACCEPT, REC_CALL_DUP, REC_LIFE_DUPLICATE},
	{"dup3", REC_CALL_ACCEPT, REC_CALL_DUP3, REC_LIFE_DUPLICATE},
	{"fcntl", REC_CALL_ACCEPT, REC_CALL_FCNTL, REC_LIFE_DUPLICATE},
	{"shutdown", REC_CALL_ACCEPT, REC_CALL_SHUTDOWN, REC_LIFE_SHUT_WR},
	{"write", REC_CALL_ACCEPT, REC_CALL_WRITE, REC_LIFE_TOUCHED},
	{"writev", REC_CALL_ACCEPT, REC_CALL_WRITEV, REC_LIFE_TOUCHED},
	{"sendto", REC_CALL_ACCEPT, REC_CALL_SENDTO, REC_LIFE_TOUCHED},
	{"sendmsg", REC_CALL_ACCEPT, REC_CALL_SENDMSG, REC_LIFE_TOUCHED},
	{"sendmmsg", REC_CALL_ACCEPT, REC_CALL_SENDMMSG, REC_LIFE_TOUCHED},
	{"sendfile", REC_CALL_ACCEPT, REC_CALL_SENDFILE, REC_LIFE_TOUCHED},
	{"raw_splice", REC_CALL_ACCEPT, REC_CALL_SPLICE, REC_LIFE_TOUCHED},
	{"splice", REC_CALL_ACCEPT, REC_CALL_SPLICE, REC_LIFE_TOUCHED},
};

static void raw_doors_are_the_hooks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		const struct raw *raw = &raws[i];
		struct recorded x = record("raw", raw->how);

		if (x.life.touch_call != raw->touched_by ||
		    (x.life.flags & raw->flags) != raw->flags ||
		    (x.life.born_by != raw->born_by && x.life.born_by != REC_CALL_ACCEPT4))
			fail_msg("%s: born by %u, touched by %u, flags %x", raw->how,
				 x.life.born_by, x.life.touch_call, x.life.flags);
		assert_false(x.life.flags & REC_LIFE_GONE);
		if (x.life.flags & REC_LIFE_LISTENING)
			assert_int_not_equal(x.life.local.port, 0);
		forget(&x);
	}
}

/* ---- the end of a connection, learnt by each door ---- */

static const char *const readers[] = {"read",	  "readv",    "recv",	  "recvfrom",	 "recvmsg",
				      "recvmmsg", "read_chk", "recv_chk", "recvfrom_chk"};
static const char *const writers[] = {"write",	 "writev",   "send",	"sendto",
				      "sendmsg", "sendmmsg", "sendfile"};

#define EACH(door, doors)                                                                          \
	for (const char *const *door = doors; door < doors + sizeof(doors) / sizeof(*doors); door++)

static void eof_by_each_function(void **state)
{
	(void)state;
	EACH(door, readers)
	{
		struct recorded x = record_with("stream", "fin", *door);

		if (!(x.life.flags & REC_LIFE_EOF) || !x.life.eof_ns || !x.life.eof_site)
			fail_msg("%s: flags %x", *door, x.life.flags);
		assert_false(x.life.flags & REC_LIFE_RESET);
		forget(&x);
	}
}

static void reset_by(const char *how, const char *door, uint32_t error)
{
	struct recorded x = record_with("stream", how, door);

	if (!(x.life.flags & REC_LIFE_RESET) || x.life.reset_errno != error || !x.life.reset_site)
		fail_msg("%s: flags %x, error %u", door, x.life.flags, x.life.reset_errno);
	assert_false(x.life.flags & REC_LIFE_EOF);
	forget(&x);
}

static void reset_by_each_function(void **state)
{
	(void)state;
	EACH(door, readers)
	reset_by("reset", *door, ECONNRESET);
	EACH(door, writers)
	{
		reset_by("reset", *door, ECONNRESET);
		reset_by("pipe", *door, EPIPE);
	}
}

static void shutdown_in_each_direction(void **state)
{
	static const struct {
		const char *how;
		uint32_t flags;
	} rows[] = {
		{"shutdown_read", REC_LIFE_SHUT_RD},
		{"shutdown_write", REC_LIFE_SHUT_WR},
		{"shutdown_both", REC_LIFE_SHUT_RD | REC_LIFE_SHUT_WR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct recorded x = record_with("stream", "stays", rows[i].how);

		assert_int_equal(x.life.flags & (REC_LIFE_SHUT_RD | REC_LIFE_SHUT_WR),
				 rows[i].flags);
		assert_int_not_equal(x.life.shut_site, 0);
		assert_int_equal(x.life.touch_call, REC_CALL_SHUTDOWN);
		forget(&x);
	}
}

/* ---- what the report makes of it ---- */

static struct run report_on(const char *name, const char *how)
{
	char *dir = scratch_make();
	struct run guest = run_guest(dir, name, how), report = run_report(dir);

	assert_int_equal(guest.status, 0);
	assert_null(strstr(guest.out, "FAILED"));
	run_release(&guest);
	scratch_remove(dir);
	return report;
}

static void no_error(const char *name, const char *how)
{
	struct run report = report_on(name, how);

	assert_has_no_line(report.out, "error:");
	run_release(&report);
}

static void eof_by_each_door_is_known(void **state)
{
	static const char *const hows[] = {"read",     "readv",	     "recvfrom", "recvmsg",
					   "recvmmsg", "raw_splice", "splice"};

	(void)state;
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		struct run report = report_on("raw_leak", hows[i]);

		assert_has_line(report.out, "error: close-wait (eof-ignored): 3 sockets opened in "
					    "raw_accept (guest_doors.c:");
		run_release(&report);
	}
}

static void close_on_exec_is_a_death(void **state)
{
	(void)state;
	no_error("exec_cloexec", NULL);
}

#define FORGOTTEN "error: close-wait (eof-un"

static void forgotten_fclose(const char *how)
{
	struct run report = report_on("stdio_server", how);

	assert_has_line(report.out, FORGOTTEN);
	assert_non_null(strstr(report.out, "3 sockets opened in accept_client"));
	assert_non_null(strstr(report.out, "through a FILE (fdopen in serve_job (guest_doors.c:"));
	assert_null(strstr(report.out, "none since it was opened"));
	run_release(&report);
}

static void forgotten_fclose_in_a_thread_is_found(void **state)
{
	(void)state;
	forgotten_fclose("worker forgets");
}

static void forgotten_fclose_of_the_only_thread_is_found(void **state)
{
	(void)state;
	forgotten_fclose("single forgets");
}

static void busy_worker_with_a_file_is_not_accused(void **state)
{
	(void)state;
	no_error("stdio_server", "worker busy");
}

/* The accepting thread made the FILE and went on: it is in the worker's hands. */
static void busy_worker_that_was_handed_a_file_is_not_accused(void **state)
{
	struct run report = report_on("stdio_server", "handed busy");

	(void)state;
	assert_has_no_line(report.out, "error:");
	assert_non_null(strstr(report.out, "in a FILE: what is done with it is not seen"));
	run_release(&report);
}

/* The number of threads is known of the living, and of those who could say good-bye. */
static void report_on_waiting(const char *how, const char *alive, const char *killed)
{
	char *dir = scratch_make(), options[300];
	struct child child;
	struct run run, report;

	snprintf(options, sizeof(options), "dir=%s:report=none", dir);
	child = child_start(&(struct start){
		.argv = ARGV(GUEST, "stdio_server", how), .preload = SHIM, .options = options});
	child_expect(&child, "done");
	report = run_report(dir);
	if (alive)
		assert_has_line(report.out, alive);
	else
		assert_has_no_line(report.out, "error:");
	run_release(&report);
	kill(child.pid, SIGKILL);
	run = child_finish(&child);
	run_release(&run);
	report = run_report(dir);
	if (killed)
		assert_has_line(report.out, killed);
	else
		assert_has_no_line(report.out, "error:");
	run_release(&report);
	scratch_remove(dir);
}

static void handed_files_of_a_living_server(void **state)
{
	(void)state;
	report_on_waiting("handed busy waits", NULL, NULL);
}

static void forgotten_files_of_a_living_server(void **state)
{
	(void)state;
	report_on_waiting("worker forgets waits", FORGOTTEN, NULL);
}

static void forgotten_files_of_a_living_single_thread(void **state)
{
	(void)state;
	report_on_waiting("single forgets waits", FORGOTTEN, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dies_by_close),
		cmocka_unit_test(dies_by___close),
		cmocka_unit_test(dies_by_fclose),
		cmocka_unit_test(dies_by_fclose_that_fails),
		cmocka_unit_test(dies_by_fclose_of_stdin),
		cmocka_unit_test(dies_by_pclose),
		cmocka_unit_test(dies_by_freopen),
		cmocka_unit_test(dies_by_freopen64),
		cmocka_unit_test(dies_by_freopen_that_fails),
		cmocka_unit_test(dies_by_freopen_of_no_path),
		cmocka_unit_test(dies_by_close_range),
		cmocka_unit_test(dies_by_close_range_to_the_end),
		cmocka_unit_test(dies_by_close_range_unshare),
		cmocka_unit_test(dies_by_closefrom),
		cmocka_unit_test(dies_by_dup2),
		cmocka_unit_test(dies_by_dup3),
		cmocka_unit_test(dies_by_raw_close),
		cmocka_unit_test(dies_by_raw_close_range),
		cmocka_unit_test(dies_by_raw_dup2),
		cmocka_unit_test(dies_by_raw_dup3),
		cmocka_unit_test(dies_by_close_under_a_reader),
		cmocka_unit_test(lives_not_by_fcloseall),
		cmocka_unit_test(lives_not_by_fdopen_that_fails),
		cmocka_unit_test(lives_not_by_fmemopen),
		cmocka_unit_test(lives_not_by_close_range_cloexec),
		cmocka_unit_test(lives_not_by_wrong_close_range),
		cmocka_unit_test(lives_not_by_close_range_of_old),
		cmocka_unit_test(lives_not_by_dup2_that_fails),
		cmocka_unit_test(lives_not_by_impossible_numbers),
		cmocka_unit_test(lives_not_by_a_vfork_child),
		cmocka_unit_test(lives_not_by_posix_spawn),
		cmocka_unit_test(lives_not_by_posix_spawnp),
		cmocka_unit_test(lives_not_by_system),
		cmocka_unit_test(lives_not_by_popen),
		cmocka_unit_test(lives_not_by_sendfile),
		cmocka_unit_test(lives_not_by_splice_into_a_broken_pipe),
		cmocka_unit_test(dup2_under_a_reader),
		cmocka_unit_test(fclose_of_a_closed_number_is_a_double_close),
		cmocka_unit_test(sendfile_from_a_socket_is_no_touch),
		cmocka_unit_test(raw_doors_are_the_hooks),
		cmocka_unit_test(eof_by_each_function),
		cmocka_unit_test(reset_by_each_function),
		cmocka_unit_test(shutdown_in_each_direction),
		cmocka_unit_test(eof_by_each_door_is_known),
		cmocka_unit_test(close_on_exec_is_a_death),
		cmocka_unit_test(forgotten_fclose_in_a_thread_is_found),
		cmocka_unit_test(forgotten_fclose_of_the_only_thread_is_found),
		cmocka_unit_test(busy_worker_with_a_file_is_not_accused),
		cmocka_unit_test(busy_worker_that_was_handed_a_file_is_not_accused),
		cmocka_unit_test(handed_files_of_a_living_server),
		cmocka_unit_test(forgotten_files_of_a_living_server),
		cmocka_unit_test(forgotten_files_of_a_living_single_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
