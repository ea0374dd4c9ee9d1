/* SPDX-License-Identifier: MIT */
/*
 * Room in the recording: grown in batches, never a danger to the guest.
 *
 * Memory of a batch is touched only after fallocate() promised its blocks, for a hole on a full
 * disk is SIGBUS; and fallocate() is called only after RLIMIT_FSIZE was read, for growing past it
 * is SIGXFSZ. The descriptor is closed as soon as the batch is mapped.
 */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "gate.h"
#include "house.h"
#include "options.h"
#include "recorder.h"
#include "recording.h"
#include "shim.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define BATCHES_MAX    256u
#define REFUSED_FOR_NS 50000000u
#define RESERVE_UNITS  64u /* for a process that is about to lose its access to the file */

/* Mapped, allocated units that wait to become chunks. */
struct batch {
	char *base;
	uint32_t units; /* written last; 0: not there */
	uint32_t used;
};

static struct batch batches[BATCHES_MAX];
static uint32_t nr_batches;

/* The end of what was promised to a batch; header.file_bytes follows when the file is as long. */
static uint64_t reserved;
static uint64_t refused_until_ns; /* where it could not grow it is not tried at each birth */
static uint32_t growing;	  /* tid of the thread that adds a large batch, or 0 */

/* Without fallocate() (NFS) blocks are promised by writing them. Returns 0 or -errno. */
static int allocate_by_writing(int fd, uint64_t offset, uint64_t bytes)
{
	static const char zeros[4096];

	for (uint64_t end = offset + bytes; offset < end; offset += sizeof(zeros)) {
		long n = sys_pwrite(fd, zeros, sizeof(zeros), offset);

		if (n != (long)sizeof(zeros))
			return n < 0 ? (int)n : -ENOSPC;
	}
	return 0;
}

/* Whether a file of ours may be so long. Returns 0 or -errno. */
static int may_reach(uint64_t end)
{
	struct rlimit limit;
	int r = sys_getrlimit(RLIMIT_FSIZE, &limit);

	if (r < 0)
		return r;
	return end > options.max_size || end > limit.rlim_cur ? -EFBIG : 0;
}

/* Promises blocks to [offset, offset + bytes) of a file of ours. Returns 0 or -errno. */
int room_allocate(int fd, uint64_t offset, uint64_t bytes)
{
	int r = may_reach(offset + bytes);

	if (r < 0)
		return r;
	r = sys_fallocate(fd, offset, bytes);
	return r == -EOPNOTSUPP || r == -ENOSYS ? allocate_by_writing(fd, offset, bytes) : r;
}

/* Maps `units` more of the file. Returns NULL and *error on failure. */
char *room_map(int fd, uint64_t offset, uint32_t units, int *error)
{
	uint64_t bytes = (uint64_t)units * REC_UNIT;
	char *p;

	*error = room_allocate(fd, offset, bytes);
	if (*error)
		return NULL;
	p = sys_mmap(fd, offset, bytes);
	if (!p)
		*error = -ENOMEM;
	return p;
}

/* Its first `used` units are the caller's. Returns base, or NULL where there are too many. */
static char *batch_publish(char *base, uint32_t units, uint32_t used)
{
	uint32_t i = word_add(&nr_batches, 1);

	if (i >= BATCHES_MAX)
		return NULL;
	word_set(&batches[i].base, base);
	word_set(&batches[i].used, used);
	word_set_release(&batches[i].units, units);
	return base;
}

/* Of a new recording, whose first units are mapped already. */
void room_begin(char *base, uint32_t units, uint32_t used)
{
	memset(batches, 0, sizeof(batches));
	nr_batches = 0;
	refused_until_ns = 0;
	growing = 0;
	reserved = (uint64_t)units * REC_UNIT;
	batch_publish(base, units, used);
}

/* A place in the file for nobody else. Refused before it is taken: who fails must leave no gap. */
static int offset_take(uint64_t bytes, uint64_t *offset)
{
	int r;

	*offset = word_get(&reserved);
	do {
		r = may_reach(*offset + bytes);
		if (r < 0)
			return r;
	} while (!word_cas(&reserved, offset, *offset + bytes));
	return 0;
}

/* The file reaches up to `end`. What other threads still allocate below reads as zeros. */
static void file_reaches(uint64_t end)
{
	uint64_t before = word_get(&shim.head->file_bytes);

	while (before < end && !word_cas(&shim.head->file_bytes, &before, end))
		;
}

static char *batch_add_units(int fd, uint32_t units, uint32_t used)
{
	uint64_t bytes = (uint64_t)units * REC_UNIT, offset, end;
	int error = offset_take(bytes, &offset);
	char *p = error ? NULL : room_map(fd, offset, units, &error);

	if (p) {
		file_reaches(offset + bytes);
		return batch_publish(p, units, used);
	}
	word_set(&shim.head->grow_errno, (uint64_t)-error);
	end = offset + bytes;
	word_cas(&reserved, &end, offset); /* unless another went on from there */
	return NULL;
}

/*
 * A batch of `units`, or where there is no room for that of half, and so on down to `need`. Not of
 * `need` at once: there is a limit to the number of batches, too.
 */
static char *batch_add(uint32_t units, uint32_t need, uint32_t used)
{
	char *p = NULL;
	struct stay stay;
	int fd;

	if (word_get(&nr_batches) >= BATCHES_MAX || now_coarse_ns() < word_get(&refused_until_ns))
		return NULL;
	if (!gate_hold(&stay))
		return NULL;
	fd = sys_open_own(shim.path);
	if (fd >= 0) {
		p = batch_add_units(fd, units, used);
		while (!p && units > need) {
			units = units / 2 > need ? units / 2 : need;
			p = batch_add_units(fd, units, used);
		}
		if (!p && need < RESERVE_UNITS)
			word_set(&refused_until_ns, now_coarse_ns() + REFUSED_FOR_NS);
		sys_close(fd);
	} else {
		word_set(&shim.head->grow_errno, (uint64_t)-fd);
	}
	gate_release(&stay);
	return p;
}

/* Half of what there is, and at least what is needed. */
static uint32_t more_units(uint32_t need)
{
	uint32_t half = (uint32_t)(word_get(&reserved) / REC_UNIT / 2);

	return half > need ? half : need;
}

/*
 * How far a batch may be filled. A program that polls for the first time when its descriptors are
 * used up cannot add one: the first batch has room for what must be known then, for else sockets
 * that wait in its set look forgotten.
 */
static uint32_t batch_end(const struct batch *b, enum rec_chunk_kind kind)
{
	uint32_t units = word_get_acquire(&b->units);

	if (b != batches || kind == REC_CHUNK_POLLERS || word_get(&shim.pollers))
		return units;
	return units > REC_POLLERS_UNITS ? units - REC_POLLERS_UNITS : 0;
}

static void *batch_take(enum rec_chunk_kind kind, uint32_t units)
{
	uint32_t n = word_get_acquire(&nr_batches);

	for (uint32_t i = n < BATCHES_MAX ? n : BATCHES_MAX; i-- > 0;) {
		struct batch *b = &batches[i];
		uint32_t total = batch_end(b, kind);
		uint32_t used = word_get(&b->used);

		while (used + units <= total)
			if (word_cas(&b->used, &used, used + units))
				return word_get(&b->base) + (size_t)used * REC_UNIT;
	}
	return NULL;
}

/*
 * Many threads may need room at once, and half of the file more for each were too much. So the
 * others wait for the one that adds it, well under a millisecond; in its own signal handler, not.
 * Returns what it has added.
 */
static void *wait_for_grower(uint32_t who, enum rec_chunk_kind kind, uint32_t units)
{
	for (int i = 0; i < 100 && who != thread_tid() && word_get_acquire(&growing) == who; i++)
		sys_sleep_ns(50000);
	return batch_take(kind, units);
}

/* Who has been waited for in vain is stalled: another does it in its stead. */
static void *batch_add_and_take(enum rec_chunk_kind kind, uint32_t units)
{
	uint32_t who = 0, me = thread_tid();
	void *taken;

	if (shim.sealed)
		return NULL;
	if (!word_cas(&growing, &who, me)) {
		taken = wait_for_grower(who, kind, units);
		if (taken)
			return taken;
		if (who == me || !word_cas(&growing, &who, me))
			return batch_add(units, units, units);
	}
	taken = batch_take(kind, units); /* another's, from just now */
	if (!taken)
		taken = batch_add(more_units(units), units, units);
	word_cas(&growing, &me, 0);
	return taken;
}

/* Who has no recording of its own may know of its parent's batches yet. */
static bool may_grow(void)
{
	uint32_t state = word_get_acquire(&shim.attach);

	return state == ATTACHED || state == ATTACHING;
}

/* A new chunk of nr zeroed entries. Returns the first entry, or NULL when the file cannot grow. */
void *room_chunk(enum rec_chunk_kind kind, uint32_t units, uint32_t base, uint32_t nr,
		 uint32_t entry_bytes)
{
	struct rec_chunk *chunk;

	if (!may_grow())
		return NULL;
	chunk = batch_take(kind, units);
	if (!chunk)
		chunk = batch_add_and_take(kind, units);
	if (!chunk)
		return NULL;
	chunk->units = units;
	chunk->base = base;
	chunk->nr = nr;
	chunk->entry_bytes = entry_bytes;
	word_set_release(&chunk->kind, (uint32_t)kind);
	return chunk + 1;
}

/* Before the file gets out of reach: room for what may still come. */
void room_reserve(void)
{
	if (recorder_ready() && !shim.sealed)
		batch_add(more_units(RESERVE_UNITS), RESERVE_UNITS, 0);
}
