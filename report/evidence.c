/* SPDX-License-Identifier: MIT */
/*
 * The evidence of one group of findings, in words. What is said of "it" is said of the oldest.
 */
#include "evidence_witness.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "connection.h"
#include "describe.h"
#include "evidence_parts.h"
#include "evidence_siblings.h"

#define SAMPLES 3

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

static void add_accept_queue(struct strbuf *sb, const struct whole_life *f)
{
	strbuf_addstr(sb, ", ");
	text_add_count(sb, f->kernel_unread, "connection");
	strbuf_addf(sb, " in its queue");
	if (f->kernel_unsent)
		strbuf_addf(sb, ", of %" PRIu32 " at most", f->kernel_unsent);
}

static void add_queues(struct strbuf *sb, const struct whole_life *f)
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
	evidence_story(&w);
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
