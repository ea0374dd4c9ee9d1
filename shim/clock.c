/* SPDX-License-Identifier: MIT */
/*
 * The kernel's clock, past the C library: clock_gettime() may be the guest's own or that of a
 * preloaded library (libfaketime), with another time in it, a lock, or a start of its own to make.
 */
#include "clock.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>

#include "house.h"
#include "sys.h"

#if defined(__aarch64__)
#define NAME "__kernel_clock_gettime"
#else
#define NAME "__vdso_clock_gettime"
#endif

static int by_system_call(clockid_t clock, struct timespec *ts)
{
	return (int)SYS2(SYS_clock_gettime, clock, ts);
}

clock_function *clock_get = by_system_call; /* until the vDSO's is found, if there is one */

struct image {
	uintptr_t bias;
	const ElfW(Sym) * symbols;
	const char *names;
	size_t nr;
};

static void image_take(struct image *image, ElfW(Sxword) tag, const void *p)
{
	if (tag == DT_SYMTAB)
		image->symbols = p;
	else if (tag == DT_STRTAB)
		image->names = p;
	else if (tag == DT_HASH)
		image->nr = ((const ElfW(Word) *)p)[1];
}

/* The vDSO is mapped once, whole and read-only: its addresses count from its ELF header. */
static bool image_read(struct image *image, const ElfW(Ehdr) * eh)
{
	const ElfW(Phdr) *ph = (const void *)((const char *)eh + eh->e_phoff);
	const ElfW(Dyn) *dyn = NULL;

	image->bias = (uintptr_t)eh;
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			image->bias = (uintptr_t)eh + ph[i].p_offset - ph[i].p_vaddr;
		else if (ph[i].p_type == PT_DYNAMIC)
			dyn = (const void *)((const char *)eh + ph[i].p_offset);
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++)
		image_take(image, dyn->d_tag, (const void *)(image->bias + dyn->d_un.d_ptr));
	if (!image->symbols || !image->names)
		return false;
	if (!image->nr) /* with a hash of GNU's alone; the kernel lays the names behind the symbols
			 */
		image->nr = ((uintptr_t)image->names - (uintptr_t)image->symbols) /
			    sizeof(*image->symbols);
	return true;
}

void clock_find(void)
{
	const ElfW(Ehdr) *eh = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct image image = {0};

	if (!eh || !image_read(&image, eh))
		return;
	for (size_t i = 0; i < image.nr; i++) {
		const ElfW(Sym) *s = &image.symbols[i];

		if (s->st_shndx == SHN_UNDEF || strcmp(image.names + s->st_name, NAME) != 0)
			continue;
		clock_get = (clock_function *)(image.bias + s->st_value);
	}
}

uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = {0, 0};

	if (clock_get(clock, &ts) != 0)
		by_system_call(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
