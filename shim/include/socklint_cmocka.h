/* SPDX-License-Identifier: MIT */
/*
 * socklint_cmocka.h: cmocka tests that fail when they leave sockets open.
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			socklint_unit_test(closes_what_it_opens),
 *			cmocka_unit_test(shares_a_connection_with_the_next),
 *		};
 *
 *		return socklint_run_group_tests(tests, setup, teardown);
 *	}
 *
 *	LD_PRELOAD=/usr/local/lib/libsocklint.so ./my_test
 *
 * Without libsocklint.so they are the tests that cmocka knows. Include it after <cmocka.h>, in C.
 *
 * A test, or group, fails if a socket that was opened in it is open after its teardown, whatever
 * the socket's state: mark by socklint_keep() what is meant to outlive it. Where that is too much,
 * define SOCKLINT_CMOCKA_WHICH as SOCKLINT_STUCK before this header: then only those in CLOSE_WAIT
 * or CLOSE count. Each is printed on standard error with the functions that opened it, as far as
 * the symbol tables of the program name them.
 */
#ifndef SOCKLINT_CMOCKA_H
#define SOCKLINT_CMOCKA_H

#include <arpa/inet.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "socklint.h"

#ifndef SOCKLINT_CMOCKA_WHICH
#define SOCKLINT_CMOCKA_WHICH SOCKLINT_OPEN
#endif

#define SOCKLINT_CMOCKA_ROWS 32 /* sockets that are printed */

/* ---- names of functions ------------------------------------------------------------------ */

#if UINTPTR_MAX > 0xffffffff
#define SOCKLINT_ELF(type)   Elf64_##type
#define SOCKLINT_SYM_TYPE(i) ELF64_ST_TYPE(i)
#else
#define SOCKLINT_ELF(type)   Elf32_##type
#define SOCKLINT_SYM_TYPE(i) ELF32_ST_TYPE(i)
#endif

struct socklint_place {
	char file[512];
	unsigned long offset; /* in the file */
	char function[128];   /* "" if not known */
};

/* In which mapped file an address lies, and where. */
static inline int socklint_map_find(struct socklint_place *place, uintptr_t pc)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[700];
	int found = 0;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		unsigned long begin, end, offset;

		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %511[^\n]", &begin, &end, &offset,
			   place->file) == 4 &&
		    pc >= begin && pc < end) {
			place->offset = (unsigned long)pc - begin + offset;
			found = 1;
		}
	}
	if (maps)
		fclose(maps);
	return found;
}

static inline int socklint_read_at(FILE *file, unsigned long offset, void *to, size_t bytes)
{
	return fseek(file, (long)offset, SEEK_SET) == 0 && fread(to, 1, bytes, file) == bytes;
}

/* The address that the file itself gives to what lies at this offset; 0: none. */
static inline uintptr_t socklint_file_address(FILE *file, const SOCKLINT_ELF(Ehdr) * elf,
					      unsigned long offset)
{
	SOCKLINT_ELF(Phdr) segment;
	unsigned i;

	for (i = 0; i < elf->e_phnum; i++) {
		if (!socklint_read_at(file, elf->e_phoff + i * sizeof(segment), &segment,
				      sizeof(segment)))
			return 0;
		if (segment.p_type == PT_LOAD && offset >= segment.p_offset &&
		    offset < segment.p_offset + segment.p_filesz)
			return offset - segment.p_offset + segment.p_vaddr;
	}
	return 0;
}

/* Looks for the function at an address in one table of symbols. */
static inline int socklint_symbol_find(FILE *file, const SOCKLINT_ELF(Shdr) * table,
				       unsigned long strings, uintptr_t address, char *name,
				       size_t room)
{
	SOCKLINT_ELF(Sym) symbol;
	unsigned long at = table->sh_offset, end = at + table->sh_size;
	size_t n;

	for (; at < end; at += sizeof(symbol)) {
		if (!socklint_read_at(file, at, &symbol, sizeof(symbol)))
			return 0;
		if (SOCKLINT_SYM_TYPE(symbol.st_info) != STT_FUNC || address < symbol.st_value ||
		    address - symbol.st_value >= symbol.st_size)
			continue;
		if (fseek(file, (long)(strings + symbol.st_name), SEEK_SET))
			return 0;
		n = fread(name, 1, room - 1, file);
		name[n] = '\0';
		return 1;
	}
	return 0;
}

/* Fills place->function from the file's own tables: they name static functions as well. */
static inline void socklint_function_find(struct socklint_place *place)
{
	FILE *file = fopen(place->file, "rb");
	SOCKLINT_ELF(Ehdr) elf;
	SOCKLINT_ELF(Shdr) table, strings;
	uintptr_t address = 0;
	unsigned i;

	if (file && socklint_read_at(file, 0, &elf, sizeof(elf)) &&
	    memcmp(elf.e_ident, ELFMAG, SELFMAG) == 0 && elf.e_shentsize == sizeof(table))
		address = socklint_file_address(file, &elf, place->offset);
	for (i = 0; address && i < elf.e_shnum; i++) {
		if (!socklint_read_at(file, elf.e_shoff + i * sizeof(table), &table, sizeof(table)))
			break;
		if ((table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) ||
		    !socklint_read_at(file, elf.e_shoff + table.sh_link * sizeof(strings), &strings,
				      sizeof(strings)))
			continue;
		if (socklint_symbol_find(file, &table, (unsigned long)strings.sh_offset, address,
					 place->function, sizeof(place->function)))
			break;
	}
	if (file)
		fclose(file);
}

/* A return address stands behind its call. */
static inline void socklint_print_place(const void *return_address)
{
	struct socklint_place place = {"", 0, ""};
	uintptr_t pc = (uintptr_t)return_address - 1;
	const char *base;

	if (!socklint_map_find(&place, pc)) {
		fprintf(stderr, "%p", return_address);
		return;
	}
	socklint_function_find(&place);
	base = strrchr(place.file, '/');
	base = base ? base + 1 : place.file;
	if (place.function[0])
		fprintf(stderr, "%s (%s)", place.function, base);
	else
		fprintf(stderr, "%s+0x%lx", base, place.offset);
}

/* ---- what is printed --------------------------------------------------------------------- */

static inline const char *socklint_state_name(const struct socklint_leak *leak)
{
	static const char *const names[] = {
		"not TCP",   "ESTABLISHED", "SYN_SENT",	  "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
		"TIME_WAIT", "CLOSE",	    "CLOSE_WAIT", "LAST_ACK", "LISTEN",	   "CLOSING",
	};
	size_t state = (size_t)leak->state;

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "in a new state";
}

static inline void socklint_print_address(const char *what, const struct socklint_address *address)
{
	char text[INET6_ADDRSTRLEN];
	int v6 = address->family == AF_INET6;

	if (address->family && inet_ntop(address->family, address->ip, text, sizeof(text)))
		fprintf(stderr, v6 ? ", %s [%s]:%u" : ", %s %s:%u", what, text,
			(unsigned)address->port);
}

#define SOCKLINT_CMOCKA_FRAMES 3 /* that are printed */

static inline void socklint_print_leak(const struct socklint_leak *leak)
{
	uint32_t i;

	fprintf(stderr, "  fd %d, %s", leak->fd, socklint_state_name(leak));
	socklint_print_address("peer", &leak->peer);
	socklint_print_address("local", &leak->local);
	fprintf(stderr, ", opened by %s()", leak->opened_by);
	for (i = 0; i < leak->nr_frames && i < SOCKLINT_CMOCKA_FRAMES; i++) {
		fprintf(stderr, "\n    %s ", i ? "called from" : "in");
		socklint_print_place(leak->frames[i]);
	}
	fprintf(stderr, "\n");
}

/* Prints what was leaked since, and returns how many. */
static inline int socklint_print_leaks(const char *where, const struct socklint_checkpoint *since)
{
	static struct socklint_leak leaks[SOCKLINT_CMOCKA_ROWS];
	int nr = socklint_leaks(since, SOCKLINT_CMOCKA_WHICH, leaks, SOCKLINT_CMOCKA_ROWS), i;

	if (!nr)
		return 0;
	fflush(stdout);
	fprintf(stderr, "socklint: %s left %d socket%s open:\n", where, nr, nr == 1 ? "" : "s");
	for (i = 0; i < nr && i < SOCKLINT_CMOCKA_ROWS; i++)
		socklint_print_leak(&leaks[i]);
	if (nr > SOCKLINT_CMOCKA_ROWS)
		fprintf(stderr, "  and %d more\n", nr - SOCKLINT_CMOCKA_ROWS);
	return nr;
}

/* ---- a test ------------------------------------------------------------------------------ */

/* cmocka runs one test after the other, and a group within no other. */
static struct {
	struct socklint_checkpoint test_began;
	struct socklint_checkpoint group_began;
	const char *group_name;
	CMFixtureFunction group_setup;
	CMFixtureFunction group_teardown;
	int group_leaks;
} socklint_now;

/* A test with a setup and a teardown of its own calls this first in the one ... */
static inline int socklint_test_setup(void **state)
{
	(void)state;
	socklint_now.test_began = socklint_checkpoint();
	return 0;
}

/* ... and this last in the other, and returns what this returns. */
static inline int socklint_test_teardown(void **state)
{
	(void)state;
	return socklint_print_leaks("this test", &socklint_now.test_began) ? -1 : 0;
}

/* As cmocka_unit_test(). */
#define socklint_unit_test(test)                                                                   \
	cmocka_unit_test_setup_teardown(test, socklint_test_setup, socklint_test_teardown)

/* ---- a group ----------------------------------------------------------------------------- */

static inline int socklint_group_setup(void **state)
{
	socklint_now.group_began = socklint_checkpoint();
	return socklint_now.group_setup ? socklint_now.group_setup(state) : 0;
}

static inline int socklint_group_teardown(void **state)
{
	int r = socklint_now.group_teardown ? socklint_now.group_teardown(state) : 0;

	socklint_now.group_leaks =
		socklint_print_leaks(socklint_now.group_name, &socklint_now.group_began);
	return socklint_now.group_leaks ? -1 : r;
}

/* cmocka does not count a group whose teardown fails: so it is counted here, as one test more. */
static inline int socklint_run_group(const char *name, const struct CMUnitTest *tests, size_t nr,
				     CMFixtureFunction setup, CMFixtureFunction teardown)
{
	int failed;

	socklint_now.group_name = name;
	socklint_now.group_setup = setup;
	socklint_now.group_teardown = teardown;
	socklint_now.group_leaks = 0;
	failed = _cmocka_run_group_tests(name, tests, nr, socklint_group_setup,
					 socklint_group_teardown);
	return failed + (socklint_now.group_leaks ? 1 : 0);
}

/* As cmocka_run_group_tests_name() and cmocka_run_group_tests(). */
#define socklint_run_group_tests_name(name, tests, setup, teardown)                                \
	socklint_run_group(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define socklint_run_group_tests(tests, setup, teardown)                                           \
	socklint_run_group_tests_name(#tests, tests, setup, teardown)

#endif
