/* SPDX-License-Identifier: MIT */
/* learnt.c: what is learnt of a socket between its birth and its death. */
#ifndef SHIM_LEARNT_H
#define SHIM_LEARNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "at.h"
#include "lives.h"
#include "recording.h"

void life_accepted_from(struct life_ref listener, uint64_t ns);
void life_eof(struct life_ref ref, struct at at);
void life_error(struct life_ref ref, int error, struct at at);
void life_shut(struct life_ref ref, int how, struct at at);
void life_aborts(struct life_ref ref, bool aborts);
void life_cookie_set(struct life_ref ref, uint64_t cookie);
uint64_t life_cookie(struct life_ref ref);
struct rec_addr addr_of(const void *addr, socklen_t len);
void life_local(struct life_ref ref, const void *addr, socklen_t len);
void life_peer(struct life_ref ref, const void *addr, socklen_t len);

#endif
