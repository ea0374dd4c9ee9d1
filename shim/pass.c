/* SPDX-License-Identifier: MIT */
/*
 * Sockets that pass from one process to another: SCM_RIGHTS, both ways, and pidfd_getfd().
 *
 * What is read here lay in the guest's memory when the kernel wrote it (a received control buffer,
 * as far as the kernel says that it is filled) or read it (a sent one), and the call succeeded.
 * Another thread may scribble over it all the same: so it is bounded anew and copied word by word.
 */
#include "pass.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "at.h"
#include "clock.h"
#include "facts.h"
#include "found.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "learnt.h"
#include "lives.h"
#include "raw.h"
#include "recorder.h"
#include "recording.h"
#include "room.h"
#include "shim.h"
#include "stack.h"
#include "thread.h"
#include "words.h"

struct pass {
	enum rec_call call;
	struct at at;
	int through;   /* the socket that it was sent through */
	uint32_t site; /* of a sender; 0: not taken yet */
};

typedef void each_right(int fd, struct pass *p);

static void rights_of(const char *data, size_t bytes, each_right *each, struct pass *p)
{
	int fd;

	for (; bytes >= sizeof(fd); bytes -= sizeof(fd), data += sizeof(fd)) {
		memcpy(&fd, data, sizeof(fd));
		each(fd, p);
	}
}

/* Only now is anything asked: control data of other kinds comes with each datagram. */
static bool may_ask(void)
{
	return !shim.sealed && !process_is_other();
}

static void rights_in(const struct msghdr *msg, each_right *each, struct pass *p)
{
	const char *at = msg->msg_control;
	size_t left = at ? msg->msg_controllen : 0, step;
	struct cmsghdr c;

	for (; left >= sizeof(c); at += step, left -= step) {
		memcpy(&c, at, sizeof(c));
		if (c.cmsg_len < sizeof(c) || c.cmsg_len > left)
			return;
		if (c.cmsg_level == SOL_SOCKET && c.cmsg_type == SCM_RIGHTS && may_ask())
			rights_of(at + sizeof(c), c.cmsg_len - sizeof(c), each, p);
		step = CMSG_ALIGN(c.cmsg_len);
		if (step > left)
			return;
	}
}

/* ---- received ----------------------------------------------------------------------------- */

/* The life in this very process that was sent, and came back in another descriptor. */
static struct life_ref came_back(uint64_t cookie)
{
	struct rec_sent *sent = word_get_acquire(&shim.sent);
	struct life_ref ref;

	for (uint32_t i = 0; sent && cookie && i < REC_SENT_NR; i++) {
		if (word_get_acquire(&sent[i].cookie) != cookie)
			continue;
		ref = life_find(sent[i].fd);
		if (ref.life && life_cookie(ref) == cookie)
			return ref;
	}
	return (struct life_ref){NULL, 0, -1};
}

static void received(int fd, struct pass *p)
{
	struct birth birth = {.call = p->call, .flags = REC_LIFE_RECEIVED};
	struct life_ref ref;

	if (!found_describe(fd, &birth))
		return;
	ref = came_back(found_cookie(fd));
	if (ref.life && ref.fd != fd) {
		ref = life_alias(fd, ref);
		if (ref.life)
			life_flag(ref, REC_LIFE_RECEIVED);
		return;
	}
	ref = life_born(fd, &birth, p->at);
	if (ref.life)
		facts_ask(fd, ref);
}

/* After a recvmsg() that succeeded. Also with MSG_PEEK the kernel installs descriptors. */
COLD void pass_received(const struct msghdr *msg, enum rec_call call, struct at at)
{
	rights_in(msg, received, &(struct pass){call, at, -1, 0});
}

COLD void pass_taken(int fd, struct at at)
{
	if (fd >= 0 && may_ask())
		received(fd, &(struct pass){REC_CALL_PIDFD_GETFD, at, -1, 0});
}

/* Who looks it up by name finds it here also where the C library is older than 2.36. */
EXPORT int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	bool record = hook_enter();
	int r = real.pidfd_getfd ? real.pidfd_getfd(pidfd, fd, flags)
				 : (int)real.syscall(SYS_pidfd_getfd, pidfd, fd, flags);

	if (record && r >= 0)
		pass_taken(r, AT_CALLER);
	return r;
}

long raw_pidfd_getfd(long nr, const long a[6], struct at at)
{
	long fd = raw_call(nr, a);

	if (fd >= 0)
		pass_taken((int)fd, at);
	return fd;
}

/* ---- sent --------------------------------------------------------------------------------- */

/* Made when first needed. One made twice in a race is left empty in the file. */
static struct rec_sent *ring(void)
{
	struct rec_sent *sent = word_get_acquire(&shim.sent), *before = NULL;

	if (sent || !recorder_ready())
		return sent;
	sent = room_chunk(REC_CHUNK_SENT, 1, 0, REC_SENT_NR, sizeof(*sent));
	if (!sent || word_cas(&shim.sent, &before, sent))
		return sent;
	((struct rec_chunk *)sent)[-1].nr = 0;
	return before;
}

static void ring_add(int fd, const struct rec_life *l, uint64_t cookie, uint32_t site)
{
	struct rec_sent *s = ring();

	if (!s)
		return;
	s += word_add(&shim.head->nr_sent, 1) % REC_SENT_NR;
	word_set(&s->cookie, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->id = l->id;
	s->born_ns = l->born_ns;
	s->sent_ns = now_ns();
	s->born_site = l->site;
	s->born_tid = l->born_tid;
	s->sent_site = site;
	s->sent_tid = thread_tid();
	s->born_by = l->born_by;
	s->fd = fd;
	word_set_release(&s->cookie, cookie);
}

/* Other families ignore SCM_RIGHTS, and send no descriptor. */
static bool passes_rights(int fd)
{
	struct birth birth = {.flags = 0};

	return found_describe(fd, &birth) && birth.family == AF_UNIX;
}

static void sent(int fd, struct pass *p)
{
	struct life_ref ref = life_find(fd);
	uint64_t cookie;

	if (!ref.life || (!p->site && !passes_rights(p->through)))
		return;
	cookie = found_cookie(fd);
	if (!cookie || !life_is(ref))
		return;
	if (!p->site)
		p->site = stack_site(p->at);
	life_cookie_set(ref, cookie);
	life_flag(ref, REC_LIFE_SENT);
	ring_add(fd, ref.life, cookie, p->site);
}

/* After a sendmsg() that succeeded. */
COLD void pass_sent(int fd, const struct msghdr *msg, struct at at)
{
	rights_in(msg, sent, &(struct pass){REC_CALL_SENDMSG, at, fd, 0});
}
