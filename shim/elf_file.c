/* SPDX-License-Identifier: MIT */
/* What the loader and a mapped ELF file say of that file. Nothing here is kept. */
#include "elf_file.h"

#include <elf.h>
#include <string.h>
#include <sys/syscall.h>

#include "house.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "words.h"

void elf_file_range(const struct dl_phdr_info *info, uint64_t *lo, uint64_t *hi)
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

static void build_id_of(const struct dl_phdr_info *info, struct rec_module *m)
{
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			build_id_from(m, (char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr,
				      info->dlpi_phdr[i].p_memsz);
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

/* What changes when a file is replaced, as far as can be told without a build id; or 0. */
static uint32_t file_hash(const char *path)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	struct stat st;

	if (sys_stat(path, &st) < 0)
		return 0;

	const uint64_t words[] = {st.st_dev, st.st_ino, (uint64_t)st.st_size,
				  (uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash >> 32) | 1u;
}

void elf_file_describe(const struct dl_phdr_info *info, struct rec_module *m)
{
	uint64_t hi, here = (uintptr_t)&elf_file_describe;

	memset(m, 0, sizeof(*m));
	elf_file_range(info, &m->lo, &hi);
	m->bytes = hi - m->lo;
	m->vaddr = m->lo - info->dlpi_addr;
	m->is_shim = here - m->lo < m->bytes;
	m->is_vdso = !strncmp(info->dlpi_name, "linux-vdso", 10);
	path_of(m, info->dlpi_name);
	build_id_of(info, m);
	if (!m->build_id_len && !m->path_cut)
		m->file = file_hash(m->path);
}

bool elf_file_is(const struct dl_phdr_info *info, const struct rec_module *m)
{
	struct rec_module there = {.build_id_len = 0};
	uint64_t lo, hi;

	elf_file_range(info, &lo, &hi);
	if (lo != word_get(&m->lo) || hi - lo != m->bytes)
		return false;
	build_id_of(info, &there);
	return there.build_id_len == m->build_id_len &&
	       !memcmp(there.build_id, m->build_id, m->build_id_len);
}
