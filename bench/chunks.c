/* SPDX-License-Identifier: MIT */
/*
 * What fills a recording: chunks RECORDING prints for each kind of chunk how many KiB its chunks
 * take, how many entries they hold and how many of these are used; and what was lost. Believes what
 * it reads: for recordings of one's own.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording.h"

/* The word that is 0 in an entry that nobody has taken yet. */
static const struct {
	const char *name;
	size_t word;
	size_t bytes;
} kinds[REC_CHUNK_KINDS] = {
#define KIND(kind, name, entry, member)                                                            \
	[REC_CHUNK_##kind] = {name, offsetof(struct entry, member),                                \
			      sizeof(((struct entry *)0)->member)}
	[REC_CHUNK_NONE] = {"spare", 0, 0},
	KIND(LIVES, "lives", rec_life, seq),
	KIND(SITES, "sites", rec_site, nr),
	KIND(MODULES, "modules", rec_module, seq),
	KIND(PROGRESS, "progress", rec_progress, tid),
	KIND(INCIDENTS, "incidents", rec_incident, kind),
	KIND(OUTCOMES, "outcomes", rec_outcome, birth_site),
	KIND(SAMPLES, "samples", rec_sample, check),
	KIND(POLLERS, "pollers", rec_poller, tid),
	KIND(SENT, "sent", rec_sent, cookie),
	KIND(KEPT, "kept", rec_kept, id),
};

static struct {
	uint64_t units, entries, used;
} found[REC_CHUNK_KINDS];

static void chunk_count(const struct rec_chunk *c)
{
	static const char zeros[8];
	size_t step = c->kind == REC_CHUNK_LIVES ? sizeof(struct rec_life) : c->entry_bytes;
	const char *entry = (const char *)(c + 1);

	found[c->kind].entries += c->nr;
	for (uint32_t i = 0; i < c->nr; i++, entry += step)
		found[c->kind].used +=
			memcmp(entry + kinds[c->kind].word, zeros, kinds[c->kind].bytes) != 0;
}

static void chunks_count(const char *data, uint64_t size)
{
	for (uint64_t at = REC_UNIT; at + REC_UNIT <= size;) {
		const struct rec_chunk *c = (const void *)(data + at);
		uint32_t units = c->kind ? c->units : 1;

		if (c->kind >= REC_CHUNK_KINDS || !units)
			errx(1, "a chunk of an unknown kind");
		found[c->kind].units += units;
		if (c->kind)
			chunk_count(c);
		at += (uint64_t)units * REC_UNIT;
	}
}

static void losses_print(const struct rec_header *h)
{
	const struct {
		const char *name;
		uint64_t nr;
	} losses[] = {{"lives", h->lost_lives},		{"stacks", h->births_without_stack},
		      {"sites", h->lost_sites},		{"modules", h->lost_modules},
		      {"incidents", h->lost_incidents}, {"outcomes", h->lost_outcomes}};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		printf("lost_%s %llu\n", losses[i].name, (unsigned long long)losses[i].nr);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct stat st;
	void *data;

	if (argc != 2)
		errx(2, "usage: chunks RECORDING");
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED || (size_t)st.st_size < REC_UNIT)
		errx(1, "%s: no recording", argv[1]);
	chunks_count(data, (uint64_t)st.st_size);
	for (int i = 0; i < REC_CHUNK_KINDS; i++)
		if (found[i].units)
			printf("%s %llu %llu %llu\n", kinds[i].name,
			       (unsigned long long)found[i].units * REC_UNIT / 1024,
			       (unsigned long long)found[i].entries,
			       (unsigned long long)found[i].used);
	losses_print(data);
	return 0;
}
