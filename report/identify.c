/* SPDX-License-Identifier: MIT */
#include "identify.h"

#include <string.h>

#include "alloc.h"
#include "suppressions.h"

/* Returns whether the id is new to the finding. */
static bool add_id(struct report_finding *to, const struct fingerprint *f, uint64_t nr)
{
	char hex[FINGERPRINT_HEX];
	size_t i;

	fingerprint_hex(f, hex);
	for (i = 0; i < to->nr_ids; i++) {
		if (!strcmp(to->ids[i].id, hex)) {
			to->ids[i].nr += nr;
			return false;
		}
	}
	ALLOC_GROW(to->ids, to->nr_ids + 1, to->alloc_ids);
	memcpy(to->ids[to->nr_ids].id, hex, sizeof(hex));
	to->ids[to->nr_ids++].nr = nr;
	return true;
}

/* One block for each stack that looks different: where two look the same, one suppresses both. */
static void add_suppression(struct report_finding *to, const struct stack *st, struct strbuf *all)
{
	struct strbuf block = STRBUF_INIT;
	char id[FINGERPRINT_SHORT + 1] = "";

	memcpy(id, to->ids[0].id, FINGERPRINT_SHORT);
	suppression_write(&block, to->rule, id, st);
	if (!all->buf || !strstr(all->buf, block.buf))
		strbuf_addstr(all, block.buf);
	strbuf_release(&block);
}

void identify_finding(struct report_finding *to, const struct finding_group *g,
		      struct symbolizer *sy, bool with_suppression)
{
	const struct stack *last = NULL;
	struct strbuf blocks = STRBUF_INIT;
	size_t i;

	for (i = 0; i < g->nr; i++) {
		const struct life *l = socket_opened(g->members[i].judged.socket);
		const struct stack *st = symbolizer_site(sy, l->process, l->r.site);
		struct fingerprint f = fingerprint_of(to->rule, to->subkind);

		fingerprint_add_stack(&f, st);
		add_id(to, &f, 1);
		if (with_suppression && st != last)
			add_suppression(to, st, &blocks);
		last = st;
	}
	if (with_suppression)
		to->suppression = strbuf_detach(&blocks);
}

/* Remarks of several stacks are one if their functions are the same: those alone count. */
void identify_remark(struct report_finding *to, const struct remark *r, struct symbolizer *sy,
		     bool with_suppression)
{
	const struct stack *st = symbolizer_site(sy, r->process, r->site);
	const struct stack *other = symbolizer_site(sy, r->process, r->other_site);
	struct fingerprint f = fingerprint_of(to->rule, to->subkind);
	const struct frame *own = stack_own_frame(st);
	struct stack function = *st;
	struct strbuf block = STRBUF_INIT;

	fingerprint_add_frame(&f, own);
	fingerprint_add_frame(&f, stack_own_frame(other));
	add_id(to, &f, r->nr);
	if (!with_suppression)
		return;
	if (own)
		function.nr = (size_t)(own - st->frames) + 1;
	add_suppression(to, &function, &block);
	to->suppression = strbuf_detach(&block);
}
