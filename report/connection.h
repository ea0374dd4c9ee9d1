/* SPDX-License-Identifier: MIT */
/*
 * What state a socket's TCP connection is in and since when, from the kernel's facts and, where
 * those are missing or older, from what the program was told.
 */
#ifndef SOCKLINT_CONNECTION_H
#define SOCKLINT_CONNECTION_H

#include "history.h"

bool socket_is_tcp(const struct socket *s);
bool socket_is_listener(const struct socket *s);
/* We are the client side: connect() succeeded, is under way, or failed. */
bool socket_is_client(const struct socket *s);
/* Why it is meant to stay open, in the words of the program that kept it; or NULL. */
const char *socket_kept_reason(const struct socket *s);
/* The kernel's answer, if no later event made it stale; NULL otherwise. */
const struct whole_life *socket_facts(const struct socket *s);
/* TCP_* of <netinet/tcp.h>; 0 when the kernel was not asked. */
unsigned int socket_tcp_state(const struct socket *s);
/* The program read the peer's FIN, not the end that its own shutdown(SHUT_RD) made. */
bool socket_eof_was_read(const struct socket *s);
/* "CLOSE_WAIT", "state not known", "not TCP"; one string for each state. */
const char *socket_state_name(const struct socket *s);
/* "origin unknown (CLOSE_WAIT)" */
const char *socket_state_unseen(const struct socket *s);
/* When the peer's FIN arrived, at the latest; 0 if nothing tells. */
uint64_t socket_fin_ns(const struct socket *s);
/* Since when nobody has touched it in any way; never 0. */
uint64_t socket_idle_since_ns(const struct socket *s);
/* When the moment of judging is. */
uint64_t socket_now_ns(const struct socket *s);
/*
 * The same, or the last moment that counts where that was earlier: a program that was told to stop
 * need do no more, and what one that runs did after its recording was read is not known.
 */
uint64_t socket_judged_ns(const struct socket *s);

#endif
