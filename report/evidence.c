/* SPDX-License-Identifier: MIT */
/*
 * The evidence of one group of findings, in words. What is said of "it" is said of the oldest.
 */
#include "evidence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "connection.h"
#include "describe.h"

#define SAMPLES 3

struct witness {
	struct report_finding *to;
	const struct finding_group *group;
	const struct finding *oldest;
	const struct socket *socket; /* the oldest */
	struct symbolizer *sy;
};

/* Takes over what sb holds; nothing if it is empty. */
static void add_line(struct report_finding *to, const char *label, struct strbuf *sb)
{
	struct report_line *line;

	if (!sb->len)
		return;
	ALLOC_GROW(to->lines, to->nr_lines + 1, to->alloc_lines);
	line = &to->lines[to->nr_lines++];
	line->label = xstrdup(label);
	line->text = strbuf_detach(sb);
}

static const struct stack *site_stack(struct witness *w, const struct life *l, uint32_t site)
{
	return symbolizer_site(w->sy, l->process, site);
}

/* "read_line (example.h:83), called from serve (server.c:49)" */
static void add_place_and_caller(struct strbuf *sb, const struct stack *st)
{
	const struct frame *own = stack_own_frame(st);

	add_place(sb, own);
	if (!own || own + 1 == st->frames + st->nr || own[1].runtime ||
	    (!own[1].module && !own[1].jit))
		return;
	strbuf_addstr(sb, ", called from ");
	add_place(sb, own + 1);
}

static void say_since(struct witness *w)
{
	const struct process *p = w->socket->birth->process;
	uint64_t since = w->oldest->judged.verdict.since_ns;
	struct strbuf sb = STRBUF_INIT;

	if (!since)
		return;
	if (w->oldest->judged.rule->nr == RULE_close_wait) {
		strbuf_addstr(&sb, "the peer sent its FIN ");
		add_age(&sb, since, p);
	} else {
		strbuf_addstr(&sb, "not used for ");
		text_add_duration(&sb, p->now_ns > since ? p->now_ns - since : 0);
	}
	if (w->group->nr > 1)
		strbuf_addstr(&sb, " (the oldest)");
	add_line(w->to, "since", &sb);
}

static void add_queues(struct strbuf *sb, const struct rec_life *f)
{
	if (!f)
		return;
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
	const struct life *l = w->socket->birth;
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "by %s() in thread %u, ", call_name(l->r.born_by), l->r.born_tid);
	add_age(&sb, l->r.born_ns, l->process);
	add_line(w->to, "opened", &sb);
}

static void say_last_touch(struct witness *w)
{
	const struct life *l = w->socket->touched;
	struct strbuf sb = STRBUF_INIT;

	if (!(l->r.flags & REC_LIFE_TOUCHED) || !l->r.touch_pc) {
		strbuf_addstr(&sb, "none since it was opened");
	} else {
		strbuf_addf(&sb, "%s() in ", call_name(l->r.touch_call));
		add_place(&sb, stack_own_frame(
				       symbolizer_pc(w->sy, l->process, l->r.site, l->r.touch_pc)));
		strbuf_addf(&sb, " by thread %u, ", l->r.touch_tid);
		add_age(&sb, l->r.touch_ns, l->process);
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
		add_age(&sb, l->r.eof_ns, l->process);
	} else if (f && f->kernel_eof_unread) {
		strbuf_addstr(&sb, "lies unread in the kernel");
	}
	add_line(w->to, "EOF", &sb);
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
		add_age(&sb, l->r.reset_ns, l->process);
	}
	add_line(w->to, "reset", &sb);
}

static void say_shutdown(struct witness *w)
{
	const struct life *l;
	struct strbuf sb = STRBUF_INIT;

	for (l = w->socket->holders; l && !l->r.shut_ns; l = l->next_holder)
		;
	if (l) {
		strbuf_addstr(&sb, "in ");
		add_place_and_caller(&sb, site_stack(w, l, l->r.shut_site));
		strbuf_addstr(&sb, ", ");
		add_age(&sb, l->r.shut_ns, l->process);
	}
	add_line(w->to, "shutdown", &sb);
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
		strbuf_addstr(&sb, "TCP state and queues: killed before the kernel could be asked");
	else if (!socket_facts(w->socket))
		strbuf_addstr(&sb, "TCP state and queues: the kernel was not asked");
	add_line(w->to, "missing", &sb);
}

static void advise(struct witness *w)
{
	const struct life *l = w->socket->touched;
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
	w->to->advice = strbuf_detach(&sb);
}

/* ---- stacks ------------------------------------------------------------------------------ */

static void add_report_frame(struct report_stack *to, const struct frame *f)
{
	struct report_frame *frame;

	ALLOC_GROW(to->frames, to->nr + 1, to->alloc);
	frame = &to->frames[to->nr++];
	frame->function = xstrdup(f->function ? f->function : "???");
	frame->where = describe_where(f);
	frame->inlined = f->inlined;
	frame->jit = f->jit;
	frame->runtime = f->runtime;
}

static void add_stack(struct witness *w, const char *label, const struct stack *from)
{
	struct report_stack *to;
	size_t i;

	ALLOC_GROW(w->to->stacks, w->to->nr_stacks + 1, w->to->alloc_stacks);
	to = &w->to->stacks[w->to->nr_stacks++];
	*to = (struct report_stack){xstrdup(label), NULL, 0, 0, NULL};
	for (i = 0; i < from->nr; i++)
		add_report_frame(to, &from->frames[i]);
	if (!from->nr)
		to->note = xstrdup("no stack was taken");
	else if (from->caller_only)
		to->note = xstrdup("the caller alone: it could not be unwound here");
	else if (from->truncated)
		to->note = xstrdup("deeper frames were not kept");
}

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

/* One bug often has several full stacks: they nest below the function that opened. */
static void add_birth_stacks(struct witness *w)
{
	const struct stack *seen[SAMPLES];
	size_t i, nr = 0;

	for (i = 0; i < w->group->nr && nr < SAMPLES; i++) {
		const struct life *l = w->group->members[i].judged.socket->birth;
		const struct stack *st = site_stack(w, l, l->r.site);

		if (!is_new_stack(seen, nr, st))
			continue;
		add_stack(w, nr ? "also opened at" : "opened at", st);
		seen[nr++] = st;
	}
}

void evidence_fill(struct report_finding *to, const struct finding_group *g, struct symbolizer *sy)
{
	struct witness w = {to, g, g->members, g->members->judged.socket, sy};
	const struct life *eof = w.socket->eof;

	say_since(&w);
	say_sockets(&w);
	say_birth(&w);
	say_last_touch(&w);
	say_eof(&w);
	say_reset(&w);
	say_shutdown(&w);
	say_holders(&w);
	say_proof(&w);
	say_what_is_missing(&w);
	advise(&w);
	add_birth_stacks(&w);
	if (eof)
		add_stack(&w, "EOF read at", site_stack(&w, eof, eof->r.eof_site));
}
