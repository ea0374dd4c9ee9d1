/* SPDX-License-Identifier: MIT */
/*
 * Sockets that nobody saw being opened: those that were open when this image started (inetd, socket
 * activation, whatever exec passed on), and those that at the end stand in the kernel's table and
 * in none of ours (raw system calls, io_uring, static code). The kernel is asked what they are.
 */
#include "found.h"

#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "clock.h"
#include "facts.h"
#include "gate.h"
#include "house.h"
#include "lives.h"
#include "recorder.h"
#include "recording.h"
#include "shim.h"
#include "slots.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define PROBES	      64	 /* descriptors that are tried where there is no /proc */
#define TAKEN_MAX     512u	 /* sockets taken over: a shell's start must not take a second */
#define LOOK_BACK     8u	 /* earlier ones that may be the same socket: inetd's 0, 1 and 2 */
#define LOOKS	      40	 /* times that an unseen socket is looked at ... */
#define LOOK_NS	      5000000	 /* ... so far apart */
#define UNDER_WAY_NS  100000000u /* a close whose death is recorded may still be to come */
#define DIRENT_NAME   19u	 /* offset of d_name in struct linux_dirent64 */
#define DIRENT_RECLEN 16u

/* A value that is an int, or -errno. */
static int ask(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);
	int r = sys_getsockopt(fd, SOL_SOCKET, name, &value, &len);

	return r < 0 ? r : value;
}

uint64_t found_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

static bool is_inet(const struct birth *b)
{
	return (b->family == AF_INET || b->family == AF_INET6) &&
	       (b->type == SOCK_STREAM || b->type == SOCK_DGRAM);
}

static bool is_connected(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	return SYS3(SYS_getpeername, fd, &addr, &len) == 0;
}

/*
 * Fills in what the kernel says of a descriptor. Returns false if it is no socket. Whether a
 * connection was accepted or made the kernel does not know: one that is handed to a program is
 * taken for a server's, as inetd's are, unless the opener's recording knows better.
 */
bool found_describe(int fd, struct birth *b)
{
	int family = ask(fd, SO_DOMAIN);

	if (family < 0)
		return false;
	b->family = family;
	b->type = ask(fd, SO_TYPE);
	b->protocol = ask(fd, SO_PROTOCOL);
	if (b->type < 0 || b->protocol < 0)
		return false;
	if (!is_inet(b) || b->type != SOCK_STREAM)
		return true;
	if (ask(fd, SO_ACCEPTCONN) > 0)
		b->flags |= REC_LIFE_LISTENING;
	else if (is_connected(fd))
		b->flags |= REC_LIFE_ACCEPTED;
	return true;
}

static bool too_many; /* not all were taken over, and at the end they cannot be told apart */

/* ---- which descriptors there are ---------------------------------------------------------- */

typedef void each_fd(int fd, void *arg);

/* The number that a directory entry is named by, or -1. */
static int number_of(const char *name)
{
	int n = 0;

	if (*name < '0' || *name > '9')
		return -1;
	for (; *name >= '0' && *name <= '9' && n < 1 << 26; name++)
		n = n * 10 + (*name - '0');
	return *name ? -1 : n;
}

static bool each_in_proc(each_fd *each, void *arg)
{
	alignas(8) char buf[1024];
	int dir = sys_open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n = 0;

	if (dir < 0)
		return false;
	while (!too_many && (n = SYS3(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		uint16_t step;

		for (long at = 0; at < n; at += step) {
			int fd = number_of(buf + at + DIRENT_NAME);

			memcpy(&step, buf + at + DIRENT_RECLEN, sizeof(step));
			if (fd >= 0 && fd != dir)
				each(fd, arg);
		}
	}
	sys_close(dir);
	return too_many || n == 0;
}

/* Calls `each` for every descriptor. Returns false where /proc does not tell. */
static bool descriptors(each_fd *each, void *arg)
{
	struct stay stay;
	bool told = gate_hold(&stay) && each_in_proc(each, arg);

	gate_release(&stay);
	return told;
}

/* ---- open at the start -------------------------------------------------------------------- */

struct started_with {
	uint64_t cookie[LOOK_BACK];
	int fd[LOOK_BACK];
	uint32_t nr;
};

/* A life that this descriptor shares its socket with, as inetd's 0, 1 and 2 do. */
static struct life_ref same_socket(const struct started_with *s, uint64_t cookie)
{
	for (uint32_t i = 0; i < LOOK_BACK && cookie; i++)
		if (s->cookie[i] == cookie)
			return life_find(s->fd[i]);
	return (struct life_ref){NULL, 0, -1};
}

static void take_over(int fd, void *arg)
{
	struct birth birth = {.call = REC_CALL_AT_START, .flags = REC_LIFE_AT_START};
	struct rec_life *before = life_slot(fd);
	struct started_with *s = arg;
	uint64_t cookie;
	struct life_ref ref;

	if (before && (word_get(&before->seq) & 1)) /* an earlier constructor opened it */
		return;
	if (too_many || !found_describe(fd, &birth) || !is_inet(&birth))
		return;
	if (s->nr == TAKEN_MAX) {
		too_many = true;
		shim.head->flags |= REC_HEADER_MANY_AT_START;
		return;
	}
	cookie = found_cookie(fd);
	ref = same_socket(s, cookie);
	if (ref.life) {
		life_alias(fd, ref);
		return;
	}
	ref = life_found(fd, &birth, shim.start_ns);
	if (ref.life)
		facts_ask(fd, ref);
	s->cookie[s->nr % LOOK_BACK] = cookie;
	s->fd[s->nr++ % LOOK_BACK] = fd;
}

void found_at_start(void)
{
	struct started_with s = {.nr = 0};

	if (descriptors(take_over, &s))
		return;
	shim.head->flags |= REC_HEADER_NO_PROC;
	for (int fd = 0; fd < PROBES; fd++)
		take_over(fd, &s);
}

/* ---- at the end: what no hook saw --------------------------------------------------------- */

static bool is_unseen(int fd, struct birth *birth)
{
	struct rec_life *l = life_slot(fd);

	if (l && (word_get(&l->seq) & 1))
		return false;
	if (l && l->close_ns && l->close_ns + UNDER_WAY_NS > now_ns())
		return false;
	return found_describe(fd, birth) && is_inet(birth);
}

static void count_unseen(int fd, void *arg)
{
	struct birth birth = {.flags = 0};

	*(uint32_t *)arg += is_unseen(fd, &birth);
}

/* The same socket was there before we waited. */
struct candidate {
	uint64_t cookie;
	int fd;
};

struct candidates {
	struct candidate *all;
	uint32_t nr, room;
};

static void collect(int fd, void *arg)
{
	struct candidates *c = arg;
	struct birth birth = {.flags = 0};

	if (c->nr < c->room && is_unseen(fd, &birth))
		c->all[c->nr++] = (struct candidate){found_cookie(fd), fd};
}

static bool is_still_unseen(const struct candidate *c, struct birth *birth)
{
	return c->cookie && c->cookie == found_cookie(c->fd) && is_unseen(c->fd, birth);
}

static void drop_seen(struct candidates *c)
{
	struct birth birth = {.flags = 0};
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->nr; i++)
		if (is_still_unseen(&c->all[i], &birth))
			c->all[kept++] = c->all[i];
	c->nr = kept;
}

static bool has_other_threads(void)
{
	struct stat st;

	return sys_lstat("/proc/self/task", &st) < 0 || st.st_nlink > 3;
}

/*
 * A thread may have been put to sleep on its way from the kernel to its hook; where many want the
 * processor that is a favourite place. It is given time to come and record what it made.
 */
static void wait_for_hooks(struct candidates *c)
{
	bool others = c->nr && has_other_threads();

	for (int i = 0; others && c->nr && i < LOOKS; i++) {
		sys_sleep_ns(LOOK_NS);
		drop_seen(c);
	}
	if (thread.in_birth && c->nr == 1) /* this very thread, where a signal interrupted it */
		c->nr = 0;
}

static bool add_unseen(const struct candidate *c)
{
	struct birth birth = {.call = REC_CALL_UNSEEN, .flags = REC_LIFE_UNSEEN};
	struct life_ref ref = {NULL, 0, -1};

	if (is_still_unseen(c, &birth) && recorder_ready())
		ref = life_found(c->fd, &birth, now_ns());
	if (!ref.life)
		return false;
	facts_ask(c->fd, ref);
	return true;
}

/*
 * Adds the inet sockets that the kernel has and no hook saw, and returns their number. Where some
 * did not fit in the recording, or were too many at the start, they cannot be told from those.
 */
uint32_t found_unseen(void)
{
	struct candidates c = {NULL, 0, 0};
	uint32_t added = 0;
	size_t bytes;

	if (!too_many && !word_get(&shim.head->lost_lives))
		descriptors(count_unseen, &c.room);
	bytes = c.room * sizeof(*c.all);
	if (!bytes || !(c.all = sys_mmap(-1, 0, bytes)))
		return 0;
	descriptors(collect, &c);
	wait_for_hooks(&c);
	for (uint32_t i = 0; i < c.nr; i++)
		added += add_unseen(&c.all[i]);
	sys_munmap(c.all, bytes);
	return added;
}
