/* SPDX-License-Identifier: MIT */
/* What the kernel knows of TCP sockets right now, by inode. Knows nothing of recordings. */
#ifndef SOCKLINT_TCP_TABLE_H
#define SOCKLINT_TCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_entry {
	uint64_t inode;
	uint64_t cookie; /* 0: not known */
	uint32_t last_ack_ms;
	uint32_t receive_queue; /* an unread FIN counts one */
	uint32_t send_queue;
	uint8_t state;
	bool has_last_ack;
};

struct tcp_table {
	struct tcp_entry *entries; /* sorted by inode once a tcp_table_find() was made */
	size_t nr, alloc;
	bool sorted;
};

#define TCP_TABLE_INIT                                                                             \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

/* Asks sock_diag about our own network namespace; -1 if it does not answer. */
int tcp_table_read_diag(struct tcp_table *t);
/* Reads /proc/PID/net/tcp and tcp6, which are of that process' namespace; -1 if it cannot. */
int tcp_table_read_proc(struct tcp_table *t, uint32_t pid);
const struct tcp_entry *tcp_table_find(struct tcp_table *t, uint64_t inode);
void tcp_table_release(struct tcp_table *t);

#endif
