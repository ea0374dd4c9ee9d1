/* SPDX-License-Identifier: MIT */
/* Of a socket that an event loop has not come to: which thread does not come back, and why. */
#include "evidence_witness.h"

#include "attendance.h"
#include "describe.h"
#include "evidence_parts.h"
#include "rules.h"

/* The socket that the thread is inside a call on, or NULL. */
static const struct recorded_life *blocked_in(const struct process *p, uint32_t tid)
{
	const struct recording *r = p->rec;
	size_t i;

	for (i = 0; i < r->nr_lives; i++) {
		const struct whole_life *l = r->lives[i].life;

		if ((l->seq & 1) && (l->reader_tid == tid || l->writer_tid == tid))
			return &r->lives[i];
	}
	return NULL;
}

static void add_blocked_in(struct strbuf *sb, struct witness *w, const struct process *p,
			   uint32_t tid)
{
	const struct recorded_life *l = blocked_in(p, tid);

	if (!l)
		return;
	strbuf_addf(sb, "; it is inside a call on fd %d, opened in ", l->fd);
	add_place_and_caller(sb, symbolizer_site(w->sy, p, l->life->site));
}

void evidence_loop(struct witness *w)
{
	const struct process *p = w->socket->touched->process;
	const struct rec_poller *loop = socket_loop(w->socket);
	struct strbuf sb = STRBUF_INIT;

	if (w->oldest->judged.rule->nr != RULE_stalled_loop)
		return;
	if (loop && loop->turn_ns) {
		strbuf_addf(&sb, "thread %u came back from its wait ", loop->tid);
		add_age(&sb, loop->turn_ns, p);
		strbuf_addstr(&sb, ", and has not waited since");
		add_blocked_in(&sb, w, p, loop->tid);
	} else {
		strbuf_addstr(&sb, "no thread is known that waits for events of it");
	}
	add_line(w->to, "loop", &sb);
}
