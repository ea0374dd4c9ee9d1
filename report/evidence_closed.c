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

void add_child(struct strbuf *sb, const struct socket *s)
{
	const struct life *l = s->birth;

	if (!s->closed.process || !(l->r.flags & REC_LIFE_INHERITED))
		return;
	add_process(sb, l->process);
	strbuf_addstr(sb, ", forked ");
	add_age(sb, l->process->rec->header->start_ns, l->process);
	if (!(l->r.flags & REC_LIFE_TOUCHED))
		strbuf_addstr(sb, "; it never used this socket");
}
