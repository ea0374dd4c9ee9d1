/* SPDX-License-Identifier: MIT */
/*
 * Why sockets are meant to stay open, in the words of the program. The table is fixed; what is
 * kept has its flag in the life, so that a reason for which there is no room is all that is lost.
 */
#include "kept.h"

#include <string.h>

#include "house.h"
#include "recorder.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "slots.h"
#include "words.h"

#define BEING_WRITTEN UINT64_MAX

static struct rec_kept *table_grow(void)
{
	return room_chunk(REC_CHUNK_KEPT, 1, 0, REC_KEPT_NR, sizeof(struct rec_kept));
}

/* Made when first needed. One made twice in a race is left empty in the file. */
static struct rec_kept *table(void)
{
	struct rec_kept *kept = word_get_acquire(&shim.kept), *before = NULL;

	if (kept)
		return kept;
	kept = table_grow();
	if (!kept || word_cas(&shim.kept, &before, kept))
		return kept;
	((struct rec_chunk *)kept)[-1].nr = 0;
	return before;
}

static bool is_free(const struct rec_kept *k)
{
	uint64_t id = word_get(&k->id);
	const struct rec_life *l = life_slot(word_get(&k->fd));

	if (!id || id == BEING_WRITTEN)
		return !id;
	return !l || !(word_get(&l->seq) & 1) || word_get(&l->id) != id;
}

static bool claim(struct rec_kept *k, uint64_t before)
{
	return word_cas(&k->id, &before, BEING_WRITTEN);
}

/* The socket's own entry, or else one whose socket is no more. */
static struct rec_kept *entry_claim(struct rec_kept *kept, uint64_t id)
{
	for (uint32_t i = 0; i < REC_KEPT_NR; i++)
		if (word_get(&kept[i].id) == id && claim(&kept[i], id))
			return &kept[i];
	for (uint32_t i = 0; i < REC_KEPT_NR; i++) {
		uint64_t before = word_get(&kept[i].id);

		if (is_free(&kept[i]) && claim(&kept[i], before))
			return &kept[i];
	}
	return NULL;
}

void kept_add(uint64_t id, int fd, const char *reason)
{
	struct rec_kept *kept = recorder_ready() ? table() : NULL;
	struct rec_kept *k = kept ? entry_claim(kept, id) : NULL;
	const char *end = memchr(reason, '\0', REC_KEPT_REASON - 1);
	size_t n = end ? (size_t)(end - reason) : REC_KEPT_REASON - 1;

	if (!k)
		return;
	word_set(&k->fd, fd);
	memcpy(k->reason, reason, n);
	k->reason[n] = '\0';
	word_set_release(&k->id, id);
}

/* In a forked child the table is still the parent's: the reasons go with the sockets. */
void kept_inherit(void)
{
	const struct rec_kept *from = shim.kept;

	if (!from)
		return;
	shim.kept = table_grow();
	if (shim.kept)
		memcpy(shim.kept, from, REC_KEPT_NR * sizeof(*from));
}
