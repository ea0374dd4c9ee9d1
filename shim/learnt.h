/* SPDX-License-Identifier: MIT */
/* learnt.c: what is learnt of a socket between its birth and its death. */
#ifndef SHIM_LEARNT_H
#define SHIM_LEARNT_H

#include <stdint.h>
#include <sys/socket.h>

#include "at.h"
#include "lives.h"
#include "recording.h"

void life_accepted_from(struct life_ref listener, uint64_t ns);
void life_eof(struct life_ref ref, struct at at);
void life_error(struct life_ref ref, int error, struct at at);
void life_polled(struct life_ref ref, uint32_t tid, uint64_t ns);
void life_shut(struct life_ref ref, int how, struct at at);
struct rec_addr addr_of(const void *addr, socklen_t len);
void life_local(struct rec_life *life, const void *addr, socklen_t len);
void life_peer(struct rec_life *life, const void *addr, socklen_t len);

#endif
