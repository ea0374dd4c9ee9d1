/* SPDX-License-Identifier: MIT */
/*
 * How test_stalls.c talks with its guest: by a file that both have mapped. One thread of the guest
 * is the victim, which the test steps through the shim and leaves where it is; the other does what
 * it is asked meanwhile.
 */
#ifndef TESTS_STALLS_H
#define TESTS_STALLS_H

#include <stdint.h>

struct stalls {
	uint32_t victim_tid;
	uint32_t go, done;	/* how often the victim may act, and has */
	uint32_t ask, answered; /* how often the other was asked, and has answered */
	uint32_t what;		/* enum stalls_ask */
	uint32_t holds_loader; /* the victim stays in a callback of dl_iterate_phdr(): 2, until 0 */
	uint32_t victim_needs_room; /* and opens no connection */
	uint32_t births, deaths;
};

enum stalls_ask {
	STALLS_LIFE = 1,  /* a connection, to its end */
	STALLS_PLACE = 2, /* sockets at a place that nobody knew */
	STALLS_ROOM = 4,  /* a number far above all others */
	STALLS_FORK = 8,  /* a child that has a socket of its own */
	STALLS_LEAK = 16, /* three connections in CLOSE_WAIT */
	STALLS_EXIT = 32, /* main returns */
	STALLS_MANY = 64, /* two thousand connections */
};

#endif
