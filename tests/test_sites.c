/* SPDX-License-Identifier: MIT */
/*
 * Many threads come by the same new stacks at once: each stack gets one id, and the id leads to
 * that stack and no other. The same for modules, and for what proves that a thread moved on.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "parts.h"
#include "lives.h"
#include "modules.h"
#include "shim.h"
#include "sites.h"
#include "stack.h"
#include "touch.h"

#define STACKS	700u
#define THREADS 8u

static uint32_t ids[THREADS][STACKS];

static void intern_all(uint32_t who)
{
	for (uint32_t i = 0; i < STACKS; i++)
		ids[who][i] = stack_site(parts_call(77, i));
}

static void one_id_per_stack(void **state)
{
	struct recording r;

	(void)state;
	parts_start_made();
	parts_threads(THREADS, intern_all);
	r = parts_load();
	for (uint32_t i = 0; i < STACKS; i++) {
		for (uint32_t who = 1; who < THREADS; who++)
			assert_int_equal(ids[who][i], ids[0][i]);
		assert_true(parts_site_is(recording_site(&r, ids[0][i]), 77, i));
		assert_true(!i || ids[0][i] != ids[0][i - 1]);
	}
	assert_int_equal(shim.head->lost_sites, 0);
	/* Each thread may lose a race for each stack, once: an entry that nobody cites. */
	assert_in_range(shim.nr_sites, STACKS, THREADS * STACKS);
	recording_release(&r);
	parts_stop();
}

/* Who came while another wrote kept nothing: once more, and from then on nobody walks. */
static void known_stacks_are_not_walked(void **state)
{
	uint32_t before;

	(void)state;
	parts_start_made();
	intern_all(0);
	before = parts_walks();
	parts_threads(THREADS, intern_all);
	assert_int_equal(parts_walks(), before);
	parts_stop();
}

/* A process that was forked keeps the ids, in a file of its own. */
static void ids_outlive_a_fork(void **state)
{
	uint32_t before[STACKS];
	struct recording r;

	(void)state;
	memcpy(before, ids[0], sizeof(before));
	parts_start_made();
	intern_all(0);
	assert_memory_equal(before, ids[0], sizeof(before));
	r = parts_load();
	for (uint32_t i = 0; i < STACKS; i++)
		assert_true(parts_site_is(recording_site(&r, ids[0][i]), 77, i));
	recording_release(&r);
	parts_stop();
}

static void cite_and_unload(uint32_t who)
{
	(void)who;
	for (int i = 0; i < 50; i++) {
		uint64_t pc[2] = {(uintptr_t)&cite_and_unload,
				  (uintptr_t)dlsym(RTLD_DEFAULT, "_cmocka_run_group_tests")};
		uint64_t place[2];

		modules_place(pc, place, 2);
		parts_expect(rec_place_module(place[0]) && rec_place_module(place[1]));
		module_unloaded();
	}
}

static void modules_are_cited_whole(void **state)
{
	struct recording r;
	bool own = false;

	(void)state;
	parts_start_made();
	parts_threads(THREADS, cite_and_unload);
	r = parts_load();
	assert_true(r.nr_modules >= 2);
	for (size_t i = 0; i < r.nr_modules; i++) {
		const struct rec_module *m = r.modules[i];
		uint64_t here = (uintptr_t)&cite_and_unload;

		assert_int_equal(m->path[0], '/');
		assert_int_equal(m->mapped, REC_MODULE_MAPPED);
		own |= here - m->lo < m->bytes && !strcmp(m->path, r.header->exe);
	}
	assert_true(own);
	recording_release(&r);
	parts_stop();
}

/* No hook sees what this program unloads: it is noticed before something else is mapped. */
static void what_goes_unseen_is_forgotten(void **state)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);
	uint64_t take = (uintptr_t)dlsym(library, "take");
	const uint64_t pc[PARTS_FRAMES] = {0x7000, take + 1, take + 2, 0x7100, 0x7200};
	static uint64_t on[64];
	uint32_t before, id;

	(void)state;
	parts_start_made();
	assert_true(take);
	id = stack_site(parts_call_on(on, pc));
	assert_true(rec_place_module(site_get(id)->pc[1]));
	before = parts_walks();
	module_loads();
	assert_int_equal(stack_site(parts_call_on(on, pc)), id);
	assert_int_equal(parts_walks(), before);
	dlclose(library);
	module_loads();
	assert_int_not_equal(stack_site(parts_call_on(on, pc)), id);
	assert_int_equal(parts_walks(), before + 1);
	parts_stop();
}

/* ---- progress ---- */

#define SITES 400u /* with as many threads more than the table has room for */

static struct life_ref bear(int fd, uint32_t who, uint32_t where)
{
	return life_born(fd, &(struct birth){REC_CALL_ACCEPT, 2, SOCK_STREAM, 0, 0},
			 parts_call(who, where));
}

static void serve_at_many_sites(uint32_t who)
{
	uint32_t undo;

	for (uint32_t i = 0; i < 3 * SITES; i++) {
		int fd = (int)(who * 2);
		struct at at = parts_call(1, i % SITES);
		struct life_ref ref = bear(fd, 1, i % SITES);

		life_touch(ref, REC_CALL_RECV, at);
		parts_expect(life_die(fd, at, &undo));
	}
}

static void check_progress(const struct recording *r, const struct rec_progress *p)
{
	bool known = false;

	for (uint32_t i = 0; i < THREADS; i++)
		known |= p->tid == parts_tids[i];
	assert_true(known);
	assert_non_null(recording_site(r, p->site));
	assert_in_range(p->served, p->ended, p->ended + 1);
	assert_in_range(p->served, 1, 3);
	assert_true(p->newest_born_ns && p->ended_born_ns == p->newest_born_ns);
}

/* Threads times sites is three times the table: it fills, and no entry is another's. */
static void a_full_table_mixes_no_entries(void **state)
{
	struct recording r;

	(void)state;
	parts_start_made();
	parts_threads(THREADS, serve_at_many_sites);
	r = parts_load();
	assert_in_range(r.nr_progress, REC_PROGRESS_NR * 8 / 10, REC_PROGRESS_NR);
	for (size_t i = 0; i < r.nr_progress; i++)
		check_progress(&r, r.progress[i]);
	recording_release(&r);
	parts_stop();
}

/* The idle are evicted, and what they prove of their sites stays. */
static void what_the_evicted_prove_is_kept(void **state)
{
	uint64_t ended_ns[REC_PROGRESS_NR];
	uint32_t site[REC_PROGRESS_NR];

	(void)state;
	parts_start_made();
	parts_threads(THREADS, serve_at_many_sites);
	for (uint32_t i = 0; i < REC_PROGRESS_NR; i++) {
		struct rec_progress *p = &shim.progress[i];

		ended_ns[i] = p->ended_born_ns;
		site[i] = p->tid ? p->site : 0;
		p->newest_touch_ns = 1; /* long ago */
	}
	parts_threads(THREADS, serve_at_many_sites);
	for (uint32_t i = 0; i < REC_PROGRESS_NR; i++) {
		struct rec_progress *p = &shim.progress[i];
		bool evicted = site[i] && (p->site != site[i] || p->ended_born_ns < ended_ns[i]);

		if (evicted)
			assert_true(site_get(site[i])->ended_born_ns >= ended_ns[i]);
	}
	parts_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_id_per_stack),
		cmocka_unit_test(known_stacks_are_not_walked),
		cmocka_unit_test(ids_outlive_a_fork),
		cmocka_unit_test(modules_are_cited_whole),
		cmocka_unit_test(what_goes_unseen_is_forgotten),
		cmocka_unit_test(a_full_table_mixes_no_entries),
		cmocka_unit_test(what_the_evicted_prove_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
