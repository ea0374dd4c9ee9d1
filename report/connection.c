/* SPDX-License-Identifier: MIT */
/* What state a socket's TCP connection is in and since when. */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

bool socket_is_tcp(const struct socket *s)
{
	const struct whole_life *r = &s->birth->r;

	return (r->family == AF_INET || r->family == AF_INET6) && r->type == SOCK_STREAM &&
	       (r->protocol == 0 || r->protocol == IPPROTO_TCP);
}

bool socket_is_listener(const struct socket *s)
{
	return s->flags & REC_LIFE_LISTENING;
}

const char *socket_kept_reason(const struct socket *s)
{
	const struct recording *rec = s->kept->process->rec;
	size_t i;

	for (i = 0; i < rec->nr_kept; i++)
		if (rec->kept[i]->id == s->kept->r.id && rec->kept[i]->reason[0])
			return rec->kept[i]->reason;
	return NULL;
}

bool socket_is_client(const struct socket *s)
{
	return s->flags & (REC_LIFE_CONNECTED | REC_LIFE_CONNECT_FAILED);
}

bool socket_eof_was_read(const struct socket *s)
{
	const struct whole_life *eof;

	if (!s->eof)
		return false;
	eof = &s->eof->r;
	return !(s->flags & REC_LIFE_SHUT_RD) || (eof->shut_ns && eof->eof_ns < eof->shut_ns);
}

static bool facts_are_newest(const struct socket *s)
{
	const struct whole_life *f = &s->facts->r;

	return !(s->eof && s->eof->r.eof_ns > f->facts_ns) &&
	       !(s->reset && s->reset->r.reset_ns > f->facts_ns);
}

const struct whole_life *socket_facts(const struct socket *s)
{
	if (!s->facts || !s->facts->r.kernel_tcp_state || !facts_are_newest(s))
		return NULL;
	return &s->facts->r;
}

unsigned int socket_tcp_state(const struct socket *s)
{
	const struct whole_life *f = socket_facts(s);

	return f ? f->kernel_tcp_state : 0;
}

#define STATES(X)                                                                                  \
	X("state not known")                                                                       \
	X("ESTABLISHED")                                                                           \
	X("SYN_SENT")                                                                              \
	X("SYN_RECV")                                                                              \
	X("FIN_WAIT1")                                                                             \
	X("FIN_WAIT2")                                                                             \
	X("TIME_WAIT")                                                                             \
	X("CLOSE")                                                                                 \
	X("CLOSE_WAIT")                                                                            \
	X("LAST_ACK")                                                                              \
	X("LISTEN")                                                                                \
	X("CLOSING")                                                                               \
	X("not TCP")

#define NAME(name)   name,
#define UNSEEN(name) "origin unknown (" name ")",
static const char *const names[] = {STATES(NAME)};
static const char *const unseen[] = {STATES(UNSEEN)};
#undef NAME
#undef UNSEEN

#define NR_STATES (sizeof(names) / sizeof(names[0]))

static size_t state_of(const struct socket *s)
{
	size_t state = socket_is_tcp(s) ? socket_tcp_state(s) : NR_STATES - 1;

	return state < NR_STATES ? state : 0;
}

const char *socket_state_name(const struct socket *s)
{
	return names[state_of(s)];
}

const char *socket_state_unseen(const struct socket *s)
{
	return unseen[state_of(s)];
}

uint64_t socket_fin_ns(const struct socket *s)
{
	const struct whole_life *f = socket_facts(s);
	uint64_t fin = 0, age;

	if (socket_eof_was_read(s))
		fin = s->eof->r.eof_ns;
	if (!f || f->kernel_tcp_state != TCP_CLOSE_WAIT)
		return fin;
	age = f->kernel_last_ack_ms * NS_PER_MS;
	if (age < f->facts_ns && (!fin || f->facts_ns - age < fin))
		fin = f->facts_ns - age;
	/* The kernel counts in ticks, and its answer takes its time. */
	return fin && fin < s->birth->r.born_ns ? s->birth->r.born_ns : fin;
}

uint64_t socket_idle_since_ns(const struct socket *s)
{
	uint64_t ns = s->birth->r.born_ns;
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (l->r.touch_ns > ns)
			ns = l->r.touch_ns;
	if (s->reset && s->reset->r.reset_ns > ns)
		ns = s->reset->r.reset_ns;
	return ns;
}

uint64_t socket_now_ns(const struct socket *s)
{
	return s->birth->process->now_ns;
}

uint64_t socket_judged_ns(const struct socket *s)
{
	const struct process *p = s->birth->process;
	uint64_t stop = process_stop_ns(p);

	if (stop)
		return stop;
	return p->end == PROCESS_RUNNING && p->rec->read_ns < p->now_ns ? p->rec->read_ns
									: p->now_ns;
}
