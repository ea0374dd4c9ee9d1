/* SPDX-License-Identifier: MIT */
/*
 * The ELF files that sites cite, with build ids. dl_iterate_phdr() takes the loader's lock: it is
 * called only between unwinder_enter() and unwinder_leave(), which keep a fork away.
 */
#include "modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>

#include "house.h"
#include "recorder.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "unwinder.h"
#include "words.h"

static struct rec_module *module_get(uint32_t i)
{
	struct rec_module *m = word_get_acquire(&shim.modules[i / REC_MODULES_PER_CHUNK]);

	return m ? &m[i % REC_MODULES_PER_CHUNK] : NULL;
}

static struct rec_module *chunk_grow(uint32_t chunk)
{
	return room_chunk(REC_CHUNK_MODULES, 1, chunk * REC_MODULES_PER_CHUNK,
			  REC_MODULES_PER_CHUNK, sizeof(struct rec_module));
}

static struct rec_module *module_make(void)
{
	uint32_t i = word_add(&shim.nr_modules, 1), chunk = i / REC_MODULES_PER_CHUNK;
	struct rec_module *made, *before = NULL;

	if (chunk < MODULE_CHUNKS && !word_get_acquire(&shim.modules[chunk]) &&
	    (made = chunk_grow(chunk)) && !word_cas(&shim.modules[chunk], &before, made))
		((struct rec_chunk *)made)[-1].nr = 0;
	return chunk < MODULE_CHUNKS ? module_get(i) : NULL;
}

static struct rec_module *module_of(uint64_t pc)
{
	for (uint32_t i = 0; i < MODULE_CHUNKS * REC_MODULES_PER_CHUNK; i++) {
		struct rec_module *m = module_get(i);

		if (!m || i >= word_get(&shim.nr_modules))
			break;
		if (word_get_acquire(&m->valid) && word_get(&m->to_epoch) == UINT32_MAX &&
		    pc >= m->lo && pc < m->hi)
			return m;
	}
	return NULL;
}

static void range_of(const struct dl_phdr_info *info, uint64_t *lo, uint64_t *hi)
{
	*lo = UINT64_MAX;
	*hi = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD)
			continue;
		if (from < *lo)
			*lo = from;
		if (from + p->p_memsz > *hi)
			*hi = from + p->p_memsz;
	}
}

/* Looks through one PT_NOTE segment for NT_GNU_BUILD_ID. */
static void build_id_from(struct rec_module *m, const char *p, size_t n)
{
	while (n >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)p;
		size_t name = (note->n_namesz + 3u) & ~3u, desc = (note->n_descsz + 3u) & ~3u;
		size_t all = sizeof(*note) + name + desc;

		if (all > n)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    !memcmp(note + 1, "GNU", 4) && note->n_descsz <= REC_BUILD_ID_MAX) {
			memcpy(m->build_id, (const char *)(note + 1) + name, note->n_descsz);
			m->build_id_len = (uint8_t)note->n_descsz;
			return;
		}
		p += all;
		n -= all;
	}
}

static void path_of(struct rec_module *m, const char *name)
{
	struct text t = text_in(m->path, sizeof(m->path));
	size_t n = strlen(name);

	if (!n) {		       /* the program itself */
		name = shim.head->exe; /* read when the recording was made: no system call here */
		n = strlen(name);
	}
	/* A relative path is a guess, for the program may have moved on; the build id will tell. */
	if (name[0] != '/' && !m->is_vdso) {
		long len = SYS2(SYS_getcwd, m->path, sizeof(m->path) - 1);

		if (!n || len <= 0 || m->path[0] != '/') {
			m->path[0] = '\0';
			return;
		}
		t.len = (size_t)len - 1; /* without its NUL */
		text_add(&t, "/");
	}
	m->path_cut = t.len + n >= sizeof(m->path);
	text_add_n(&t, name, m->path_cut ? sizeof(m->path) - 1 - t.len : n);
}

static int module_add(struct dl_phdr_info *info, size_t size, void *data)
{
	uint64_t pc = *(const uint64_t *)data, lo, hi;
	struct rec_module *m;

	(void)size;
	range_of(info, &lo, &hi);
	if (pc < lo || pc >= hi)
		return 0;
	m = module_make();
	if (!m) {
		recorder_lost(&shim.head->lost_modules);
		return 1;
	}
	m->lo = lo;
	m->hi = hi;
	m->bias = info->dlpi_addr;
	m->from_epoch = word_get(&shim.epoch);
	m->to_epoch = UINT32_MAX;
	m->is_shim = (uintptr_t)&module_add >= lo && (uintptr_t)&module_add < hi;
	m->is_vdso = !strncmp(info->dlpi_name, "linux-vdso", 10);
	path_of(m, info->dlpi_name);
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			build_id_from(m, (char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr,
				      info->dlpi_phdr[i].p_memsz);
	word_set_release(&m->valid, 1);
	return 1;
}

/* Makes sure that the module of pc is in the recording. Code without a file (a JIT's) has none. */
void module_cite(uint64_t pc)
{
	struct stay stay;

	if (module_of(pc) || !unwinder_enter(&stay))
		return;
	dl_iterate_phdr(module_add, &pc);
	unwinder_leave(&stay);
}

static int module_is_there(struct dl_phdr_info *info, size_t size, void *data)
{
	struct rec_module *m = data;
	uint64_t lo, hi;

	(void)size;
	range_of(info, &lo, &hi);
	return lo == m->lo && hi == m->hi;
}

/*
 * Cited modules that are gone end their epoch, and all cached stacks with it. Where the loader
 * cannot be asked just now all of them may be gone.
 */
static void recheck(void)
{
	struct stay stay;
	bool gone = false, asks = unwinder_enter(&stay);

	for (uint32_t i = 0; i < word_get(&shim.nr_modules); i++) {
		struct rec_module *m =
			i < MODULE_CHUNKS * REC_MODULES_PER_CHUNK ? module_get(i) : NULL;

		if (!m || !word_get_acquire(&m->valid) || m->to_epoch != UINT32_MAX)
			continue;
		if (asks && dl_iterate_phdr(module_is_there, m))
			continue;
		word_set(&m->to_epoch, shim.epoch);
		gone = true;
	}
	if (gone)
		word_add(&shim.epoch, 1);
	if (asks)
		unwinder_leave(&stay);
}

/* After a dlclose. Without a recording the modules are still the parent's: not to be touched. */
void module_unloaded(void)
{
	if (word_get_acquire(&shim.attach) == ATTACHED)
		recheck();
	else
		shim.modules_stale = true;
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
	if (shim.modules_stale)
		recheck();
	shim.modules_stale = false;
	return true;
}
