/* SPDX-License-Identifier: MIT */
/*
 * The time line: how many sockets there were, once in a while, from the first second to the end of
 * the process. The table is of fixed size: when it is full every second sample goes, and the time
 * between two is doubled.
 *
 * A passing hook takes a sample, when it looks after idle sockets anyway; no system call is added.
 */
#include "samples.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "house.h"
#include "recording.h"
#include "room.h"
#include "shards.h"
#include "shim.h"
#include "slots.h"
#include "words.h"

#define EVERY_NS      1000000000u
#define LIVES_AT_ONCE 8192u /* open ones that a sample looks at: well under a millisecond */

static uint32_t busy; /* one thread at a time; another leaves it at that */
static uint32_t nr;
static uint64_t next_ns, every_ns = EVERY_NS;

/* In a child, or where a recording begins anew. */
void samples_reborn(void)
{
	shim.samples = NULL;
	busy = nr = 0;
	next_ns = 0;
	every_ns = EVERY_NS;
}

/* When the kernel was asked last. */
static bool was_in_close_wait(struct life_ref ref)
{
	return (word_get_acquire(&ref.life->flags) & REC_LIFE_FACTS) &&
	       word_get(&life_rest(ref)->kernel_tcp_state) == TCP_CLOSE_WAIT;
}

/* The peer's FIN is here and ours is not sent, as far as is known without asking. */
static bool is_fin_seen(const struct rec_life *l, bool close_wait)
{
	uint32_t flags = word_get(&l->flags);

	return word_get(&l->type) == SOCK_STREAM &&
	       (word_get(&l->family) == AF_INET || word_get(&l->family) == AF_INET6) &&
	       !(flags & (REC_LIFE_SHUT_WR | REC_LIFE_RESET)) &&
	       ((flags & (REC_LIFE_EOF | REC_LIFE_TOLD)) || close_wait);
}

static void count_lives(struct rec_sample *s)
{
	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1)) {
		struct life_ref ref = {life_slot((int)fd), 0, (int)fd};
		bool close_wait;

		if (!ref.life || !(word_get(&ref.life->seq) & 1))
			continue;
		if (s->open == LIVES_AT_ONCE) {
			s->flags |= REC_SAMPLE_AT_LEAST;
			return;
		}
		s->open++;
		close_wait = was_in_close_wait(ref);
		if (!is_fin_seen(ref.life, close_wait))
			continue;
		s->fin_seen++;
		s->close_wait += close_wait;
	}
}

static void slot_write(uint32_t i, const struct rec_sample *s)
{
	words_copy(&shim.samples[i], s, sizeof(*s));
}

/* A reader that passes by meanwhile finds some twice, and none half. */
static void thin_out(void)
{
	static const struct rec_sample none;

	for (uint32_t i = 1; i < nr / 2; i++)
		slot_write(i, &shim.samples[2 * i]);
	for (uint32_t i = nr / 2; i < nr; i++)
		slot_write(i, &none);
	nr /= 2;
	every_ns *= 2;
}

static bool table_ready(void)
{
	if (!shim.samples)
		shim.samples = room_chunk(REC_CHUNK_SAMPLES, 1, 0, REC_SAMPLES_NR,
					  sizeof(struct rec_sample));
	return shim.samples;
}

static void take(uint64_t now)
{
	struct rec_sample s = {.ns = now};
	struct rec_shard total = shards_total(shim.head);

	if (!table_ready())
		return;
	count_lives(&s);
	s.births = total.births;
	s.deaths = total.deaths;
	s.check = rec_sample_check(&s);
	if (nr == REC_SAMPLES_NR)
		thin_out();
	slot_write(nr++, &s);
	next_ns = now + every_ns;
}

static void take_alone(uint64_t now, bool is_last)
{
	uint32_t nobody = 0;

	if (!word_cas(&busy, &nobody, 1))
		return;
	if (is_last || now >= next_ns)
		take(now);
	word_set_release(&busy, 0);
}

/* None in the first second: of a process that does not live longer there is no line to draw. */
COLD void samples_take(uint64_t now)
{
	if (now >= shim.start_ns + EVERY_NS)
		take_alone(now, false);
}

void samples_end(uint64_t now)
{
	if (now >= shim.start_ns + EVERY_NS)
		take_alone(now, true);
}
