/* SPDX-License-Identifier: MIT */
/* What few sockets ever have, in chunks that are made where it is needed. */
#include "more.h"

#include "house.h"
#include "lives.h"
#include "recorder.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "words.h"

#define SHUT   (REC_LIFE_SHUT_RD | REC_LIFE_SHUT_WR)
#define PASSED (REC_LIFE_RESET | REC_LIFE_TOLD | SHUT)

/* What more there is of a life, where one of these flags says so; or NULL. */
const struct rec_life_more *life_more(struct life_ref ref, uint32_t flags)
{
	const struct rec_life_more *m;

	if (!(word_get_acquire(&ref.life->flags) & flags))
		return NULL;
	m = more_slot(ref.fd);
	return m && word_get(&m->seq) == ref.seq ? m : NULL;
}

/* Another has the number by now. Not so while it is about to be born. */
static bool is_over(struct life_ref ref)
{
	return (int32_t)(word_get_acquire(&ref.life->seq) - ref.seq) > 0;
}

/* Who comes late, when the next life has written there already, must not take it away from that. */
static bool take(struct rec_life_more *m, struct life_ref ref)
{
	uint32_t before = word_get_acquire(&m->seq);

	while (!is_over(ref))
		if (before == ref.seq || word_cas(&m->seq, &before, ref.seq))
			return true;
	return false;
}

/* Tried once for each life: the file refuses to grow, and this may be asked for at each event. */
static struct rec_life_more *find_room(struct life_ref ref)
{
	struct rec_life_more *m = more_slot(ref.fd);

	if (m || (word_get(&ref.life->flags) & REC_LIFE_LOST_MORE))
		return m;
	m = more_slot_make(ref.fd);
	if (!m && !is_over(ref)) {
		recorder_lost(&word_get_acquire(&shim.head)->lost_more);
		life_flag(ref, REC_LIFE_LOST_MORE);
	}
	return m;
}

/*
 * To be written, and then the flag that says so: what the lives before have left there is not
 * cleared, for two threads may learn of this one at once. NULL where there is no room, which is
 * noted, here and with the life; or where that is over.
 */
struct rec_life_more *life_more_make(struct life_ref ref)
{
	struct rec_life_more *m = find_room(ref);

	return m && take(m, ref) ? m : NULL;
}

/* What these flags of `from` say is there, before `to` is given the same. */
void more_pass(struct life_ref to, struct life_ref from, uint32_t flags)
{
	static const struct rec_life_more nothing; /* where there was no room for it */
	const struct rec_life_more *f = life_more(from, flags);
	struct rec_life_more *m = flags & PASSED ? life_more_make(to) : NULL;

	if (!m)
		return;
	if (!f)
		f = &nothing;
	if (flags & REC_LIFE_RESET) {
		word_set(&m->reset_site, word_get(&f->reset_site));
		word_set(&m->reset_ns, word_get(&f->reset_ns));
	}
	if (flags & SHUT) {
		word_set(&m->shut_site, word_get(&f->shut_site));
		word_set(&m->shut_ns, word_get(&f->shut_ns));
	}
	if (flags & REC_LIFE_TOLD) {
		word_set(&m->told_site, word_get(&f->told_site));
		word_set(&m->told_ns, word_get(&f->told_ns));
	}
}

void more_set_sibling(struct life_ref ref, int fd)
{
	struct rec_life_more *m = life_more_make(ref);

	if (m)
		word_set(&m->sibling_fd, fd);
}
