/* SPDX-License-Identifier: MIT */
/*
 * The ELF files that sites cite, by number. A file that is unloaded and loaded again has its number
 * back, so a server that does so all day cites the same places all day.
 *
 * dl_iterate_phdr() takes the loader's lock: it is called only between unwinder_enter() and
 * unwinder_leave(), which keep a fork away. It also says how many modules were removed so far. That
 * is looked at before an address is given a place, and before a dlopen(): so a dlclose() that
 * passed the hook by is noticed, and so is one that another thread is about to record.
 */
#include "modules.h"

#include <link.h>
#include <string.h>

#include "elf_file.h"
#include "gate.h"
#include "house.h"
#include "recorder.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "slots.h"
#include "stack.h"
#include "sys.h"
#include "words.h"

#define MODULES_MAX (MODULE_CHUNKS * REC_MODULES_PER_CHUNK)

/* How many the loader had removed when what it has was held against the table last. */
static uint64_t seen_subs;

static struct rec_module *module_get(uint32_t number)
{
	uint32_t chunk = (number - 1) / REC_MODULES_PER_CHUNK;
	struct rec_module *m;

	if (!number || chunk >= MODULE_CHUNKS)
		return NULL;
	m = word_get_acquire(&shim.modules[chunk]);
	return m ? &m[(number - 1) % REC_MODULES_PER_CHUNK] : NULL;
}

static uint32_t nr_modules(void)
{
	uint32_t nr = word_get(&shim.nr_modules);

	return nr < MODULES_MAX ? nr : MODULES_MAX;
}

static bool is_mapped(const struct rec_module *m)
{
	return m && word_get_acquire(&m->mapped) == REC_MODULE_MAPPED;
}

/* ---- from an address to a place ---- */

/* Whether pc lies in it, and then where. */
static bool place_in(uint32_t number, const struct rec_module *m, uint64_t pc, uint64_t *place)
{
	uint64_t in = pc - word_get(&m->lo), offset = in + m->vaddr;

	if (in >= m->bytes || offset >> REC_OFFSET_BITS)
		return false;
	*place = rec_place(number, offset);
	return true;
}

static bool place_of(uint64_t pc, uint64_t *place)
{
	for (uint32_t n = 1; n <= nr_modules(); n++) {
		const struct rec_module *m = module_get(n);

		if (is_mapped(m) && place_in(n, m, pc, place))
			return true;
	}
	return false;
}

uint64_t module_address(uint64_t place)
{
	const struct rec_module *m = module_get(rec_place_module(place));

	if (!rec_place_module(place))
		return place;
	return m ? rec_place_offset(place) - m->vaddr + word_get(&m->lo) : 0;
}

/* ---- entries ---- */

static struct rec_module *chunk_grow(uint32_t chunk)
{
	return room_chunk(REC_CHUNK_MODULES, 1, chunk * REC_MODULES_PER_CHUNK,
			  REC_MODULES_PER_CHUNK, sizeof(struct rec_module));
}

static uint32_t module_new(const struct rec_module *file)
{
	uint32_t number = word_add(&shim.nr_modules, 1) + 1;
	uint32_t chunk = (number - 1) / REC_MODULES_PER_CHUNK;
	struct rec_module *made, *before = NULL, *m;

	if (chunk < MODULE_CHUNKS && !word_get_acquire(&shim.modules[chunk]) &&
	    (made = chunk_grow(chunk)) && !word_cas(&shim.modules[chunk], &before, made))
		((struct rec_chunk *)made)[-1].nr = 0;
	m = chunk < MODULE_CHUNKS ? module_get(number) : NULL;
	if (!m)
		return 0;
	memcpy(&m->content, &file->content, sizeof(*m) - offsetof(struct rec_module, content));
	word_set_release(&m->seq, 2);
	word_set_release(&m->mapped, REC_MODULE_MAPPED);
	return number;
}

static bool is_same_path(const struct rec_module *a, const struct rec_module *b)
{
	return !strcmp(a->path, b->path);
}

static bool is_same_file(const struct rec_module *a, const struct rec_module *b)
{
	if (a->bytes != b->bytes || a->vaddr != b->vaddr || a->build_id_len != b->build_id_len)
		return false;
	if (a->build_id_len)
		return !memcmp(a->build_id, b->build_id, a->build_id_len);
	return a->content && a->content == b->content;
}

/* The same build under another name: the report is to look for it there. */
static void path_change(struct rec_module *m, const struct rec_module *file)
{
	uint32_t seq = word_get(&m->seq);

	word_set(&m->seq, seq + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	words_copy(m->path, file->path, sizeof(m->path));
	word_set(&m->path_cut, file->path_cut);
	word_set_release(&m->seq, seq + 2);
}

/* The number of this file if it was there before and went, by this name if it had several. */
static uint32_t module_again(const struct rec_module *file)
{
	uint32_t gone = REC_MODULE_GONE, number = 0;
	struct rec_module *m;

	for (uint32_t n = 1; n <= nr_modules(); n++) {
		m = module_get(n);
		if (!m || !word_get_acquire(&m->seq) || word_get_acquire(&m->mapped) ||
		    !is_same_file(m, file) || (number && !is_same_path(m, file)))
			continue;
		number = n;
		if (is_same_path(m, file))
			break;
	}
	m = module_get(number);
	if (!m || !word_cas(&m->mapped, &gone, REC_MODULE_RETURNS))
		return 0;
	word_set(&m->lo, file->lo);
	if (!is_same_path(m, file))
		path_change(m, file);
	word_set_release(&m->mapped, REC_MODULE_MAPPED);
	return number;
}

/* ---- what the loader has ---- */

struct wanted {
	const uint64_t *pc;
	uint64_t *place; /* 0: not found yet */
	uint32_t nr;
	uint32_t missing;
};

static bool is_wanted(const struct wanted *w, uint32_t i, uint64_t lo, uint64_t hi)
{
	return !w->place[i] && w->pc[i] >= lo && w->pc[i] < hi;
}

static int cite(struct dl_phdr_info *info, size_t size, void *data)
{
	struct wanted *w = data;
	struct rec_module file;
	uint32_t i = 0, number;
	uint64_t lo, hi;

	(void)size;
	elf_file_range(info, &lo, &hi);
	while (i < w->nr && !is_wanted(w, i, lo, hi))
		i++;
	if (i == w->nr)
		return 0;
	elf_file_describe(info, &file);
	number = module_again(&file);
	if (!number)
		number = module_new(&file);
	if (!number)
		recorder_lost(&shim.head->lost_modules);
	for (; number && i < w->nr; i++)
		if (is_wanted(w, i, lo, hi) && place_in(number, &file, w->pc[i], &w->place[i]))
			w->missing--;
	return !w->missing;
}

static int take_subs(struct dl_phdr_info *info, size_t size, void *data)
{
	if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs))
		*(uint64_t *)data = info->dlpi_subs;
	return 1;
}

/* A bit for each number. */
struct present {
	uint64_t bits[MODULES_MAX / 64 + 1];
};

static int see(struct dl_phdr_info *info, size_t size, void *data)
{
	struct present *p = data;

	(void)size;
	for (uint32_t n = 1; n <= nr_modules(); n++) {
		const struct rec_module *m = module_get(n);

		if (is_mapped(m) && elf_file_is(info, m))
			p->bits[n / 64] |= UINT64_C(1) << n % 64;
	}
	return 0;
}

/* Who was touched last from there is said so in the file's terms: the addresses will be others'. */
static void touches_keep(uint32_t number, const struct rec_module *m)
{
	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct rec_life *l = life_slot((int)fd);
		uint64_t pc = l ? word_get(&l->touch_pc) : 0, place;

		if (pc && place_in(number, m, pc, &place))
			word_cas(&l->touch_pc, &pc, place);
	}
}

static void module_goes(uint32_t number, struct rec_module *m)
{
	uint64_t lo = word_get(&m->lo);

	touches_keep(number, m);
	stack_forget(lo, lo + m->bytes);
	word_set_release(&m->mapped, REC_MODULE_GONE);
}

/*
 * Modules that are gone take the cached stacks with them that lead through them. Where the loader
 * cannot be asked just now all of them may be: who is not comes back the next time it is cited.
 */
static void recheck(bool asks)
{
	struct present there = {{0}};

	if (asks)
		dl_iterate_phdr(see, &there);
	for (uint32_t n = 1; n <= nr_modules(); n++) {
		struct rec_module *m = module_get(n);

		if (is_mapped(m) && !(there.bits[n / 64] >> n % 64 & 1))
			module_goes(n, m);
	}
}

static void catch_up(bool sure)
{
	uint64_t subs = 0;

	dl_iterate_phdr(take_subs, &subs);
	if (!sure && subs == word_get(&seen_subs))
		return;
	recheck(true);
	word_set(&seen_subs, subs);
}

void modules_place(const uint64_t *pc, uint64_t *place, uint32_t nr)
{
	struct wanted w = {pc, place, nr, 0};
	struct stay stay;
	bool asks = unwinder_enter(&stay);

	if (asks)
		catch_up(false);
	for (uint32_t i = 0; i < nr; i++)
		if (!place_of(pc[i], &place[i])) {
			place[i] = 0;
			w.missing++;
		}
	if (asks && w.missing)
		dl_iterate_phdr(cite, &w);
	if (asks)
		unwinder_leave(&stay);
	for (uint32_t i = 0; i < nr; i++)
		if (!place[i])
			place[i] = rec_place(0, pc[i]);
}

/* Returns whether the loader could be asked. */
static bool look_again(bool sure)
{
	struct stay stay;

	if (!unwinder_enter(&stay))
		return false;
	catch_up(sure);
	unwinder_leave(&stay);
	return true;
}

/* Before a dlopen: what is mapped then may lie where something was that nobody saw go. */
void module_loads(void)
{
	if (shim.nr_modules && word_get_acquire(&shim.attach) == ATTACHED)
		look_again(false);
}

/* After a dlclose. Without a recording the modules are still the parent's: not to be touched. */
void module_unloaded(void)
{
	if (word_get_acquire(&shim.attach) != ATTACHED)
		shim.modules_stale = true;
	else if (!look_again(true))
		recheck(false);
}

/* In a new child: its own dlcloses so far, and what the parent has done to the table since. */
void modules_catch_up(void)
{
	if (shim.nr_modules && !look_again(true) && shim.modules_stale)
		recheck(false);
	shim.modules_stale = false;
}

bool modules_inherit(void)
{
	for (uint32_t i = 0; i < MODULE_CHUNKS && shim.modules[i]; i++) {
		struct rec_module *to = chunk_grow(i);

		if (!to)
			return false;
		memcpy(to, shim.modules[i], REC_MODULES_PER_CHUNK * sizeof(*to));
		word_set_release(&shim.modules[i], to);
	}
	return true;
}
