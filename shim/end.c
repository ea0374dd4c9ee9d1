/* SPDX-License-Identifier: MIT */
/*
 * The end of a process image: every open life is held against the kernel and completed with what
 * it knows, then the end is written down. Runs in the destructor, before _exit, or in a handler of
 * a deadly signal: raw system calls only.
 */
#include "end.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "clock.h"
#include "facts.h"
#include "found.h"
#include "house.h"
#include "images.h"
#include "init.h"
#include "learnt.h"
#include "lives.h"
#include "options.h"
#include "recording.h"
#include "samples.h"
#include "shim.h"
#include "slots.h"
#include "stuck.h"
#include "summary.h"
#include "sys.h"
#include "tell.h"
#include "words.h"

#define UNDER_WAY_NS 100000000u /* a close that another thread began so lately may still come */

struct tally {
	uint32_t open;
	uint32_t suspicious; /* worth a look by the command */
	uint32_t passed_on;  /* of the open ones, by an exec: the next image has them */
};

/* A server's connection that no epoll set and no thread waits on: of poll sets others know. */
static bool is_unwatched(const struct rec_life *l)
{
	return (l->flags & REC_LIFE_ACCEPTED) && l->epoll_fd < 0 && !l->reader_tid;
}

/* Whether a rule may accuse it: to say so is left to the command. */
static bool is_suspicious(struct life_ref ref)
{
	const struct rec_life_rest *rest = life_rest(ref);
	const struct rec_life *l = ref.life;

	if (l->flags & REC_LIFE_KEPT)
		return false;
	switch (rest->kernel_tcp_state) {
	case TCP_CLOSE_WAIT:
	case TCP_CLOSE:
	case TCP_FIN_WAIT2:
		return true;
	case TCP_LISTEN:
		return rest->kernel_unread;
	case TCP_ESTABLISHED:
		return is_unwatched(l);
	}
	return false;
}

/*
 * Passed on by exec, never touched here: whoever opened it has a recording of its own that tells
 * more, and a shell started by a server must not leave a file. Not where an earlier image of this
 * very process opened it, and nobody else is left to hold what was forgotten.
 */
static bool is_bystander(struct life_ref ref)
{
	const struct rec_life *l = ref.life;

	return (l->flags & REC_LIFE_AT_START) && !(l->flags & REC_LIFE_TOUCHED) &&
	       !(shim.image && is_suspicious(ref));
}

static void ask_cloexec(int fd, struct life_ref ref)
{
	long flags = SYS2(SYS_fcntl, fd, F_GETFD);

	if (flags >= 0 && (flags & FD_CLOEXEC))
		life_flag(ref, REC_LIFE_CLOEXEC);
	else
		__atomic_fetch_and(&ref.life->flags, ~(uint32_t)REC_LIFE_CLOEXEC, __ATOMIC_RELAXED);
}

/*
 * What an exec makes of it. The next image looks for no others than inet sockets, and no rule
 * speaks of others. What was somebody else's and is closed now is nothing to anybody.
 */
static void count_for_exec(struct life_ref ref, struct tally *tally)
{
	const struct rec_life *l = ref.life;
	bool is_closed = l->flags & REC_LIFE_CLOEXEC;
	bool is_own = (l->flags & REC_LIFE_TOUCHED) ||
		      !(l->flags & (REC_LIFE_INHERITED | REC_LIFE_AT_START));

	if ((l->family != AF_INET && l->family != AF_INET6) || (is_closed && !is_own))
		return;
	tally->open++;
	if (is_closed)
		return;
	tally->passed_on++;
	tally->suspicious += is_suspicious(ref);
}

static void complete(int fd, enum rec_end_kind kind, struct tally *tally)
{
	struct life_ref ref = life_find(fd);

	if (!ref.life)
		return;
	if (!facts_ask(fd, ref)) {
		if (life_is(ref)) /* a thread that works on may have closed it, and opened anew */
			life_flag(ref, REC_LIFE_GONE);
		return;
	}
	if (kind == REC_END_EXEC)
		ask_cloexec(fd, ref);
	if (is_bystander(ref))
		return;
	if (kind == REC_END_EXEC) {
		count_for_exec(ref, tally);
		return;
	}
	tally->open++;
	tally->suspicious += is_suspicious(ref);
}

/*
 * A recorded death that did not happen: the close was cancelled before it reached the kernel, or
 * a vfork child's was taken for ours. The kernel still has the socket, so the life goes on.
 */
static void revive(int fd)
{
	struct rec_life *l = life_slot(fd);
	struct sockaddr_storage addr;
	struct rec_addr peer, now;
	socklen_t len = sizeof(addr);
	uint32_t seq = l ? word_get_acquire(&l->seq) : 0;

	if (!seq || seq & 1 || !l->peer_family || l->close_ns + UNDER_WAY_NS > now_ns())
		return;
	if (SYS3(SYS_getpeername, fd, &addr, &len) < 0)
		return;
	peer = rec_life_peer(l, rec_life_rest_of(l, (uint32_t)fd));
	now = addr_of(&addr, len);
	if (memcmp(&peer, &now, sizeof(peer)) != 0)
		return;
	life_flag((struct life_ref){l, seq, fd}, REC_LIFE_REVIVED);
	life_undo_death(fd, seq - 1);
}

static struct tally complete_all(enum rec_end_kind kind)
{
	struct tally tally = {0, 0, 0};

	for (uint32_t fd = life_next(0); fd != UINT32_MAX; fd = life_next(fd + 1)) {
		revive((int)fd);
		complete((int)fd, kind, &tally);
	}
	if (kind != REC_END_EXEC) /* the next image finds them at its start */
		tally.open += found_unseen();
	return tally;
}

/* Calls that went wrong, closes that came late. */
static bool has_remarks(void)
{
	return word_get(&shim.notable) || word_get(&shim.head->nr_incidents);
}

/* But of what is open. */
static bool is_clean(void)
{
	return !has_remarks() &&
	       !word_get(&shim.head->nr_sent) && /* what became of it only the receiver knows */
	       !word_get(&shim.head->lost_lives);
}

/* A recording with nothing to tell is counted in the summary and goes. */
static void fold(void)
{
	if (!shim.summary || sys_unlink(shim.path) < 0)
		return;
	shim.folded = true;
	summary_folded(shim.head);
	if (shim.head->end_kind != REC_END_EXEC)
		images_drop_origins();
}

/* If the exec does succeed. */
static void mark(const struct tally *tally)
{
	shim.head->flags |= tally->passed_on ? REC_HEADER_ORIGINS : REC_HEADER_SPENT;
}

static void complete_and_close(enum rec_end_kind kind, uint32_t value)
{
	struct rec_header *h = shim.head;
	struct tally tally = {0, 0, 0};

	if (!shim.sealed) {
		facts_count_threads();
		stuck_look(now_ns());
		facts_ask_loops(now_ns());
		tally = complete_all(kind);
		h->facts_ns = now_ns();
	} else {
		h->flags |= REC_HEADER_SEALED;
	}
	h->end_ns = now_ns();
	samples_end(h->end_ns);
	h->end_value = value;
	word_set_release(&h->end_kind, (uint32_t)kind);
	if (!shim.sealed && is_clean()) {
		if (!tally.open)
			fold();
		else if (kind == REC_END_EXEC)
			mark(&tally);
	}
	if (shim.summary)
		word_add(&shim.summary->suspicious, tally.suspicious + has_remarks());
}

/* A process without sockets of its own may have had children that made the summary. */
static const struct rec_summary *summary_of_run(void)
{
	if (!shim.summary && options.dir[0])
		summary_open(options.dir, false);
	return shim.summary;
}

/* Whether anybody in this run left something that the command should look at. */
static bool is_worth_telling(enum rec_end_kind kind)
{
	const struct rec_summary *s;

	if (options.report != REPORT_EXIT || kind == REC_END_EXEC || shim.sealed)
		return false;
	s = summary_of_run();
	return s && word_get(&s->suspicious);
}

/* A process without any socket event gets no file, unless it has inet sockets all the same. */
static bool has_recording(enum rec_end_kind kind)
{
	uint32_t state = word_get(&shim.attach);

	if (state != DETACHED || shim.forked || shim.sealed || kind == REC_END_EXEC)
		return state == ATTACHED;
	return found_unseen() != 0;
}

/* There were sockets, and no recording could be made to the end. */
static void not_recorded(int error)
{
	if (word_get(&shim.attach) != ATTACH_FAILED) /* tried again and again: not counted yet */
		summary_failed(error);
	if (options.report == REPORT_EXIT)
		tell_failure(error);
}

void end_record(enum rec_end_kind kind, uint32_t value)
{
	if (!shim.started || process_is_other() || !word_cas(&shim.ended, &(uint32_t){0}, 1))
		return;
	if (has_recording(kind))
		complete_and_close(kind, value);
	else if (shim.head->grow_errno && !shim.sealed)
		not_recorded((int)shim.head->grow_errno);
	if (is_worth_telling(kind))
		tell();
}

/* The image lives on after all: the exec failed. */
void end_take_back(void)
{
	if (!shim.started || process_is_other())
		return;
	shim.head->flags &= ~(uint32_t)(REC_HEADER_SPENT | REC_HEADER_ORIGINS);
	word_set(&shim.head->end_kind, (uint32_t)REC_END_NONE);
	word_set(&shim.ended, 0);
	if (!shim.folded)
		return;
	shim.folded = false;
	shim.resumed = true;
	shim.progress = NULL;
	memset(shim.outcomes, 0, sizeof(shim.outcomes));
	shim.pollers = NULL;
	shim.sent = NULL;
	samples_reborn();
	init_head_reset();
	word_set_release(&shim.attach, DETACHED);
}
