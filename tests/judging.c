/* SPDX-License-Identifier: MIT */
#include "judging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>

#include <cmocka.h>

int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->dir = forge_directory();
	x->forge = forge_new(100);
	x->site = forge_site(x->forge, 0x1010);
	*state = x;
	return 0;
}

int teardown(void **state)
{
	struct fixture *x = *state;

	remarks_release(&x->remarks);
	findings_release(&x->f);
	symbolizer_free(x->sy);
	history_release(&x->h);
	collection_release(&x->c);
	forge_remove(x->dir);
	forge_free(x->forge);
	free(x);
	return 0;
}

void judge_all(struct fixture *x)
{
	free(forge_write(x->forge, x->dir, "100.0.socklint"));
	collection_add(&x->c, x->dir);
	history_read(&x->h, &x->c);
	if (x->policy)
		history_set_policy(&x->h, x->policy);
	if (x->read_ns) {
		x->c.items[0]->read_ns = x->read_ns;
		x->h.processes[0].end = PROCESS_RUNNING;
	}
	history_join(&x->h);
	x->sy = symbolizer_new();
	findings_make(&x->f, &x->h, x->sy);
}

const struct finding *find(struct fixture *x, int fd)
{
	size_t i;

	for (i = 0; i < x->f.nr; i++)
		if (x->f.all[i].judged.socket->birth->fd == fd)
			return &x->f.all[i];
	fail_msg("no socket with descriptor %d", fd);
	return NULL;
}

void expect_fault(struct fixture *x, int fd, const char *rule, enum proof_kind proof)
{
	const struct finding *f = find(x, fd);

	assert_non_null(f->judged.rule);
	assert_string_equal(f->judged.rule->id, rule);
	if (f->judged.verdict.reason != OPEN_NONE)
		fail_msg("fd %d is open: %s", fd, open_reason_text(f->judged.verdict.reason));
	assert_int_equal(f->judged.verdict.proof.kind, proof);
}

void expect_open(struct fixture *x, int fd, enum open_reason reason)
{
	const struct finding *f = find(x, fd);

	if (f->judged.verdict.reason != reason)
		fail_msg("fd %d: \"%s\", not \"%s\"", fd,
			 open_reason_text(f->judged.verdict.reason), open_reason_text(reason));
}

struct rec_progress *served_at(struct fixture *x, uint32_t tid, double at)
{
	struct rec_progress *p = forge_progress(x->forge, tid, x->site);

	p->newest_born_ns = FORGE_S(at);
	p->newest_touch_ns = FORGE_S(at);
	p->newest_touch_seq = (uint32_t)(at * 10) + 5;
	p->served = 17;
	return p;
}

struct whole_life *ignored(struct fixture *x, int fd, double born)
{
	struct whole_life *l = forge_accepted(x->forge, fd, x->site, born);

	forge_facts(l, TCP_CLOSE_WAIT, FORGE_END - born - 10);
	forge_eof(l, born + 10);
	return l;
}

struct whole_life *unread(struct fixture *x, int fd, double born)
{
	struct whole_life *l = forge_accepted(x->forge, fd, x->site, born);

	forge_facts(l, TCP_CLOSE_WAIT, FORGE_END - born - 10);
	return l;
}
