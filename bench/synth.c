/* SPDX-License-Identifier: MIT */
/*
 * Makes recordings of any size, as the shim would have left them, for the report to be measured:
 *
 *	synth DIRECTORY BINARY RECORDINGS LIVES SITES FRAMES
 *
 * Each recording has LIVES open connections born at SITES places, half of them forgotten in
 * CLOSE_WAIT, and counts of closed ones at each place. Return addresses lie in the code of BINARY.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording.h"

#define SECOND UINT64_C(1000000000)
#define END    (1000 * SECOND)
#define BIAS   UINT64_C(0x555500000000)

struct code {
	char path[REC_PATH_MAX];
	uint64_t from, to; /* in the file's own terms */
	uint8_t build_id[REC_BUILD_ID_MAX];
	uint8_t build_id_len;
};

struct image {
	unsigned char *data;
	uint64_t used, room;
};

/* ---- the binary ---- */

static void note_read(struct code *code, const unsigned char *p, const unsigned char *end)
{
	while (p + sizeof(Elf64_Nhdr) < end) {
		const Elf64_Nhdr *n = (const void *)p;
		const unsigned char *desc = p + sizeof(*n) + ((n->n_namesz + 3u) & ~3u);

		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
		    n->n_descsz <= REC_BUILD_ID_MAX && desc + n->n_descsz <= end) {
			code->build_id_len = (uint8_t)n->n_descsz;
			memcpy(code->build_id, desc, n->n_descsz);
		}
		p = desc + ((n->n_descsz + 3u) & ~3u);
	}
}

static void code_read(struct code *code, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const unsigned char *file;
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !realpath(path, code->path))
		err(1, "%s", path);
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED || memcmp(file, ELFMAG, SELFMAG) != 0)
		errx(1, "%s: no ELF file", path);
	eh = (const void *)file;
	ph = (const void *)(file + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X)) {
			code->from = ph[i].p_vaddr;
			code->to = ph[i].p_vaddr + ph[i].p_filesz;
		} else if (ph[i].p_type == PT_NOTE) {
			note_read(code, file + ph[i].p_offset,
				  file + ph[i].p_offset + ph[i].p_filesz);
		}
	}
	close(fd);
}

static uint64_t mixed(uint64_t n)
{
	n = (n ^ n >> 31) * 0x7fb5d329728ea185u;
	n = (n ^ n >> 27) * 0x81dadef4bc2dd44du;
	return n ^ n >> 33;
}

static uint64_t address(const struct code *code, uint64_t n)
{
	return BIAS + code->from + mixed(n) % (code->to - code->from);
}

/* ---- the parts of a recording ---- */

static void *chunk_add(struct image *image, enum rec_chunk_kind kind, uint32_t units, uint32_t base,
		       uint32_t nr, size_t entry_bytes)
{
	struct rec_chunk *c = (void *)(image->data + image->used);

	image->used += (uint64_t)units * REC_UNIT;
	if (image->used > image->room)
		errx(1, "too large");
	*c = (struct rec_chunk){.kind = (uint32_t)kind,
				.units = units,
				.base = base,
				.nr = nr,
				.entry_bytes = (uint32_t)entry_bytes};
	return c + 1;
}

#define POOL 512u /* places that call, at each depth */

/* Different stacks go through the same places: outer frames are common, inner ones often. */
static uint64_t frame_of(const struct code *code, uint32_t site, uint32_t depth, uint32_t frames)
{
	if (depth >= frames / 2)
		return address(code, UINT64_C(1) << 40 | depth);
	return address(code, (uint64_t)depth << 32 | mixed((uint64_t)site << 8 | depth) % POOL);
}

static void sites_add(struct image *image, const struct code *code, uint32_t nr, uint32_t frames)
{
	struct rec_site *sites = NULL;

	for (uint32_t i = 0; i < nr; i++) {
		struct rec_site *s;

		if (i % REC_SITES_PER_CHUNK == 0)
			sites = chunk_add(image, REC_CHUNK_SITES, 1, i + 1, REC_SITES_PER_CHUNK,
					  sizeof(*sites));
		s = &sites[i % REC_SITES_PER_CHUNK];
		s->nr = (uint16_t)frames;
		for (uint32_t k = 0; k < frames; k++)
			s->pc[k] = frame_of(code, i, k, frames);
	}
}

static void module_add(struct image *image, const struct code *code)
{
	struct rec_module *m =
		chunk_add(image, REC_CHUNK_MODULES, 1, 0, REC_MODULES_PER_CHUNK, sizeof(*m));

	m->seq = 2;
	m->mapped = REC_MODULE_MAPPED;
	m->lo = BIAS;
	m->bytes = code->to;
	m->build_id_len = code->build_id_len;
	memcpy(m->build_id, code->build_id, sizeof(m->build_id));
	memcpy(m->path, code->path, sizeof(m->path));
}

static void life_fill(struct rec_life *l, uint32_t i, uint32_t nr_sites, uint32_t pid)
{
	struct rec_life_rest *rest = rec_life_rest_of(l, i);
	uint64_t born = (2 + i % 800) * SECOND + i;

	*l = (struct rec_life){
		.seq = 1,
		.site = i % nr_sites + 1,
		.born_ns = born,
		.flags = REC_LIFE_ACCEPTED | REC_LIFE_TOUCHED | REC_LIFE_FACTS | REC_LIFE_COOKIE,
		.born_by = REC_CALL_ACCEPT,
		.touch_call = REC_CALL_RECV,
		.touch_ns = born + SECOND / 2,
		.touch_pc = BIAS,
		.touch_tid = 1 + i % 16,
		.touch_seq = i,
		.id = i + 1,
		.born_tid = 1,
		.family = AF_INET,
		.type = SOCK_STREAM,
		.local_family = AF_INET,
		.local_port = 80,
		.local_ip = {127, 0, 0, 1},
		.peer_family = AF_INET,
		.peer_port = (uint16_t)(1024 + i % 60000),
		.peer_ip = {192, 0, 2, (uint8_t)(i / 60000)},
		.epoll_fd = -1,
	};
	*rest = (struct rec_life_rest){
		.facts_ns = END,
		.kernel_cookie = (uint64_t)pid << 32 | (i + 1),
		.kernel_tcp_state = TCP_ESTABLISHED,
	};
	if (i / nr_sites % 2)
		return;
	rest->kernel_tcp_state = TCP_CLOSE_WAIT;
	l->flags |= REC_LIFE_EOF | REC_LIFE_TOUCHER_ENDED;
	l->eof_ns = l->touch_ns;
	l->eof_site = l->site;
	l->eof_tid = l->touch_tid;
}

static struct rec_life *lives_add(struct image *image, uint32_t nr)
{
	void *first = NULL;

	for (uint32_t i = 0; i < nr; i += REC_LIVES_PER_CHUNK) {
		void *lives = chunk_add(image, REC_CHUNK_LIVES, 1, i, REC_LIVES_PER_CHUNK,
					REC_LIFE_BYTES);

		first = first ? first : lives;
	}
	return first;
}

/* The chunks lie one behind the other. */
static void lives_fill(struct rec_life *first, uint32_t nr, uint32_t nr_sites, uint32_t pid)
{
	for (uint32_t i = 0; i < nr; i++) {
		char *chunk = (char *)first + (size_t)(i / REC_LIVES_PER_CHUNK) * REC_UNIT;

		life_fill((struct rec_life *)(void *)chunk + i % REC_LIVES_PER_CHUNK, i, nr_sites,
			  pid);
	}
}

/* Three in four of each place were closed within a second. */
static void outcomes_add(struct image *image, uint32_t nr_sites)
{
	struct rec_outcome *outcomes = NULL;

	for (uint32_t i = 0; i < nr_sites; i++) {
		struct rec_outcome *o;

		if (i % REC_OUTCOMES_NR == 0)
			outcomes = chunk_add(image, REC_CHUNK_OUTCOMES, 1, i, REC_OUTCOMES_NR,
					     sizeof(*outcomes));
		o = &outcomes[i % REC_OUTCOMES_NR];
		*o = (struct rec_outcome){
			.birth_site = i + 1,
			.close_site = (i * 7 + 3) % nr_sites + 1,
			.flags = REC_OUTCOME_PASSIVE | REC_OUTCOME_TOLD | REC_OUTCOME_ACCEPTED |
				 REC_OUTCOME_TCP,
			.nr = 60,
			.dwell_max_ns = SECOND / 2,
			.life_max_ns = SECOND,
			.last_ns = END - 10 * SECOND,
			.first_ns = 2 * SECOND,
		};
		o->dwell[3] = o->life[10] = 60;
	}
}

static void header_fill(struct image *image, uint32_t pid, uint32_t lives)
{
	struct rec_header *h = (void *)image->data;

	*h = (struct rec_header){
		.magic = REC_MAGIC,
		.version = REC_VERSION,
		.header_bytes = sizeof(*h),
		.unit_bytes = REC_UNIT,
		.file_bytes = image->used,
		.pid = pid,
		.parent_pid = 1,
		.start_ns = SECOND,
		.start_real_ns = 1700000000 * SECOND,
		.end_kind = REC_END_SIGNAL,
		.end_value = 15,
		.end_ns = END,
		.facts_ns = END,
		.exe = "/opt/synthetic/server",
	};
	h->shards[0].births = lives;
}

static void image_write(const struct image *image, const char *dir, uint32_t pid)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%u.0" REC_SUFFIX, dir, pid);
	f = fopen(path, "we");
	if (!f || fwrite(image->data, image->used, 1, f) != 1 || fclose(f))
		err(1, "%s", path);
}

static void summary_write(const char *dir, uint32_t recordings)
{
	unsigned char file[REC_SUMMARY_BYTES] = {0};
	struct rec_summary *s = (void *)file;
	char path[4096];
	FILE *f;

	*s = (struct rec_summary){.magic = REC_SUMMARY_MAGIC,
				  .version = REC_VERSION,
				  .bytes = sizeof(*s),
				  .loaded = recordings,
				  .made = recordings};
	snprintf(path, sizeof(path), "%s/" REC_SUMMARY_NAME, dir);
	f = fopen(path, "we");
	if (!f || fwrite(file, sizeof(file), 1, f) != 1 || fclose(f))
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	struct rec_life *lives;
	uint32_t n[4] = {0};
	struct image image;
	struct code code = {{0}, 0, 0, {0}, 0};

	for (int i = 0; i < 4 && argc == 7; i++)
		n[i] = (uint32_t)strtoul(argv[i + 3], NULL, 10);
	if (!n[0] || !n[1] || !n[2] || !n[3] || n[3] > REC_SITE_FRAMES)
		errx(2, "usage: synth DIRECTORY BINARY RECORDINGS LIVES SITES FRAMES");
	code_read(&code, argv[2]);
	image.room = (4 + n[1] / REC_LIVES_PER_CHUNK + n[2] / REC_SITES_PER_CHUNK +
		      n[2] / REC_OUTCOMES_NR) *
			     (uint64_t)REC_UNIT +
		     4 * REC_UNIT;
	image.data = calloc(1, image.room);
	if (!image.data)
		err(1, "synth");
	image.used = REC_UNIT;
	sites_add(&image, &code, n[2], n[3]);
	module_add(&image, &code);
	lives = lives_add(&image, n[1]);
	outcomes_add(&image, n[2]);
	for (uint32_t pid = 1000; pid < 1000 + n[0]; pid++) {
		lives_fill(lives, n[1], n[2], pid);
		header_fill(&image, pid, n[1]);
		image_write(&image, argv[1], pid);
	}
	summary_write(argv[1], n[0]);
	free(image.data);
	return 0;
}
