/* SPDX-License-Identifier: MIT */
/*
 * Makes one socket of the descriptors that share it. They are told by
 *
 *	the same id within a recording (dup),
 *	the same kernel cookie in any two recordings (fork, a sent descriptor, exec in a child),
 *	the same birth (instant, thread, number) where one inherited it by fork, since a process
 *	that was killed could not ask for the cookie.
 *
 * Each of the three sorts all lives by one key and joins neighbours; a union-find keeps the sum.
 */
#include "history.h"

#include <stdlib.h>

#include "alloc.h"

struct joint {
	struct life *life;
	size_t parent; /* union-find over the index of the life */
};

struct joiner {
	struct joint *joints; /* by index of the life */
	size_t nr;
};

struct key {
	uint64_t a, b; /* b is 0: the life takes no part */
};

typedef struct key key_fn(const struct life *l);

static struct key key_id(const struct life *l)
{
	return (struct key){(uint64_t)(uintptr_t)l->process, l->r.id};
}

static struct key key_cookie(const struct life *l)
{
	return (struct key){0, l->r.kernel_cookie};
}

static struct key key_birth(const struct life *l)
{
	return (struct key){(uint64_t)l->r.born_tid << 32 | (uint32_t)l->fd, l->r.born_ns};
}

static size_t find_root(struct joiner *j, size_t i)
{
	while (j->joints[i].parent != i) {
		j->joints[i].parent = j->joints[j->joints[i].parent].parent;
		i = j->joints[i].parent;
	}
	return i;
}

/* The earlier life stays the root, so that the order of the input decides nothing else. */
static void join(struct joiner *j, size_t a, size_t b)
{
	a = find_root(j, a);
	b = find_root(j, b);
	if (a < b)
		j->joints[b].parent = a;
	else
		j->joints[a].parent = b;
}

struct keyed {
	struct key key;
	size_t index;
};

static int cmp_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key.a != y->key.a)
		return x->key.a < y->key.a ? -1 : 1;
	if (x->key.b != y->key.b)
		return x->key.b < y->key.b ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool one_is_inherited(const struct joiner *j, size_t a, size_t b)
{
	return ((j->joints[a].life->r.flags | j->joints[b].life->r.flags) & REC_LIFE_INHERITED);
}

static void join_by(struct joiner *j, key_fn *key_of, bool only_inherited)
{
	struct keyed *keyed = xcalloc(j->nr, sizeof(*keyed));
	size_t i;

	for (i = 0; i < j->nr; i++) {
		keyed[i].key = key_of(j->joints[i].life);
		keyed[i].index = i;
	}
	sort_array(keyed, j->nr, sizeof(*keyed), cmp_keyed);
	for (i = 1; i < j->nr; i++) {
		const struct keyed *x = &keyed[i - 1], *y = &keyed[i];

		if (!y->key.b || x->key.a != y->key.a || x->key.b != y->key.b)
			continue;
		if (!only_inherited || one_is_inherited(j, x->index, y->index))
			join(j, x->index, y->index);
	}
	free(keyed);
}

/* ---- what the holders know together ------------------------------------------------------ */

static int strangeness(const struct life *l)
{
	const uint32_t found = REC_LIFE_AT_START | REC_LIFE_RECEIVED;

	return (l->r.flags & REC_LIFE_UNSEEN ? 8 : 0) + (l->r.flags & found ? 4 : 0) +
	       (l->r.flags & REC_LIFE_INHERITED ? 2 : 0) + (l->r.flags & REC_LIFE_COPY ? 1 : 0);
}

static bool is_nearer_birth(const struct life *a, const struct life *b)
{
	if (strangeness(a) != strangeness(b))
		return strangeness(a) < strangeness(b);
	return a->r.born_ns < b->r.born_ns;
}

static bool touched_later(const struct life *a, const struct life *b)
{
	if (a->r.touch_tid == b->r.touch_tid && a->process == b->process)
		return a->r.touch_seq > b->r.touch_seq;
	return a->r.touch_ns > b->r.touch_ns;
}

static void add_holder(struct socket *s, struct life *l)
{
	if (!s->birth || is_nearer_birth(l, s->birth))
		s->birth = l;
	l->next_holder = (struct life *)s->holders;
	s->holders = l;
	s->nr_holders++;
	s->flags |= l->r.flags & ~(uint32_t)(REC_LIFE_TOUCHED | REC_LIFE_TOUCHER_ENDED);
	if (!s->kept && (l->r.flags & REC_LIFE_KEPT))
		s->kept = l;
	if (l->r.write_ns > s->write_ns)
		s->write_ns = l->r.write_ns;
	if ((l->r.flags & REC_LIFE_EOF) && (!s->eof || l->r.eof_ns < s->eof->r.eof_ns))
		s->eof = l;
	if ((l->r.flags & REC_LIFE_TOLD) && (!s->told || l->r.told_ns < s->told->r.told_ns))
		s->told = l;
	if ((l->r.flags & REC_LIFE_RESET) && (!s->reset || l->r.reset_ns < s->reset->r.reset_ns))
		s->reset = l;
	if ((l->r.flags & REC_LIFE_FACTS) && (!s->facts || l->r.facts_ns > s->facts->r.facts_ns))
		s->facts = l;
}

/* Who touched it last, at home and abroad; only that one's state of mind counts. */
static void find_touchers(struct socket *s)
{
	const struct life *l;

	s->touched = s->birth;
	for (l = s->holders; l; l = l->next_holder)
		if (l->process == s->birth->process && touched_later(l, s->touched))
			s->touched = l;
	for (l = s->holders; l; l = l->next_holder)
		if (l->process != s->birth->process && (l->r.flags & REC_LIFE_TOUCHED) &&
		    l->r.touch_ns >= s->touched->r.touch_ns &&
		    (!s->elsewhere || touched_later(l, s->elsewhere)))
			s->elsewhere = l;
	s->flags |= s->touched->r.flags & (REC_LIFE_TOUCHED | REC_LIFE_TOUCHER_ENDED);
}

static void make_sockets(struct history *h, struct joiner *j)
{
	size_t *socket_of = xcalloc(j->nr, sizeof(*socket_of));
	size_t i;

	for (i = 0; i < j->nr; i++) {
		size_t root = find_root(j, i);

		if (root == i)
			socket_of[i] = h->nr_sockets++;
		add_holder(&h->sockets[socket_of[root]], j->joints[i].life);
	}
	for (i = 0; i < h->nr_sockets; i++)
		find_touchers(&h->sockets[i]);
	free(socket_of);
}

void history_join(struct history *h)
{
	struct joiner j = {xcalloc(h->nr_lives, sizeof(*j.joints)), h->nr_lives};
	size_t i;

	h->sockets = xcalloc(h->nr_lives, sizeof(*h->sockets));
	for (i = 0; i < h->nr_lives; i++) {
		j.joints[i].life = &h->lives[i];
		j.joints[i].parent = i;
	}
	join_by(&j, key_id, false);
	join_by(&j, key_cookie, false);
	join_by(&j, key_birth, true);
	make_sockets(h, &j);
	origins_join(h);
	closings_join(h);
	free(j.joints);
}
