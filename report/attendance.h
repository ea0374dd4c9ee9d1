/* SPDX-License-Identifier: MIT */
/* Does anybody wait on this socket? As far as the recording tells; reads the history only. */
#ifndef SOCKLINT_ATTENDANCE_H
#define SOCKLINT_ATTENDANCE_H

#include "history.h"

enum attendance {
	ATTENDED_NOT,
	ATTENDED_BY_CALL,  /* a thread is inside a read or write of it */
	ATTENDED_BY_POLL,  /* it is in the set of a poll or select loop */
	ATTENDED_BY_EPOLL, /* it is in an epoll set, and armed */
	ATTENDED_UNSEEN,   /* its process waits in ways that no hook sees (io_uring) */
};

/* By any process that holds it. */
enum attendance socket_attendance(const struct socket *s);
/* When an epoll set ceased to wait for it, or a poll loop was last seen to; 0 if none ever did. */
uint64_t socket_attended_until_ns(const struct socket *s);
/* An EPOLLONESHOT handed it to a thread, and nobody has used it since. */
bool socket_is_handed_over(const struct socket *s);
/* The same, lately: of the end that came meanwhile that thread may not know yet. */
bool socket_end_is_handed_over(const struct socket *s);
/* Whoever waits on it is yet to be told of the EOF that came then, or will be told again. */
bool socket_eof_will_be_seen(const struct socket *s, uint64_t fin_ns);
/* Likewise of the end of the connection, a reset for one. */
bool socket_end_will_be_seen(const struct socket *s);
/* No wait of any thread has returned since: what came then still lies before them. */
bool process_has_not_waited_since(const struct process *p, uint64_t ns);
/* A loop had something in hand then, and had not come back to its wait when the program ended. */
bool process_was_in_turn_since(const struct process *p, uint64_t ns);
/*
 * A thread was told of the end, has not come back to its wait since, and may not have come to this
 * one of its events, or put the close off to the end of the turn.
 */
bool socket_is_in_turn(const struct socket *s);
/*
 * The thread whose event loop it is: that had the socket in hand last, or has it in its poll set,
 * or is the only one that has not come back to its wait. NULL where that is not known.
 */
const struct rec_poller *socket_loop(const struct socket *s);
/* That loop is known to have waited since: it was told of what had come by then. */
bool socket_loop_came_back(const struct socket *s, uint64_t ns);
/*
 * A loop that still has it in its set was told that the peer is gone, and has not come back to its
 * wait since: many put the close off to the end of the turn, and some end in the middle of it.
 */
bool socket_turn_is_on(const struct socket *s);

#endif
