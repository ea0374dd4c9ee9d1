/* SPDX-License-Identifier: MIT */
/*
 * The gate before the shim's system calls, and libunwind's prison, with a kernel and a libunwind
 * of our own: the one kills for each call once the filter is there, the other makes calls.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static pthread_t new_thread(void *(*f)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, f, arg))
		exit(99);
	return t;
}

#include "at.h"
#include "clock.h"
#include "gate.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "ldso.h"
#include "modules.h"
#include "options.h"
#include "shim.h"
#include "signals.h"
#include "sys.h"
#include "thread.h"
#include "unwinder.h"
#include "words.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

/* ---- the kernel ---- */

static bool filter; /* for all threads */
static uint32_t killed, under_way;

static long kernel(long nr, long a, long b, long c, long d, long e, long f)
{
	long r;

	if (__atomic_load_n(&filter, __ATOMIC_SEQ_CST))
		word_add(&killed, 1);
	__atomic_fetch_add(&under_way, 1, __ATOMIC_SEQ_CST);
	r = sys_raw(nr, a, b, c, d, e, f);
	__atomic_fetch_sub(&under_way, 1, __ATOMIC_SEQ_CST);
	return r;
}

/* One that is under way may have to be started anew, by a signal: it must be over. */
static void filter_comes(void)
{
	__atomic_store_n(&filter, true, __ATOMIC_SEQ_CST);
	word_add(&killed, __atomic_load_n(&under_way, __ATOMIC_SEQ_CST));
}

#define sys_raw kernel
#include "../shim/sys.c"
#undef sys_raw

/* ---- libunwind, and what else unwinder.c needs ---- */

struct shim shim;
static uint32_t alive = 1;
uint32_t *init_alive = &alive;
struct real real;
struct options options = {.depth = 8};

bool init_or_reborn(void)
{
	return true;
}

void module_unloaded(void)
{
}

/* It makes calls, and nobody may arm them again. */
static uint32_t disarmed;

void signals_disarm_all(void)
{
	struct stay stay;

	disarmed += !stay_begin(&stay) && !__atomic_load_n(&filter, __ATOMIC_SEQ_CST);
	stay_end(&stay);
}

void ldso_find_lock(void)
{
}

bool ldso_lock_is_stuck(void)
{
	return false;
}

static uint32_t loader_owner;

uint32_t ldso_lock_owner(void)
{
	return word_get(&loader_owner);
}

static uint32_t steps;
static void (*on_step)(void);

EXPORT int unw_tdep_getcontext(unw_tdep_context_t *context)
{
	(void)context;
	return 0;
}

EXPORT int unw_init_local(unw_cursor_t *cursor, unw_context_t *context)
{
	(void)cursor, (void)context;
	return 0;
}

EXPORT int unw_get_reg(unw_cursor_t *cursor, int reg, unw_word_t *value)
{
	(void)cursor, (void)reg;
	*value = 0;
	return 0;
}

EXPORT int unw_step(unw_cursor_t *cursor)
{
	(void)cursor;
	word_add(&steps, 1);
	kernel(SYS_getppid, 0, 0, 0, 0, 0, 0); /* as it asks about its memory */
	if (on_step)
		on_step();
	return 0;
}

static void *dlopen_here(const char *name, int flags)
{
	(void)name;
	return (dlopen)(NULL, flags);
}

static bool walk_stack(void)
{
	struct frames frames;
	uint32_t before = word_get(&steps);

	unwinder_walk((struct at){0, 0}, &frames);
	return word_get(&steps) != before;
}

static int set_up(void **state_of_test)
{
	(void)state_of_test;
	real.dlopen = dlopen_here;
	clock_find();
	unwinder_load();
	return unwinder_present() ? 0 : -1;
}

/* As a new process would be. */
static int start_anew(void **state_of_test)
{
	(void)state_of_test;
	filter = false;
	killed = 0;
	on_step = NULL;
	shim.sealed = false;
	state = OPEN;
	sys_reborn();
	memset(&thread, 0, sizeof(thread));
	return 0;
}

/* ---- one after the other ---- */

static void no_call_with_a_filter(void **state_of_test)
{
	struct stay stay;

	(void)state_of_test;
	disarmed = 0;
	assert_true(sys_seal(true));
	assert_int_equal(disarmed, 1);
	filter_comes();
	assert_int_equal(sys_getppid(), -EPERM);
	assert_false(stay_begin(&stay));
	stay_end(&stay);
	assert_false(gate_hold(&stay));
	gate_release(&stay);
	assert_int_equal(word_get(&killed), 0);
}

/* Who looked whether there is a filter before it came may come to libunwind long after. */
static void no_walk_with_a_filter(void **state_of_test)
{
	(void)state_of_test;
	assert_true(walk_stack());
	assert_true(sys_seal(true));
	filter_comes();
	assert_false(walk_stack());
	assert_int_equal(word_get(&killed), 0);
}

static void no_filter_after_all(void **state_of_test)
{
	struct stay stay;

	(void)state_of_test;
	assert_true(sys_seal(true));
	assert_false(walk_stack());
	sys_unseal();
	assert_true(walk_stack());
	assert_true(sys_getppid() >= 0);
	assert_true(stay_begin(&stay));
	stay_end(&stay);
}

/* Its own filter is none of the other's that fails. */
static void one_of_two_fails(void **state_of_test)
{
	(void)state_of_test;
	assert_true(sys_seal(true));
	assert_false(sys_seal(true));
	filter_comes();
	sys_unseal();
	assert_int_equal(sys_getppid(), -EPERM);
	assert_false(walk_stack());
	assert_int_equal(word_get(&killed), 0);
}

/* A stay within a stay is no new one: the filter's thread does not wait for itself either. */
static void stays_within_stays(void **state_of_test)
{
	struct stay outer, inner, innermost;

	(void)state_of_test;
	assert_true(stay_begin(&outer));
	assert_true(gate_hold(&inner));
	assert_true(gate_hold(&innermost));
	gate_release(&innermost);
	gate_release(&inner);
	assert_true(walk_stack());
	assert_true(thread.stays);
	assert_true(sys_seal(false));
	sys_unseal();
	stay_end(&outer);
	assert_false(thread.stays);
}

/* A handler that installs a filter does not wait for the call that it has interrupted. */
static void nobody_waits_for_himself(void **state_of_test)
{
	struct gate *gate = own_gate();

	(void)state_of_test;
	gate_enter(gate);
	assert_true(nobody_inside());
	gate_enter(&gates[gate == gates]);
	assert_false(nobody_inside());
}

/* A handler forks, and its child comes back into the call and the stay that it has interrupted. */
static void forked_inside(void **state_of_test)
{
	struct gate *gate = own_gate();
	struct stay stay;

	(void)state_of_test;
	assert_true(stay_begin(&stay));
	gate_enter(gate);
	sys_reborn();
	memset(&thread, 0, sizeof(thread));
	gate_leave(gate);
	stay_end(&stay);
	assert_true(nobody_inside());
	assert_true(nobody_stays());
}

/* ---- one waits for the other ---- */

#define LONG_NS 600000000L

static bool is_inside, is_shut, came_out;

static void sleep_inside(void)
{
	word_set_release(&is_inside, true);
	sys_raw(SYS_nanosleep, (long)&(struct timespec){0, LONG_NS}, 0, 0, 0, 0, 0);
	word_set_release(&came_out, !word_get_acquire(&is_shut));
}

static void sleep_between(void)
{
	struct stay stay;

	if (stay_begin(&stay))
		sleep_inside();
	stay_end(&stay);
}

/* As if it had lost its processor on the way into the kernel. */
static void sleep_in_call(void)
{
	struct gate *gate = own_gate();

	if (gate_enter(gate))
		sleep_inside();
	gate_leave(gate);
}

static void sleep_in_libunwind(void)
{
	on_step = sleep_inside;
	walk_stack();
}

static void *run(void *arg)
{
	void (*const *sleep)(void) = arg;

	(*sleep)();
	return NULL;
}

static void filter_waits_for(void (*sleep)(void))
{
	pthread_t t;

	start_anew(NULL);
	is_inside = is_shut = came_out = false;
	t = new_thread(run, &sleep);
	while (!word_get_acquire(&is_inside))
		sys_sleep_ns(1000000);
	sys_seal(true);
	word_set_release(&is_shut, true);
	pthread_join(t, NULL);
	assert_true(came_out);
}

static void filter_waits(void **state_of_test)
{
	(void)state_of_test;
	filter_waits_for(sleep_between);
	filter_waits_for(sleep_in_call);
	filter_waits_for(sleep_in_libunwind);
}

/* ---- all at once ---- */

#define WORKERS 4
#define ROUNDS	100

static bool go_on;
static uint32_t harmed;

static void must_be(bool so)
{
	if (!so)
		word_add(&harmed, 1);
}

static void open_a_file(void)
{
	struct stay stay;
	int fd = gate_hold(&stay) ? sys_open("/dev/null", O_RDONLY | O_CLOEXEC, 0) : -1;

	must_be(!stay.outermost || fd >= 0);
	must_be(fd < 0 || sys_close(fd) == 0);
	gate_release(&stay);
}

/* Neither calls that kill, nor a descriptor that stays open, nor signals that come no more. */
static void *work(void *arg)
{
	uint64_t mask = 0, now = 0;

	sys_raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&mask, 8, 0, 0);
	while (word_get(&go_on)) {
		open_a_file();
		walk_stack();
		sys_getppid();
		sys_raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&now, 8, 0, 0);
		must_be(mask == now);
	}
	return arg;
}

/* Some filters fail. */
static void *install(void *arg)
{
	bool fails = arg, may_open = sys_seal(true);

	if (!fails)
		filter_comes();
	else if (may_open)
		sys_unseal();
	return NULL;
}

static void round_of(bool one_fails, bool other_fails)
{
	pthread_t workers[WORKERS], other;

	start_anew(NULL);
	word_set(&go_on, true);
	for (int i = 0; i < WORKERS; i++)
		workers[i] = new_thread(work, NULL);
	sys_sleep_ns(300000);
	other = new_thread(install, other_fails ? &go_on : NULL);
	install(one_fails ? &go_on : NULL);
	pthread_join(other, NULL);
	word_set(&go_on, false);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	assert_int_equal(word_get(&killed), 0);
	assert_int_equal(word_get(&harmed), 0);
}

static void at_work_while_filters_come(void **state_of_test)
{
	(void)state_of_test;
	for (int i = 0; i < ROUNDS; i++)
		round_of(i & 1, i & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_call_with_a_filter, start_anew),
		cmocka_unit_test_setup(no_walk_with_a_filter, start_anew),
		cmocka_unit_test_setup(no_filter_after_all, start_anew),
		cmocka_unit_test_setup(one_of_two_fails, start_anew),
		cmocka_unit_test_setup(stays_within_stays, start_anew),
		cmocka_unit_test_setup(nobody_waits_for_himself, start_anew),
		cmocka_unit_test_setup(forked_inside, start_anew),
		cmocka_unit_test(filter_waits),
		cmocka_unit_test(at_work_while_filters_come),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
