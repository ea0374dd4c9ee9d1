/* SPDX-License-Identifier: MIT */
#include "evidence_closed.h"

#include "describe.h"
#include "evidence_parts.h"

void add_closing(struct strbuf *sb, const struct socket *s, struct symbolizer *sy)
{
	const struct closing *c = &s->closed;

	if (!c->process)
		return;
	strbuf_addstr(sb, "by ");
	add_process(sb, c->process);
	if (c->site) {
		strbuf_addstr(sb, " in ");
		add_place_and_caller(sb, symbolizer_site(sy, c->process, c->site));
	}
	if (c->ns) {
		strbuf_addstr(sb, ", ");
		add_age(sb, c->ns, s->birth->process);
	}
}

/* The holder that came by it without doing anything, and does nothing with it. */
static const struct life *idle_holder(const struct socket *s)
{
	const struct life *l;

	if (s->closed.process && (s->birth->r.flags & REC_LIFE_INHERITED))
		return s->birth;
	for (l = s->holders; l && !(l->r.flags & REC_LIFE_AT_START); l = l->next_holder)
		;
	return l && l != socket_opened(s) ? l : NULL;
}

void add_idle_holder(struct strbuf *sb, const struct socket *s)
{
	const struct life *l = idle_holder(s);

	if (!l)
		return;
	add_process(sb, l->process);
	strbuf_addstr(sb, l->r.flags & REC_LIFE_AT_START ? ", started by exec " : ", forked ");
	add_age(sb, l->process->rec->header->start_ns, l->process);
	if (!(l->r.flags & REC_LIFE_TOUCHED))
		strbuf_addstr(sb, "; it never used this socket");
}
