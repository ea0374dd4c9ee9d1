/* SPDX-License-Identifier: MIT */
/*
 * Calls that went wrong, in a small table: one entry for all that are alike, so that a loop cannot
 * fill it. Called where the guest's call has failed; errno stays as it was.
 */
#include "incidents.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "at.h"
#include "clock.h"
#include "house.h"
#include "init.h"
#include "lives.h"
#include "recorder.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "stack.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define HOLDERS	     8u	    /* places that a snapshot names */
#define CANDIDATES   64u    /* ... out of so many */
#define SNAPSHOT_FDS 65536u /* numbers that a snapshot looks at */
#define SNAPSHOT_NS  1000000000u

/* ---- the table ---- */

static bool is_alike(const struct rec_incident *a, const struct rec_incident *b)
{
	return word_get_acquire(&a->kind) == b->kind && a->site == b->site &&
	       a->first_site == b->first_site;
}

static struct rec_incident *find(struct rec_incident *all, const struct rec_incident *like)
{
	uint64_t n = word_get(&shim.head->nr_incidents);

	for (uint64_t i = 0; i < n && i < REC_INCIDENTS_NR; i++)
		if (is_alike(&all[i], like))
			return &all[i];
	return NULL;
}

static void happens_again(struct rec_incident *in, uint64_t ns)
{
	word_add(&in->again, 1);
	word_set(&in->last_ns, ns);
}

static struct rec_incident *place(struct rec_incident *all, const struct rec_incident *in)
{
	uint64_t n = word_add(&shim.head->nr_incidents, 1);
	size_t first = sizeof(in->kind);

	if (n >= REC_INCIDENTS_NR) {
		recorder_lost(&shim.head->lost_incidents);
		return NULL;
	}
	words_copy((char *)&all[n] + first, (const char *)in + first, sizeof(*in) - first);
	word_set_release(&all[n].kind, in->kind);
	return &all[n];
}

/* Returns where it stands, new or counted with others alike; NULL where there is no room. */
struct rec_incident *incident_add(const struct rec_incident *in)
{
	struct rec_incident *all, *before;

	if (!recorder_ready() || !(all = word_get(&shim.incidents)))
		return NULL;
	before = find(all, in);
	if (!before)
		return place(all, in);
	happens_again(before, in->ns);
	return before;
}

/* Whose site, time and thread are those of the call. */
static struct rec_incident *add_here(struct rec_incident *in, struct at at)
{
	if (!recorder_ready())
		return NULL;
	in->site = stack_site(at);
	in->ns = now_ns();
	in->tid = thread_tid();
	return incident_add(in);
}

/* ---- closed before ---- */

static bool is_closed(const struct rec_life *l)
{
	uint32_t seq = l ? word_get(&l->seq) : 0;

	return seq && !(seq & 1) && word_get(&l->close_ns) && !process_is_other();
}

static struct rec_incident of_closed(uint32_t kind, int fd, const struct rec_life *l,
				     enum rec_call call)
{
	return (struct rec_incident){.kind = kind,
				     .fd = fd,
				     .first_site = word_get(&l->close_site),
				     .first_ns = word_get(&l->close_ns),
				     .life_id = word_get(&l->id),
				     .error = EBADF,
				     .call = (uint16_t)call};
}

/* close() of a number that held a socket and holds nothing: it was closed before. */
void incident_double_close(int fd, struct at at)
{
	const struct rec_life *l = life_slot(fd);
	struct rec_incident in;
	int e = errno;

	if (is_closed(l)) {
		in = of_closed(REC_INCIDENT_DOUBLE_CLOSE, fd, l, REC_CALL_CLOSE);
		add_here(&in, at);
	}
	errno = e;
}

/* EBADF is also what a file says that is open, but not for this. */
static bool is_empty(int fd)
{
	return !shim.sealed && SYS2(SYS_fcntl, fd, F_GETFD) == -EBADF;
}

static bool is_the_same(const struct use *use, int fd, const struct rec_life *l, struct at at)
{
	return use->incident && use->fd == fd && use->pc == at.pc && word_get(&l->close_ns) &&
	       use->seq == word_get(&l->seq);
}

/*
 * A call failed in whose number no socket lives; if by EBADF, one may have. Who does it in a loop
 * is counted without another question.
 */
COLD void incident_use(int fd, enum rec_call call, struct at at)
{
	int e = errno;
	const struct rec_life *l = e == EBADF && hook_enter() ? life_slot(fd) : NULL;
	struct rec_incident in;

	if (l && is_the_same(&thread.use, fd, l, at)) {
		happens_again(thread.use.incident, now_ns());
	} else if (is_closed(l) && is_empty(fd)) {
		in = of_closed(REC_INCIDENT_USE_AFTER_CLOSE, fd, l, call);
		thread.use = (struct use){at.pc, fd, word_get(&l->seq), add_here(&in, at)};
	}
	errno = e;
}

/* ---- no descriptor left ---- */

struct holder {
	uint32_t site;
	uint32_t nr;
};

static uint64_t next_snapshot_ns;

/* The site of the socket in fd; 0 where there is none, or none that has a stack. */
static uint32_t site_in(uint32_t fd, uint64_t *nr_sockets)
{
	const struct life_ref ref = life_find((int)fd);

	if (!ref.life)
		return 0;
	++*nr_sockets;
	return word_get(&ref.life->site);
}

#define EACH_FD(fd) for (uint32_t fd = life_next(0); fd < SNAPSHOT_FDS; fd = life_next(fd + 1))

/*
 * Counts upwards for a site that has an entry, or gets a vacant one; downwards all others: a site
 * with more than one in CANDIDATES of all stays (Misra and Gries).
 */
static void candidate_count(struct holder *all, uint32_t site)
{
	struct holder *vacant = NULL;

	for (uint32_t i = 0; i < CANDIDATES; i++) {
		if (all[i].nr && all[i].site == site) {
			all[i].nr++;
			return;
		}
		if (!all[i].nr)
			vacant = &all[i];
	}
	if (vacant)
		*vacant = (struct holder){site, 1};
	for (uint32_t i = 0; !vacant && i < CANDIDATES; i++)
		all[i].nr--;
}

static uint64_t candidates_find(struct holder *all)
{
	uint64_t nr_sockets = 0;

	EACH_FD(fd)
	{
		uint32_t site = site_in(fd, &nr_sockets);

		if (site)
			candidate_count(all, site);
	}
	return nr_sockets;
}

/* The same sockets once more: now each candidate's true number. */
static void candidates_count(struct holder *all)
{
	uint64_t ignored = 0;

	for (uint32_t i = 0; i < CANDIDATES; i++)
		all[i].nr = 0;
	EACH_FD(fd)
	{
		uint32_t site = site_in(fd, &ignored);

		for (uint32_t i = 0; site && i < CANDIDATES; i++)
			all[i].nr += all[i].site == site;
	}
}

static struct holder take_largest(struct holder *all)
{
	struct holder *largest = all, found;

	for (uint32_t i = 1; i < CANDIDATES; i++)
		if (all[i].nr > largest->nr)
			largest = &all[i];
	found = *largest;
	largest->nr = 0;
	return found;
}

static void add_holders(struct holder *candidates, const struct rec_incident *of)
{
	candidates_count(candidates);
	for (uint32_t i = 0; i < HOLDERS; i++) {
		struct holder h = take_largest(candidates);
		struct rec_incident in = {.kind = REC_INCIDENT_HOLDER,
					  .fd = -1,
					  .site = h.site,
					  .first_site = of->site,
					  .ns = of->ns,
					  .nr_sockets = h.nr,
					  .tid = of->tid};

		if (!h.nr)
			return;
		incident_add(&in);
	}
}

/* Who holds the descriptors at this moment. */
COLD static void take_snapshot(struct rec_incident *in)
{
	struct holder candidates[CANDIDATES] = {{0, 0}};
	struct rlimit limit;
	uint64_t nr_sockets;

	if (!shim.sealed && sys_getrlimit(RLIMIT_NOFILE, &limit) == 0)
		word_set(&in->fd_limit, limit.rlim_cur);
	nr_sockets = candidates_find(candidates);
	add_holders(candidates, in);
	word_set(&in->nr_sockets, nr_sockets);
}

/* At most once a second, and until each place that failed has its own. */
static bool wants_snapshot(const struct rec_incident *in)
{
	uint64_t due = word_get(&next_snapshot_ns), now = now_ns();

	return !word_get(&in->nr_sockets) && now >= due &&
	       word_cas(&next_snapshot_ns, &due, now + SNAPSHOT_NS);
}

/* A birth has failed by EMFILE or ENFILE. */
COLD void incident_exhausted(int fd, enum rec_call call, int error, struct at at)
{
	struct rec_incident in = {.kind = REC_INCIDENT_EXHAUSTED,
				  .fd = fd,
				  .error = (uint32_t)error,
				  .call = (uint16_t)call};
	struct rec_incident *kept = process_is_other() ? NULL : add_here(&in, at);

	if (kept && wants_snapshot(kept))
		take_snapshot(kept);
}
