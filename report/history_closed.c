/* SPDX-License-Identifier: MIT */
/*
 * Who opened a socket and has closed his own descriptor of it, while others still hold the socket:
 * a child that inherited it, a duplicate, a receiver. Asked of the slots of closed descriptors,
 * which keep the last life that was in them.
 */
#include "history.h"

#include <stdlib.h>

#include "alloc.h"

struct slot {
	const struct process *process;
	int fd;
	const struct whole_life *r;
};

/* What processes had in their descriptors last, and did not inherit. */
struct slots {
	struct slot *by_fd, *by_id;
	size_t nr;
};

static int cmp_fd(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static int cmp_id(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->r->id < y->r->id ? -1 : x->r->id > y->r->id;
}

static void take_slots(struct slots *to, const struct process *p)
{
	size_t i;

	for (i = 0; i < p->rec->nr_lives && p->end != PROCESS_REPLACED; i++) {
		const struct recorded_life *from = &p->rec->lives[i];

		if (from->life->seq && !(from->life->flags & REC_LIFE_INHERITED))
			to->by_fd[to->nr++] = (struct slot){p, from->fd, from->life};
	}
}

static struct slots slots_make(const struct history *h)
{
	struct slots s = {NULL, NULL, 0};
	size_t i, room = 0;

	for (i = 0; i < h->nr_processes; i++)
		room += h->processes[i].rec->nr_lives;
	s.by_fd = xcalloc(room, sizeof(*s.by_fd));
	s.by_id = xcalloc(room, sizeof(*s.by_id));
	for (i = 0; i < h->nr_processes; i++)
		take_slots(&s, &h->processes[i]);
	for (i = 0; i < s.nr; i++)
		s.by_id[i] = s.by_fd[i];
	sort_array(s.by_fd, s.nr, sizeof(*s.by_fd), cmp_fd);
	sort_array(s.by_id, s.nr, sizeof(*s.by_id), cmp_id);
	return s;
}

/* The first that is not before the key. */
static size_t find_first(const struct slot *slots, size_t nr, const struct slot *key,
			 int cmp(const void *, const void *))
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp(&slots[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_closed(const struct slot *slot)
{
	return !(slot->r->seq & 1);
}

static struct closing closing_of(const struct slot *slot)
{
	return (struct closing){slot->process, slot->r->close_site, slot->r->close_ns};
}

static bool is_parent(const struct process *p, const struct life *l)
{
	return p->pid == l->process->rec->header->parent_pid &&
	       p->rec->header->start_ns <= l->r.born_ns;
}

/*
 * A child's life is a copy of its parent's. Where the parent's slot holds a younger one, the
 * parent has closed this one, nobody knows when.
 */
static struct closing closed_by_opener(const struct slots *slots, const struct life *l)
{
	const struct slot key = {NULL, l->fd, NULL};
	struct closing found = {NULL, 0, 0};
	size_t i;

	for (i = find_first(slots->by_fd, slots->nr, &key, cmp_fd);
	     i < slots->nr && slots->by_fd[i].fd == l->fd; i++) {
		const struct slot *slot = &slots->by_fd[i];

		if (is_closed(slot) && slot->r->born_ns == l->r.born_ns &&
		    slot->r->born_tid == l->r.born_tid)
			return closing_of(slot);
		if (is_parent(slot->process, l) && slot->r->born_ns > l->r.born_ns)
			found.process = slot->process;
	}
	return found;
}

/* The descriptor that was the socket's first in the process that sent it. */
static struct closing closed_by_first(const struct slots *slots, const struct process *p,
				      uint64_t id)
{
	const uint32_t later = REC_LIFE_COPY | REC_LIFE_RECEIVED;
	const struct whole_life wanted = {.id = id};
	const struct slot key = {p, 0, &wanted};
	size_t i;

	for (i = find_first(slots->by_id, slots->nr, &key, cmp_id);
	     i < slots->nr && !cmp_id(&slots->by_id[i], &key); i++)
		if (is_closed(&slots->by_id[i]) && !(slots->by_id[i].r->flags & later))
			return closing_of(&slots->by_id[i]);
	return (struct closing){NULL, 0, 0};
}

/* The holder that is nearest to the birth did not open it: so nobody does who holds it. */
static struct closing find_closing(const struct slots *slots, const struct socket *s)
{
	const struct life *l = s->birth;
	struct closing found = {NULL, 0, 0};

	if (l->r.flags & REC_LIFE_RECEIVED) {
		if (s->sent)
			found = closed_by_first(slots, s->sent->life.process, s->sent->life.r.id);
		if (s->sent && !found.process) /* and its slot was used again */
			found.process = s->sent->life.process;
		return found;
	}
	if (l->r.flags & REC_LIFE_INHERITED)
		return closed_by_opener(slots, l);
	if (l->r.flags & REC_LIFE_FIRST_CLOSED)
		return (struct closing){l->process, l->r.close_site, l->r.close_ns};
	return found;
}

static bool has_other_holders(const struct history *h)
{
	const uint32_t others = REC_LIFE_INHERITED | REC_LIFE_FIRST_CLOSED | REC_LIFE_RECEIVED;
	size_t i;

	for (i = 0; i < h->nr_sockets && !(h->sockets[i].birth->r.flags & others); i++)
		;
	return i < h->nr_sockets;
}

void closings_join(struct history *h)
{
	struct slots slots;
	size_t i;

	if (!has_other_holders(h))
		return;
	slots = slots_make(h);
	for (i = 0; i < h->nr_sockets; i++)
		h->sockets[i].closed = find_closing(&slots, &h->sockets[i]);
	free(slots.by_fd);
	free(slots.by_id);
}
