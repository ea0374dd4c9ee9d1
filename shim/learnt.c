/* SPDX-License-Identifier: MIT */
/* What is learnt of a socket between its birth and its death. */
#include "learnt.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "at.h"
#include "clock.h"
#include "house.h"
#include "lives.h"
#include "recording.h"
#include "slots.h"
#include "stack.h"
#include "thread.h"
#include "words.h"

/* A sockaddr; of a family that is not known here none. */
struct rec_addr addr_of(const void *addr, socklen_t len)
{
	const struct sockaddr_in *v4 = addr;
	const struct sockaddr_in6 *v6 = addr;
	struct rec_addr a = {0};

	if (len >= sizeof(*v4) && v4->sin_family == AF_INET) {
		memcpy(a.ip, &v4->sin_addr, 4);
		a.port = ntohs(v4->sin_port);
		a.family = AF_INET;
	} else if (len >= 24 && v6->sin6_family == AF_INET6) {
		memcpy(a.ip, &v6->sin6_addr, 16);
		a.port = ntohs(v6->sin6_port);
		a.family = AF_INET6;
		if (len >= sizeof(*v6) && rec_ip_is_of_link(AF_INET6, a.ip))
			a.scope = v6->sin6_scope_id;
	}
	return a;
}

/* The family last: it says that the others are there. */
static void address_set(struct life_ref ref, uint8_t ip[16], uint16_t *port, uint8_t *family,
			struct rec_addr a)
{
	if (!a.family)
		return;
	words_copy(ip, a.ip, sizeof(a.ip));
	word_set(port, a.port);
	if (rec_ip_is_of_link((uint8_t)a.family, a.ip))
		word_set(&life_rest(ref)->scope, a.scope);
	word_set(family, (uint8_t)a.family);
}

void life_local(struct life_ref ref, const void *addr, socklen_t len)
{
	struct rec_life *l = ref.life;

	address_set(ref, l->local_ip, &l->local_port, &l->local_family, addr_of(addr, len));
}

void life_peer(struct life_ref ref, const void *addr, socklen_t len)
{
	struct rec_life *l = ref.life;

	address_set(ref, l->peer_ip, &l->peer_port, &l->peer_family, addr_of(addr, len));
}

/*
 * Whose accept() succeeded last, and when. The listener is not TOUCHED by that: who was handed one
 * by exec must have a connection of its own to be worth a recording.
 */
void life_accepted_from(struct life_ref ref, uint64_t ns)
{
	if (!life_is(ref))
		return;
	word_set(&ref.life->touch_ns, ns);
	word_set(&ref.life->touch_tid, thread_tid());
}

void life_eof(struct life_ref ref, struct at at)
{
	struct rec_life *l = ref.life;

	if (!life_is(ref) || word_get(&l->eof_ns) || (word_get(&l->flags) & REC_LIFE_SHUT_RD))
		return;
	word_set(&l->eof_site, stack_site(at));
	word_set(&l->eof_tid, thread_tid());
	word_set(&l->eof_ns, now_ns());
	word_set(&l->touch_ns, word_get(&l->eof_ns)); /* the same call: one time, the exact one */
	life_flag(ref, REC_LIFE_EOF);
}

static bool is_end_of_connection(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case ECONNABORTED:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETRESET:
		return true;
	}
	return false;
}

/* A call on the socket failed. Remembers the first error that ended the connection. */
void life_error(struct life_ref ref, int error, struct at at)
{
	struct rec_life *l = ref.life;

	if (error == EBADF || error == ENOTSOCK) {
		life_vanished(ref);
		return;
	}
	if (!is_end_of_connection(error) || !life_is(ref) || (word_get(&l->flags) & REC_LIFE_RESET))
		return;
	word_set(&life_rest(ref)->reset_site, stack_site(at));
	word_set(&life_rest(ref)->reset_ns, now_ns());
	word_set(&l->reset_errno, (uint8_t)error);
	life_flag(ref, REC_LIFE_RESET);
}

void life_shut(struct life_ref ref, int how, struct at at)
{
	struct rec_life *l = ref.life;

	if (!life_is(ref))
		return;
	word_set(&l->shut_site, stack_site(at));
	word_set(&l->shut_ns, now_ns());
	if (how != SHUT_WR)
		life_flag(ref, REC_LIFE_SHUT_RD);
	if (how != SHUT_RD)
		life_flag(ref, REC_LIFE_SHUT_WR);
}

/* Whether its close will send a RST. */
void life_aborts(struct life_ref ref, bool aborts)
{
	if (!life_is(ref))
		return;
	if (aborts)
		life_flag(ref, REC_LIFE_ABORTS);
	else if (word_get(&ref.life->flags) & REC_LIFE_ABORTS)
		__atomic_fetch_and(&ref.life->flags, ~(uint32_t)REC_LIFE_ABORTS, __ATOMIC_RELAXED);
}

void life_cookie_set(struct life_ref ref, uint64_t cookie)
{
	word_set(&life_rest(ref)->kernel_cookie, cookie);
	life_flag(ref, REC_LIFE_COOKIE);
}

/* 0: not known. */
uint64_t life_cookie(struct life_ref ref)
{
	if (!(word_get_acquire(&ref.life->flags) & REC_LIFE_COOKIE))
		return 0;
	return word_get(&life_rest(ref)->kernel_cookie);
}
