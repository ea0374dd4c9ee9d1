/* SPDX-License-Identifier: MIT */
/*
 * socklint.h: how a program, a unit test above all, speaks with socklint while it runs.
 *
 *	struct socklint_checkpoint before = socklint_checkpoint();
 *	struct socklint_leak leaks[8];
 *	int n;
 *
 *	run_the_code();
 *	n = socklint_leaks_since(&before, leaks, 8);
 *
 * There is nothing to link. Where libsocklint.so is not preloaded all of this does nothing, and no
 * leaks are found: socklint_present() tells the one from the other. All calls may be made in any
 * thread. For C99 and C++98 and later; nothing here is defined but functions that are static.
 */
#ifndef SOCKLINT_H
#define SOCKLINT_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A moment. What was opened before it is not counted. All zero: the start of the program. */
struct socklint_checkpoint {
	uint64_t next_socket;
	uint64_t reserved[3];
};

struct socklint_address {
	uint16_t family; /* AF_INET, AF_INET6; 0: not known */
	uint16_t port;	 /* in the byte order of this machine */
	uint32_t scope;
	uint8_t ip[16]; /* as in in_addr or in6_addr */
};

#define SOCKLINT_FRAMES 16

/* One socket. */
struct socklint_leak {
	int fd;	   /* the lowest, if there are several */
	int state; /* TCP_ESTABLISHED ... of <netinet/tcp.h>; 0: not TCP, or not known */
	int family;
	int type;
	uint64_t opened_ns; /* CLOCK_MONOTONIC */
	struct socklint_address local;
	struct socklint_address peer;
	char opened_by[32];		     /* "accept", "socket", ... */
	uint32_t nr_frames;		     /* where it was opened: */
	uint32_t more_frames;		     /* 1: the stack was deeper */
	const void *frames[SOCKLINT_FRAMES]; /* return addresses, the innermost first */
};

enum socklint_which {
	SOCKLINT_STUCK, /* in CLOSE_WAIT or CLOSE: only close() can end it */
	SOCKLINT_OPEN	/* not closed, whatever its state and its family */
};

/* ---- how the library is found ------------------------------------------------------------ */

typedef int socklint_keep_fn(int fd, const char *reason);
typedef void socklint_checkpoint_fn(struct socklint_checkpoint *now, size_t bytes);
typedef int socklint_leaks_fn(const struct socklint_checkpoint *since, int which,
			      struct socklint_leak *out, size_t each_bytes, size_t room);

/* Weak, since older C libraries have it in a library of its own. */
#pragma weak dlsym

/* Copies the address of what the library exports under this name to the function pointer `to`. */
static inline int socklint_find(const char *name, void *to)
{
	void *found = NULL;

	if (dlsym)
		found = dlsym((void *)0, name); /* RTLD_DEFAULT, which headers withhold at times */
	memcpy(to, &found, sizeof(found));
	return found != NULL;
}

/* ---- what there is to call --------------------------------------------------------------- */

/* Whether libsocklint.so is loaded into this program, in a version that knows this header. */
static inline int socklint_present(void)
{
	socklint_leaks_fn *leaks;

	return socklint_find("socklint_leaks_v1", &leaks);
}

/*
 * The socket in fd is meant to stay open until the program ends: it is no leak, for the functions
 * below and for the report, which lists it with the reason (at most 111 bytes are kept). This ends
 * with the socket: the next in the same number is another. Returns whether it was marked: 0 where
 * fd is no socket.
 */
static inline int socklint_keep(int fd, const char *reason)
{
	socklint_keep_fn *keep;

	return socklint_find("socklint_keep_v1", &keep) ? keep(fd, reason) : 0;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* in C++ the struct has a constructor of that name */
static inline struct socklint_checkpoint socklint_checkpoint(void)
{
	struct socklint_checkpoint now = {0, {0, 0, 0}};
	socklint_checkpoint_fn *checkpoint;

	if (socklint_find("socklint_checkpoint_v1", &checkpoint))
		checkpoint(&now, sizeof(now));
	return now;
}
#pragma GCC diagnostic pop

/*
 * Sockets that were opened since, are open and are not kept, of the kind that `which` says. Returns
 * their number; the first `room` of them are written to out. One with several descriptors (dup)
 * counts once, and belongs to the time when it was opened first. A checkpoint holds in a child by
 * fork too; there, what the parent opened since counts as long as the child has it open.
 */
static inline int socklint_leaks(const struct socklint_checkpoint *since, enum socklint_which which,
				 struct socklint_leak *out, size_t room)
{
	socklint_leaks_fn *leaks;

	if (!socklint_find("socklint_leaks_v1", &leaks))
		return 0;
	return leaks(since, (int)which, out, sizeof(*out), room);
}

/*
 * Those that nobody but this program can end: the peer has closed, or the connection is over, or
 * there never was one. A peer's FIN takes its time: what was closed just now may not be here yet.
 */
static inline int socklint_leaks_since(const struct socklint_checkpoint *since,
				       struct socklint_leak *out, size_t room)
{
	return socklint_leaks(since, SOCKLINT_STUCK, out, room);
}

/* All that are still open, live connections, listeners and other families as well. */
static inline int socklint_open_since(const struct socklint_checkpoint *since,
				      struct socklint_leak *out, size_t room)
{
	return socklint_leaks(since, SOCKLINT_OPEN, out, room);
}

#ifdef __cplusplus
}
#endif

#endif
