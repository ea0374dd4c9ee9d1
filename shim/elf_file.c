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

#define PAGE   4096u
#define HASHED 16384u /* bytes of each segment */

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

static uint64_t hash_add(uint64_t hash, const uint64_t *p, uint64_t bytes)
{
	const uint64_t *from = p, *end = p + bytes / sizeof(*p);

	for (; p < end; p++) {
		/* A file that was cut short is mapped, but cannot be read to its end. */
		if ((p == from || (uintptr_t)p % PAGE == 0) && !sys_readable(p))
			break;
		hash = (hash ^ *p) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

/* Of a segment the beginning, if nobody writes there. */
static uint64_t segment_hash(uint64_t hash, const struct dl_phdr_info *info, const ElfW(Phdr) * p)
{
	uint64_t from = (info->dlpi_addr + p->p_vaddr + 7) & ~UINT64_C(7);

	if (p->p_type != PT_LOAD || (p->p_flags & (PF_R | PF_W)) != PF_R || p->p_filesz < 16)
		return hash;
	return hash_add(hash, (const uint64_t *)from,
			p->p_filesz < HASHED ? p->p_filesz - 8 : HASHED);
}

/*
 * By what a file without a build id is known again, under whatever name; or 0. The symbols come
 * first in it, code and the table of what unwinds it have segments of their own.
 */
static uint32_t content_hash(const struct dl_phdr_info *info)
{
	uint64_t start = UINT64_C(14695981039346656037), hash = start;

	for (int i = 0; i < info->dlpi_phnum; i++)
		hash = segment_hash(hash, info, &info->dlpi_phdr[i]);
	return hash == start ? 0 : (uint32_t)(hash >> 32) | 1u;
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
	if (!m->build_id_len)
		m->content = content_hash(info);
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
