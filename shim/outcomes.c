/* SPDX-License-Identifier: MIT */
/*
 * How the sockets of each place ended: ended lives folded into counts and histograms, so that the
 * report can say where the siblings of a leak are closed, and how long after the FIN. The size
 * follows the number of places, not of sockets.
 *
 * Threads count in different entries (shards), so that they do not fight for one cache line. But
 * who seldom counts at a place does so with others: else there were an entry of each place for each
 * thread that ever came by.
 */
#include "outcomes.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "facts.h"
#include "house.h"
#include "lives.h"
#include "options.h"
#include "progress.h"
#include "recorder.h"
#include "recording.h"
#include "room.h"
#include "shards.h"
#include "shim.h"
#include "slots.h"
#include "thread.h"
#include "words.h"

#define WINDOW	    8u	  /* entries of a chunk that one key may lie in */
#define OFTEN	    32u	  /* a thread counts so often ... */
#define OFTEN_AMONG 1024u /* ... while so many sockets of its end: it gets an entry of its own */

#define SAMPLE_FIRST 16u
#define SAMPLE_EVERY 16u

/* The least that a rule may want to speak of. */
#define SWEPT_DWELL_NS 1000000000u
#define NOTABLE_ACTIVE 128u
#define NOTABLE_UNREAD 1u

#define LISTENERS_EVERY_NS 100000000u
#define GOES_ON_NS	   1000000000u

struct ending {
	uint32_t birth_site;
	uint32_t close_site;
	uint32_t flags;
	uint32_t shard;
};

/* But for the shard. */
static bool is_like(const struct rec_outcome *o, const struct ending *e)
{
	return word_get(&o->close_site) == e->close_site && o->flags == e->flags;
}

static bool entry_take(struct rec_outcome *o, const struct ending *e)
{
	uint32_t nobody = 0;

	if (!word_cas(&o->birth_site, &nobody, UINT32_MAX))
		return false;
	o->close_site = e->close_site;
	o->flags = e->flags;
	o->shard = e->shard;
	word_set_release(&o->birth_site, e->birth_site);
	return true;
}

/* The entry of this chunk that counts such endings, or is free to; NULL where there is no room. */
static struct rec_outcome *entry_in(struct rec_outcome *chunk, const struct ending *e)
{
	uint32_t hash = (e->birth_site * 2654435761u) ^ (e->close_site * 2246822519u) ^
			((e->flags << 3 | e->shard) * 3266489917u);

	for (uint32_t i = 0; i < WINDOW; i++) {
		struct rec_outcome *o = &chunk[((hash >> 8) + i) % REC_OUTCOMES_NR];
		uint32_t site = word_get_acquire(&o->birth_site);

		if (!site && entry_take(o, e))
			return o;
		if (site == e->birth_site && is_like(o, e) && o->shard == e->shard)
			return o;
	}
	return NULL;
}

static struct rec_outcome *chunk_get(uint32_t i)
{
	struct rec_outcome *chunk = word_get_acquire(&shim.outcomes[i]), *before = NULL;

	if (chunk)
		return chunk;
	chunk = room_chunk(REC_CHUNK_OUTCOMES, 1, i * REC_OUTCOMES_NR, REC_OUTCOMES_NR,
			   sizeof(*chunk));
	if (!chunk || word_cas(&shim.outcomes[i], &before, chunk))
		return chunk;
	((struct rec_chunk *)chunk)[-1].nr = 0; /* made twice in a race */
	return before;
}

static struct rec_outcome *entry_find(const struct ending *e)
{
	for (uint32_t i = 0; i < OUTCOME_CHUNKS; i++) {
		struct rec_outcome *chunk = chunk_get(i);
		struct rec_outcome *o = chunk ? entry_in(chunk, e) : NULL;

		if (o || !chunk)
			return o;
	}
	return NULL;
}

static bool is_often(struct counting *c)
{
	uint32_t among = thread.ended - c->since;

	if (++c->times < OFTEN)
		return false;
	c->times = 0;
	c->since = thread.ended;
	return among < OFTEN_AMONG;
}

/* What this thread counted in last is looked at first: where there are many, chunk after chunk. */
static struct rec_outcome *entry_get(struct ending *e)
{
	const struct rec_header *head = word_get(&shim.head);
	struct counting *c = &thread.counting[(e->close_site ^ e->flags) % 4];
	struct rec_outcome *o = c->entry;

	thread.ended++;
	if (thread.of != head)
		memset(thread.counting, 0, sizeof(thread.counting));
	else if (likely(o && word_get(&o->birth_site) == e->birth_site && is_like(o, e))) {
		if (likely(o->shard >= SHARDS_SHARED) || !is_often(c))
			return o;
		e->shard = shard_of_thread();
		return c->entry = entry_find(e);
	}
	thread.of = head;
	*c = (struct counting){entry_find(e), thread.ended, 0};
	return c->entry;
}

static uint32_t bucket(uint64_t ns)
{
	uint64_t n = ns / REC_BUCKET_NS;
	uint32_t i = n ? 64u - (uint32_t)__builtin_clzll(n) : 0;

	return i < REC_BUCKETS ? i : REC_BUCKETS - 1;
}

static void keep_max(uint64_t *max, uint64_t ns)
{
	uint64_t before = word_get(max);

	while (before < ns && !word_cas(max, &before, ns))
		;
}

/* How a socket's TCP stands when it is about to be closed. */
struct last_look {
	uint64_t fin_ns; /* when the peer's FIN came, at the latest; 0: it had not */
	bool asked;	 /* the kernel, for nobody had read an EOF */
	bool active;	 /* the first FIN is, or was, ours */
};

static bool is_tcp(const struct rec_life *l)
{
	return word_get(&l->type) == SOCK_STREAM &&
	       (word_get(&l->family) == AF_INET || word_get(&l->family) == AF_INET6);
}

/* The peer answered a shutdown of ours. */
static bool is_answered(const struct rec_life *l)
{
	return (word_get(&l->flags) & REC_LIFE_SHUT_WR) &&
	       word_get(&l->shut_ns) < word_get(&l->eof_ns) && is_tcp(l);
}

/* One system call if nobody read an EOF. */
static struct last_look look(struct life_ref ref, uint64_t now)
{
	const struct rec_life *l = ref.life;
	struct last_look k = {word_get(&l->eof_ns), false, false};
	uint32_t last_ack_ms;

	if (k.fin_ns) {
		k.active = is_answered(l);
		return k;
	}
	if (!(word_get(&l->flags) & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED)) ||
	    (word_get(&l->flags) & REC_LIFE_RESET))
		return k;
	switch (facts_tcp_state(ref.fd, l, &last_ack_ms)) {
	case TCP_CLOSE_WAIT:
		k.fin_ns = now - (uint64_t)last_ack_ms * 1000000u;
		break;
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
		k.asked = k.active = !(word_get(&l->flags) & REC_LIFE_ABORTS);
		break;
	case TCP_TIME_WAIT:
	case TCP_CLOSING:
		k.active = true;
		break;
	}
	return k;
}

/* What was opened after the last listener was closed, or a signal caught, is not left over. */
static bool is_at_end(const struct rec_life *l)
{
	uint32_t began = word_get_acquire(&shim.end_began);

	return began == END_EXITS ||
	       (began && word_get(&l->born_ns) <= word_get(&shim.end_began_ns));
}

/* Or a thread has an event of it in hand, and has not come to it. */
static bool is_waited_on(const struct rec_life *l)
{
	const uint32_t any = EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLOUT | EPOLLWRNORM;
	uint32_t fired = word_get(&l->flags) & (REC_LIFE_FIRED | REC_LIFE_HANDED);

	if (word_get(&l->reader_tid) || word_get(&l->writer_tid) || word_get(&l->poller_tid))
		return true;
	return word_get(&l->epoll_fd) >= 0 && (word_get(&l->epoll_events) & any) &&
	       (!(fired & REC_LIFE_FIRED) || (fired & REC_LIFE_HANDED));
}

/*
 * Left in CLOSE_WAIT for good, as far as can be told when the clean-up of the program closes it:
 * its thread has served others since, and had not an answer for a half-closed client to write.
 */
static bool is_left(const struct rec_life *l, uint64_t fin, uint64_t now)
{
	uint64_t eof = word_get(&l->eof_ns);

	return (word_get(&l->flags) & REC_LIFE_ACCEPTED) && fin + SWEPT_DWELL_NS < now &&
	       !is_waited_on(l) && word_get(&l->polled_ns) + SWEPT_DWELL_NS < now &&
	       !(eof && word_get(&l->write_ns) > eof) && progress_moved_on(l);
}

static uint32_t flags_at_end(const struct rec_life *l, uint64_t fin, uint64_t now)
{
	if (!is_at_end(l))
		return 0;
	return REC_OUTCOME_AT_END | (fin && is_left(l, fin, now) ? REC_OUTCOME_LEFT : 0);
}

static uint32_t flags_of(const struct rec_life *l, uint64_t fin, uint64_t now)
{
	uint32_t flags = word_get(&l->flags);

	return (fin ? REC_OUTCOME_PASSIVE : 0) | (flags & REC_LIFE_EOF ? REC_OUTCOME_TOLD : 0) |
	       (flags & (REC_LIFE_RESET | REC_LIFE_CONNECT_FAILED) ? REC_OUTCOME_RESET : 0) |
	       (flags & REC_LIFE_INHERITED ? REC_OUTCOME_INHERITED : 0) |
	       (flags & REC_LIFE_ACCEPTED ? REC_OUTCOME_ACCEPTED : 0) |
	       (is_tcp(l) ? REC_OUTCOME_TCP : 0) | flags_at_end(l, fin, now);
}

/* The first of each kind, and a sample of the rest, for it costs another system call. */
static bool is_of_sample(uint64_t nr)
{
	return nr < SAMPLE_FIRST || nr % SAMPLE_EVERY == 0;
}

/* Held by a parent or a child as well: then this close does not end the connection. */
static bool may_be_shared(const struct rec_life *l)
{
	return (word_get(&l->flags) & REC_LIFE_INHERITED) ||
	       word_get(&l->born_ns) <= word_get(&shim.forked_ns);
}

/* The kernel answers a close with data unread by a RST. */
static void sample_unread(struct rec_outcome *o, int fd)
{
	word_add(&o->asked, 1);
	if (facts_unread(fd))
		word_add(&o->unread, 1);
}

/* What a rule may speak of: then the recording is kept, though nothing is open. */
static bool is_notable(const struct rec_outcome *o, uint64_t dwell)
{
	if ((o->flags & REC_OUTCOME_TCP) && dwell >= options.long_dwell_ns)
		return true;
	if (o->flags & REC_OUTCOME_ACCEPTED)
		return word_get(&o->unread) >= NOTABLE_UNREAD;
	return word_get(&o->nr_active) >= NOTABLE_ACTIVE;
}

static void count(struct rec_outcome *o, const struct rec_life *l, uint64_t now,
		  const struct last_look *k)
{
	uint64_t lived = now - word_get(&l->born_ns), nobody = 0;

	word_add(&o->life[bucket(lived)], 1);
	keep_max(&o->life_max_ns, lived);
	word_cas(&o->first_ns, &nobody, now);
	word_set(&o->last_ns, now);
	if (k->active)
		word_add(&o->nr_active, 1);
	if (!k->fin_ns)
		return;
	word_add(&o->dwell[bucket(now - k->fin_ns)], 1);
	keep_max(&o->dwell_max_ns, now - k->fin_ns);
}

/* The program's clean-up closes what had long been in CLOSE_WAIT, and was known to be. */
static bool is_swept_up(const struct ending *e, uint64_t dwell)
{
	return (e->flags & (REC_OUTCOME_TOLD | REC_OUTCOME_LEFT)) && dwell > SWEPT_DWELL_NS;
}

/*
 * A child closes what it was born with and never used, maybe long after its parent was to: that
 * says nothing of how the sockets of the place end.
 */
static bool is_tidied_away(const struct rec_life *l)
{
	uint32_t flags = word_get(&l->flags);

	return (flags & REC_LIFE_INHERITED) && !(flags & REC_LIFE_TOUCHED) &&
	       word_get(&l->told_ns) < shim.start_ns;
}

/* The last descriptor of this socket is about to be closed; close_ns and close_site are set. */
void outcome_add(struct life_ref ref)
{
	const struct rec_life *l = ref.life;
	uint64_t now = word_get(&l->close_ns);
	struct last_look k;
	struct rec_outcome *o;
	struct ending e;

	if (!word_get(&l->site) || is_tidied_away(l))
		return;
	k = look(ref, now);
	e = (struct ending){word_get(&l->site), word_get(&l->close_site),
			    flags_of(l, k.fin_ns, now), thread_tid() % SHARDS_SHARED};
	o = entry_get(&e);
	if (!o) {
		recorder_lost(&shim.head->lost_outcomes);
		return;
	}
	if (is_of_sample(word_add(&o->nr, 1)) && k.asked && !may_be_shared(l))
		sample_unread(o, ref.fd);
	count(o, l, now, &k);
	if (word_get(&shim.notable)) /* all threads read that line, and none writes it in vain */
		return;
	if (e.flags & REC_OUTCOME_AT_END ? is_swept_up(&e, k.fin_ns ? now - k.fin_ns : 0)
					 : is_notable(o, k.fin_ns ? now - k.fin_ns : 0))
		word_set(&shim.notable, true);
}

static void end_begins(enum end_began how, uint64_t now)
{
	if (word_get(&shim.end_began))
		return;
	word_set(&shim.end_began_ns, now);
	word_cas(&shim.end_began, &(uint32_t){END_NOT_YET}, (uint32_t)how);
}

/* In a signal handler of the program's. */
void outcome_signalled(void)
{
	end_begins(END_SIGNALLED, now_ns());
	if (word_get(&shim.end_began) == END_SIGNALLED)
		word_set(&shim.head->stop_ns, word_get(&shim.end_began_ns));
}

static bool is_other_listener(int fd, const struct rec_life *than)
{
	struct life_ref ref = life_find(fd);

	return ref.life && ref.life != than && (word_get(&ref.life->flags) & REC_LIFE_LISTENING) &&
	       word_get(&ref.life->family) != AF_UNIX;
}

/* A child that serves one connection closes the listener that it inherited, and begins. */
static bool is_strangers(const struct rec_life *l)
{
	return (word_get(&l->flags) & REC_LIFE_INHERITED) && word_get(&l->touch_ns) < shim.start_ns;
}

/*
 * A server that closes its last listener has begun to stop: what it closes now it might have left.
 * To see that there is no other costs a look at all lives, so it is not done time and again.
 */
void outcome_listener_closes(const struct rec_life *l)
{
	if (word_get(&l->family) == AF_UNIX || is_strangers(l) ||
	    word_get(&l->close_ns) < word_get(&shim.next_listeners_ns))
		return;
	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1))
		if (is_other_listener((int)fd, l))
			return;
	word_set(&shim.next_listeners_ns, word_get(&l->close_ns) + LISTENERS_EVERY_NS);
	end_begins(END_NO_LISTENER, word_get(&l->close_ns));
}

/* ... or it had only closed one of those that it opens now and then. */
void outcome_listener_opens(const struct rec_life *l)
{
	if (word_get(&shim.end_began) == END_NO_LISTENER && word_get(&l->family) != AF_UNIX)
		word_cas(&shim.end_began, &(uint32_t){END_NO_LISTENER}, END_NOT_YET);
}

/* Who still opens sockets a while after a signal goes on: it only broke something off. */
void outcome_goes_on(const struct rec_life *l)
{
	if (word_get(&l->family) != AF_UNIX &&
	    word_get(&l->born_ns) > word_get(&shim.end_began_ns) + GOES_ON_NS &&
	    word_cas(&shim.end_began, &(uint32_t){END_SIGNALLED}, END_NOT_YET))
		word_set(&shim.head->stop_ns, 0);
}
