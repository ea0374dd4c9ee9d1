/* SPDX-License-Identifier: MIT */
/* pass.c: sockets that pass between processes. */
#ifndef SHIM_PASS_H
#define SHIM_PASS_H

#include <sys/socket.h>

#include "at.h"
#include "recording.h"

void pass_received(const struct msghdr *msg, enum rec_call call, struct at at);
void pass_taken(int fd, struct at at);
void pass_sent(int fd, const struct msghdr *msg, struct at at);

#endif
