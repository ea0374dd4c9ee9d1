/* SPDX-License-Identifier: MIT */
/* Has the program moved on, leaving this socket behind? Reads the history only. */
#ifndef SOCKLINT_PROOF_H
#define SOCKLINT_PROOF_H

#include "verdict.h"

/* The grace that a socket has at the end (--grace): none if the process ended by itself. */
uint64_t grace_ns(const struct process *p);
/* Why a socket is open that is younger than that. */
enum open_reason grace_reason(const struct process *p);
/* Nothing younger was ever opened at the socket's site. */
bool has_no_younger_sibling(const struct socket *s);
/* Something was opened at the socket's site after that moment. */
bool has_sibling_born_after(const struct socket *s, uint64_t ns);
/* Fills proof and returns OPEN_NONE, or says why there is none. */
enum open_reason prove_moved_on(const struct socket *s, struct proof *proof);
/* Who waits on it besides the thread that the proof is about may see what came at that moment. */
bool others_may_come(const struct socket *s, uint64_t since_ns, const struct proof *proof);
/* The same for a client's socket that its pool may still want: since is when it became useless. */
enum open_reason prove_replaced(const struct socket *s, uint64_t since_ns, struct proof *proof);
/* The same for a socket that TCP is through with; told: the program knows that it is. */
enum open_reason prove_over(const struct socket *s, uint64_t since_ns, uint64_t grace, bool told,
			    struct proof *proof);

#endif
