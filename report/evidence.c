/* SPDX-License-Identifier: MIT */
/*
 * The evidence of one group of findings, in words. What is said of "it" is said of the oldest.
 */
#include "evidence.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "alloc.h"
#include "attendance.h"
#include "connection.h"
#include "describe.h"
#include "evidence_closed.h"
#include "evidence_parts.h"
#include "evidence_siblings.h"

#define SAMPLES 3

struct witness {
	struct report_finding *to;
	const struct finding_group *group;
	const struct finding *oldest;
	const struct socket *socket; /* the oldest */
	struct symbolizer *sy;
};

static const struct stack *site_stack(struct witness *w, const struct life *l, uint32_t site)
{
	return symbolizer_site(w->sy, l->process, site);
}

/* An image that exec replaced is no clock: what became of it goes by the holder's. */
static const struct process *clock_of(struct witness *w, const struct life *l)
{
	const struct origin *opened = w->socket->opened;
	bool passed = l->process->end == PROCESS_REPLACED || (opened && l == &opened->life);

	return passed ? w->socket->birth->process : l->process;
}

static void say_since(struct witness *w)
{
	const struct process *p = w->socket->birth->process;
	uint64_t since = w->oldest->judged.verdict.since_ns;
	struct strbuf sb = STRBUF_INIT;

	if (!since)
		return;
	if (w->oldest->judged.verdict.which->since) {
		strbuf_addf(&sb, "%s ", w->oldest->judged.verdict.which->since);
		add_age(&sb, since, p);
	} else {
		strbuf_addstr(&sb, "not used for ");
		text_add_duration(&sb, p->now_ns > since ? p->now_ns - since : 0);
	}
	if (w->group->nr > 1)
		strbuf_addstr(&sb, " (the oldest)");
	add_line(w->to, "since", &sb);
}

static void add_accept_queue(struct strbuf *sb, const struct rec_life *f)
{
	strbuf_addstr(sb, ", ");
	text_add_count(sb, f->kernel_unread, "connection");
	strbuf_addf(sb, " in its queue");
	if (f->kernel_unsent)
		strbuf_addf(sb, ", of %" PRIu32 " at most", f->kernel_unsent);
}

static void add_queues(struct strbuf *sb, const struct rec_life *f)
{
	if (!f)
		return;
	if (f->kernel_tcp_state == TCP_LISTEN) {
		add_accept_queue(sb, f);
		return;
	}
	if (f->kernel_unread) {
		strbuf_addstr(sb, ", ");
		text_add_count(sb, f->kernel_unread, "byte");
		strbuf_addstr(sb, " unread");
	}
	if (f->kernel_unsent) {
		strbuf_addstr(sb, ", ");
		text_add_count(sb, f->kernel_unsent, "byte");
		strbuf_addstr(sb, " unsent");
	}
}

static void add_end(struct strbuf *sb, const char *label, const struct rec_addr *a)
{
	if (!a->family)
		return;
	strbuf_addstr(sb, label);
	add_address(sb, a);
}

static void say_socket(struct witness *w, const struct socket *s, const char *label)
{
	const struct life *l = s->birth;
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "fd %d of ", l->fd);
	add_process(&sb, l->process);
	add_end(&sb, ", peer ", &l->r.peer);
	add_end(&sb, ", local ", &l->r.local);
	add_queues(&sb, socket_facts(s));
	add_line(w->to, label, &sb);
}

static void say_sockets(struct witness *w)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	for (i = 0; i < w->group->nr && i < SAMPLES; i++)
		say_socket(w, w->group->members[i].judged.socket, i ? "" : "sockets");
	if (w->group->nr > SAMPLES)
		strbuf_addf(&sb, "and %zu more", w->group->nr - SAMPLES);
	add_line(w->to, "", &sb);
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

static const struct life *receiver_of(const struct socket *s)
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

static const struct life *last_user(const struct socket *s)
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
	const struct rec_life *f = socket_facts(w->socket);
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
	const struct rec_life *r = &w->socket->touched->r;
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

static const struct life *who_shut_down(const struct socket *s)
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

static void add_served(struct strbuf *sb, const struct proof *p)
{
	if (p->served > 1)
		strbuf_addf(sb, " (%u in all)", p->served);
}

static void say_proof(struct witness *w)
{
	const struct proof *p = &w->oldest->judged.verdict.proof;
	struct strbuf sb = STRBUF_INIT;

	switch (p->kind) {
	case PROOF_NONE:
		break;
	case PROOF_TOUCHER_ENDED:
		strbuf_addf(&sb, "thread %u, the last to use it, has ended", p->tid);
		break;
	case PROOF_THREAD_MOVED_ON:
		strbuf_addf(&sb, "thread %u has since %s younger sockets of this place", p->tid,
			    p->served ? "served" : "opened");
		add_served(&sb, p);
		break;
	case PROOF_OVERTAKEN:
		strbuf_addstr(&sb, "a younger socket of this place was served and closed since");
		if (p->tid)
			strbuf_addf(&sb, " by thread %u", p->tid);
		break;
	case PROOF_REPLACED:
		strbuf_addstr(&sb, "this place has opened a new one since the FIN arrived");
		break;
	case PROOF_SERIES:
		strbuf_addstr(&sb, "it ends a series of leaks of this place");
	}
	add_line(w->to, "proof", &sb);
}

static void say_what_is_missing(struct witness *w)
{
	struct strbuf sb = STRBUF_INIT;

	if (!socket_facts(w->socket) && w->socket->birth->process->end == PROCESS_KILLED)
		strbuf_addstr(&sb, "TCP state and queues: ended before the kernel could be asked");
	else if (!socket_facts(w->socket))
		strbuf_addstr(&sb, "TCP state and queues: the kernel was not asked");
	add_line(w->to, "missing", &sb);
}

/* Those of a listener are no connections, or are not its siblings. */
static void say_siblings(struct witness *w)
{
	struct strbuf sb = STRBUF_INIT;

	if (socket_is_listener(w->socket))
		return;
	add_siblings(&sb, siblings_of(w->socket->birth), w->sy);
	add_line(w->to, "siblings", &sb);
}

static void advise(struct witness *w)
{
	const struct life *l = last_user(w->socket);
	const struct stack *closer = NULL;
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, w->oldest->judged.verdict.which->advice);
	if (w->socket->eof) {
		strbuf_addstr(&sb, ": the EOF was read in ");
		add_place_and_caller(&sb,
				     site_stack(w, w->socket->eof, w->socket->eof->r.eof_site));
	} else if (l->r.touch_pc) {
		strbuf_addstr(&sb, ": it was last used in ");
		add_place(&sb, stack_own_frame(
				       symbolizer_pc(w->sy, l->process, l->r.site, l->r.touch_pc)));
	}
	if (!socket_is_listener(w->socket))
		closer = siblings_stack(siblings_of(w->socket->birth), w->sy);
	if (closer) {
		strbuf_addstr(&sb, "; its siblings are closed in ");
		add_place(&sb, stack_own_frame(closer));
	}
	w->to->advice = strbuf_detach(&sb);
}

/* ---- stacks ------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* As it would be printed: an unrolled loop calls from several addresses of one line. */
static bool looks_same(const struct stack *a, const struct stack *b)
{
	size_t i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++) {
		const struct frame *x = &a->frames[i], *y = &b->frames[i];

		if (x->line != y->line || !same_text(x->function, y->function) ||
		    !same_text(x->file, y->file) || (!x->line && x->offset != y->offset))
			return false;
	}
	return true;
}

static bool is_new_stack(const struct stack **seen, size_t nr, const struct stack *st)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (looks_same(seen[i], st))
			return false;
	return true;
}

/* Of the stack added last. */
static void thread_was(struct witness *w, uint32_t tid)
{
	w->to->stacks[w->to->nr_stacks - 1].thread = tid;
}

/* One bug often has several full stacks: they nest below the function that opened. */
static void add_birth_stacks(struct witness *w)
{
	const struct stack *seen[SAMPLES];
	size_t i, nr = 0;

	for (i = 0; i < w->group->nr && nr < SAMPLES; i++) {
		const struct life *l = socket_opened(w->group->members[i].judged.socket);
		const struct stack *st = site_stack(w, l, l->r.site);

		if (!is_new_stack(seen, nr, st))
			continue;
		add_stack(w->to, nr ? STACK_ALSO_OPENED : STACK_OPENED,
			  nr ? "also opened at" : "opened at", st);
		thread_was(w, l->r.born_tid);
		seen[nr++] = st;
	}
}

/* What the lines say in words; formats that link places to code want them whole. */
static void add_told_stacks(struct witness *w)
{
	const struct life *l = last_user(w->socket);
	const struct life *shut = who_shut_down(w->socket);
	const struct stack *closed;

	if (socket_is_listener(w->socket))
		return;
	closed = siblings_stack(siblings_of(w->socket->birth), w->sy);
	if ((l->r.flags & REC_LIFE_TOUCHED) && l->r.touch_pc) {
		add_stack(w->to, STACK_LAST_USE, "last used at",
			  symbolizer_pc(w->sy, l->process, l->r.site, l->r.touch_pc));
		thread_was(w, l->r.touch_tid);
	}
	if (shut)
		add_stack(w->to, STACK_SHUTDOWN, "shut down at",
			  site_stack(w, shut, shut->r.shut_site));
	if (closed)
		add_stack(w->to, STACK_SIBLINGS_CLOSED, "siblings closed at", closed);
}

static void state_numbers(struct witness *w)
{
	const struct process *p = w->socket->birth->process;
	const struct verdict *v = &w->oldest->judged.verdict;

	w->to->proof = proof_name(v->proof.kind);
	w->to->since_at = process_real_ns(p, v->since_ns);
	if (v->since_ns && v->since_ns < p->now_ns)
		w->to->since_ns = p->now_ns - v->since_ns;
}

void evidence_fill(struct report_finding *to, const struct finding_group *g, struct symbolizer *sy)
{
	struct witness w = {to, g, g->members, g->members->judged.socket, sy};
	const struct life *eof = w.socket->eof, *receiver = receiver_of(w.socket);

	say_since(&w);
	say_sockets(&w);
	say_birth(&w);
	say_passed_on(&w);
	say_received(&w);
	say_last_touch(&w);
	say_eof(&w);
	say_who_waits(&w);
	say_told(&w);
	say_reset(&w);
	say_shutdown(&w);
	say_closing(&w);
	say_holders(&w);
	say_proof(&w);
	say_siblings(&w);
	say_what_is_missing(&w);
	advise(&w);
	add_birth_stacks(&w);
	if (receiver && w.socket->opened)
		add_stack(w.to, STACK_RECEIVED, "received at",
			  site_stack(&w, receiver, receiver->r.site));
	if (eof) {
		add_stack(w.to, STACK_EOF, "EOF read at", site_stack(&w, eof, eof->r.eof_site));
		thread_was(&w, eof->r.eof_tid);
	}
	add_told_stacks(&w);
	state_numbers(&w);
}
