/* SPDX-License-Identifier: MIT */
/* What state a socket's TCP connection is in and since when. */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

bool socket_is_tcp(const struct socket *s)
{
	const struct rec_life *r = &s->birth->r;

	return (r->family == AF_INET || r->family == AF_INET6) && r->type == SOCK_STREAM &&
	       (r->protocol == 0 || r->protocol == IPPROTO_TCP);
}

bool socket_is_listener(const struct socket *s)
{
	return s->flags & REC_LIFE_LISTENING;
}

bool socket_is_client(const struct socket *s)
{
	return s->flags & (REC_LIFE_CONNECTED | REC_LIFE_CONNECT_FAILED);
}

bool socket_eof_was_read(const struct socket *s)
{
	const struct rec_life *eof;

	if (!s->eof)
		return false;
	eof = &s->eof->r;
	return !(s->flags & REC_LIFE_SHUT_RD) || (eof->shut_ns && eof->eof_ns < eof->shut_ns);
}

static bool facts_are_newest(const struct socket *s)
{
	const struct rec_life *f = &s->facts->r;

	return !(s->eof && s->eof->r.eof_ns > f->facts_ns) &&
	       !(s->reset && s->reset->r.reset_ns > f->facts_ns);
}

const struct rec_life *socket_facts(const struct socket *s)
{
	if (!s->facts || !s->facts->r.kernel_tcp_state || !facts_are_newest(s))
		return NULL;
	return &s->facts->r;
}

unsigned int socket_tcp_state(const struct socket *s)
{
	const struct rec_life *f = socket_facts(s);

	return f ? f->kernel_tcp_state : 0;
}

uint64_t socket_fin_ns(const struct socket *s)
{
	const struct rec_life *f = socket_facts(s);
	uint64_t fin = 0, age;

	if (socket_eof_was_read(s))
		fin = s->eof->r.eof_ns;
	if (!f || f->kernel_tcp_state != TCP_CLOSE_WAIT)
		return fin;
	age = f->kernel_last_ack_ms * NS_PER_MS;
	if (age < f->facts_ns && (!fin || f->facts_ns - age < fin))
		fin = f->facts_ns - age;
	return fin;
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
