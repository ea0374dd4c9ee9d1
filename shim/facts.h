/* SPDX-License-Identifier: MIT */
/* facts.c: what the kernel says about a socket. */
#ifndef SHIM_FACTS_H
#define SHIM_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lives.h"
#include "recording.h"

bool facts_ask(int fd, struct life_ref ref);
int facts_tcp_state(int fd, const struct rec_life *l, uint32_t *last_ack_ms);
uint32_t facts_unread(int fd);
void facts_refresh(uint64_t now);
void facts_count_threads(void);
void facts_ask_loops(uint64_t now);

#endif
