/* SPDX-License-Identifier: MIT */
/*
 * What became of a socket from its birth on, as the program saw it: who had it, who was told, who
 * ended it, and who waits for it now.
 */
#include "evidence_witness.h"

#include <string.h>
#include <sys/epoll.h>

#include "alloc.h"
#include "attendance.h"
#include "connection.h"
#include "describe.h"
#include "evidence_closed.h"
#include "evidence_parts.h"

/* An image that exec replaced is no clock: what became of it goes by the holder's. */
static const struct process *clock_of(struct witness *w, const struct life *l)
{
	const struct origin *opened = w->socket->opened;
	bool passed = l->process->end == PROCESS_REPLACED || (opened && l == &opened->life);

	return passed ? w->socket->birth->process : l->process;
}

static void say_birth(struct witness *w)
{
	const struct life *l = socket_opened(w->socket);
	struct strbuf sb = STRBUF_INIT;

	if (l->r.flags & REC_LIFE_AT_START) {
		strbuf_addstr(&sb, "before this program started: it was passed on by exec");
	} else {
		strbuf_addf(&sb, "by %s() in thread %u, ", call_name(l->r.born_by), l->r.born_tid);
		add_age(&sb, l->r.born_ns, clock_of(w, l));
	}
	add_line(w->to, "opened", &sb);
}

/* How it came from the process that opened it to the one that holds it. */
static void say_passed_on(struct witness *w)
{
	const struct socket *s = w->socket;
	struct strbuf sb = STRBUF_INIT;

	if (!s->opened || s->opened->sent)
		return;
	strbuf_addstr(&sb, "opened in process ");
	add_process(&sb, s->opened->life.process);
	strbuf_addstr(&sb, ", passed on by exec");
	add_line(w->to, "passed on", &sb);
}

const struct life *receiver_of(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l && !(l->r.flags & REC_LIFE_RECEIVED); l = l->next_holder)
		;
	return l;
}

static void say_received(struct witness *w)
{
	const struct origin *from = w->socket->sent;
	const struct life *l = receiver_of(w->socket);
	struct strbuf sb = STRBUF_INIT;

	if (!l)
		return;
	strbuf_addstr(&sb, "from ");
	if (from) {
		strbuf_addstr(&sb, "process ");
		add_process(&sb, from->life.process);
	} else {
		strbuf_addstr(&sb, "a process that is not known");
	}
	strbuf_addstr(&sb, " in ");
	add_place_and_caller(&sb, site_stack(w, l, l->r.site));
	if (from) {
		strbuf_addstr(&sb, "; sent in ");
		add_place_and_caller(&sb, site_stack(w, &from->life, from->sent_site));
	}
	add_line(w->to, "received", &sb);
}

const struct life *last_user(const struct socket *s)
{
	if (s->before && !(s->touched->r.flags & REC_LIFE_TOUCHED))
		return s->before;
	return s->touched;
}

static void say_last_touch(struct witness *w)
{
	const struct life *l = last_user(w->socket);
	struct strbuf sb = STRBUF_INIT;

	if (socket_is_listener(w->socket))
		return;
	if (!(l->r.flags & REC_LIFE_TOUCHED) || !l->r.touch_pc) {
		strbuf_addstr(&sb, "none since it was opened");
	} else {
		bool unseen = l->r.touch_call == REC_CALL_FDOPEN;

		strbuf_addf(&sb, unseen ? "through a FILE (%s in " : "%s() in ",
			    call_name(l->r.touch_call));
		add_place(&sb, stack_own_frame(
				       symbolizer_pc(w->sy, l->process, l->r.site, l->r.touch_pc)));
		strbuf_addf(&sb, "%s by thread %u, ", unseen ? ")" : "", l->r.touch_tid);
		add_age(&sb, l->r.touch_ns, clock_of(w, l));
		if (unseen)
			strbuf_addstr(&sb, ": what was read and written since was not seen");
	}
	add_line(w->to, "last use", &sb);
}

static void say_eof(struct witness *w)
{
	const struct whole_life *f = socket_facts(w->socket);
	const struct life *l = w->socket->eof;
	struct strbuf sb = STRBUF_INIT;

	if (l) {
		strbuf_addstr(&sb, "read in ");
		add_place_and_caller(&sb, site_stack(w, l, l->r.eof_site));
		strbuf_addf(&sb, " by thread %u, ", l->r.eof_tid);
		add_age(&sb, l->r.eof_ns, clock_of(w, l));
	} else if (f && f->kernel_eof_unread) {
		strbuf_addstr(&sb, "lies unread in the kernel");
	}
	add_line(w->to, "EOF", &sb);
}

static void add_events(struct strbuf *sb, uint32_t events)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {{EPOLLIN, "EPOLLIN"},
		     {EPOLLOUT, "EPOLLOUT"},
		     {EPOLLRDHUP, "EPOLLRDHUP"},
		     {EPOLLET, "EPOLLET"},
		     {EPOLLONESHOT, "EPOLLONESHOT"}};
	const char *separator = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(events & names[i].bit))
			continue;
		strbuf_addf(sb, "%s%s", separator, names[i].name);
		separator = "|";
	}
}

/* Said of the descriptor that was used last: others may be duplicates, in no set of their own. */
static void say_who_waits(struct witness *w)
{
	const struct whole_life *r = &w->socket->touched->r;
	struct strbuf sb = STRBUF_INIT;

	switch (socket_attendance(w->socket)) {
	case ATTENDED_NOT:
		strbuf_addstr(&sb, r->flags & REC_LIFE_FIRED
					   ? "nobody: its EPOLLONESHOT was used up and not renewed"
					   : "nobody");
		break;
	case ATTENDED_BY_CALL:
		strbuf_addstr(&sb, "a thread, inside a call");
		break;
	case ATTENDED_BY_POLL:
		strbuf_addstr(&sb, "a loop of poll() or select()");
		break;
	case ATTENDED_BY_EPOLL:
		strbuf_addf(&sb, "epoll set %d (", r->epoll_fd);
		add_events(&sb, r->epoll_events);
		strbuf_addstr(&sb, ")");
		break;
	case ATTENDED_UNSEEN:
		strbuf_addstr(&sb, "not known: its process waits where socklint cannot see it");
	}
	add_line(w->to, "who waits", &sb);
}

/* A read that returned 0 says the same, and more: then this need not be said. */
static void say_told(struct witness *w)
{
	const struct life *l = w->socket->told;
	struct strbuf sb = STRBUF_INIT;

	if (l && !w->socket->eof) {
		strbuf_addstr(&sb, "by poll or epoll_wait that the peer is gone, in ");
		add_place_and_caller(&sb, site_stack(w, l, l->r.told_site));
		strbuf_addstr(&sb, ", ");
		add_age(&sb, l->r.told_ns, l->process);
	}
	add_line(w->to, "told", &sb);
}

static void say_reset(struct witness *w)
{
	const struct life *l = w->socket->reset;
	struct strbuf sb = STRBUF_INIT;

	if (l) {
		strbuf_addstr(&sb, "seen in ");
		add_place_and_caller(&sb, site_stack(w, l, l->r.reset_site));
		strbuf_addf(&sb, " (%s), ",
			    strerrorname_np((int)l->r.reset_errno)
				    ? strerrorname_np((int)l->r.reset_errno)
				    : "unknown error");
		add_age(&sb, l->r.reset_ns, clock_of(w, l));
	}
	add_line(w->to, "reset", &sb);
}

const struct life *who_shut_down(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l && !l->r.shut_ns; l = l->next_holder)
		;
	return l;
}

static void say_shutdown(struct witness *w)
{
	const struct life *l = who_shut_down(w->socket);
	struct strbuf sb = STRBUF_INIT;

	if (l) {
		strbuf_addstr(&sb, "in ");
		add_place_and_caller(&sb, site_stack(w, l, l->r.shut_site));
		strbuf_addstr(&sb, ", ");
		add_age(&sb, l->r.shut_ns, l->process);
	}
	add_line(w->to, "shutdown", &sb);
}

static void say_closing(struct witness *w)
{
	struct strbuf closed = STRBUF_INIT, holder = STRBUF_INIT;

	add_closing(&closed, w->socket, w->sy);
	add_line(w->to, "closed", &closed);
	add_idle_holder(&holder, w->socket);
	add_line(w->to, "held by", &holder);
}

static void say_holders(struct witness *w)
{
	const struct life *l;
	struct strbuf sb = STRBUF_INIT;

	for (l = w->socket->holders; l; l = l->next_holder) {
		if (l == w->socket->birth)
			continue;
		strbuf_addf(&sb, "%sfd %d of ", sb.len ? ", " : "", l->fd);
		add_process(&sb, l->process);
	}
	add_line(w->to, "also held by", &sb);
}

void evidence_story(struct witness *w)
{
	say_birth(w);
	say_passed_on(w);
	say_received(w);
	say_last_touch(w);
	say_eof(w);
	say_who_waits(w);
	evidence_loop(w);
	say_told(w);
	say_reset(w);
	say_shutdown(w);
	say_closing(w);
	say_holders(w);
}
