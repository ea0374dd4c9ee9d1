/* SPDX-License-Identifier: MIT */
/*
 * Sockets that are closed while another thread is inside a call on them. The kernel keeps such a
 * socket until that call returns: no FIN is sent, though the number is free. A call that returns
 * within a second (because it was shut down, or by a signal, as the JVM does it) is nobody's
 * business; which one did not is found out by its thread when it returns, or by /proc.
 */
#include "stuck.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "clock.h"
#include "house.h"
#include "incidents.h"
#include "recording.h"
#include "shim.h"
#include "text.h"
#include "thread.h"
#include "words.h"

#define STUCK_NR    32u
#define STUCK_NS    1000000000u
#define BEING_TAKEN UINT32_MAX

struct stuck {
	uint32_t tid; /* inside the call; 0: free */
	int fd;
	uint32_t birth_site;
	uint32_t close_site;
	uint64_t close_ns;
	uint64_t life_id;
};

static struct stuck all[STUCK_NR];
static uint32_t nr_stuck; /* without any nobody looks */

#define EACH_STUCK(s) for (struct stuck *s = all; s < all + STUCK_NR; s++)

/* What finds no place is not told of. */
static void remember(int fd, const struct rec_life *l, uint32_t tid)
{
	EACH_STUCK(s)
	{
		uint32_t nobody = 0;

		if (!word_cas(&s->tid, &nobody, BEING_TAKEN))
			continue;
		s->fd = fd;
		s->birth_site = word_get(&l->site);
		s->close_site = word_get(&l->close_site);
		s->close_ns = word_get(&l->close_ns);
		s->life_id = word_get(&l->id);
		word_add(&nr_stuck, 1);
		word_set_release(&s->tid, tid);
		return;
	}
}

/* Empties an entry. Returns whether it was still that thread's. */
static bool take(struct stuck *s, uint32_t tid, struct stuck *to)
{
	if (!word_cas(&s->tid, &tid, BEING_TAKEN))
		return false;
	*to = *s;
	to->tid = tid;
	word_add(&nr_stuck, (uint32_t)-1);
	word_set_release(&s->tid, 0);
	return true;
}

static void tell_of(const struct stuck *s, uint64_t until)
{
	struct rec_incident in = {.kind = REC_INCIDENT_CLOSED_UNDER_READER,
				  .fd = s->fd,
				  .site = s->close_site,
				  .first_site = s->birth_site,
				  .ns = s->close_ns,
				  .until_ns = until,
				  .life_id = s->life_id,
				  .tid = s->tid};

	incident_add(&in);
}

/* Only where a FIN was still to be sent, and not while all is being closed anyway. */
static bool sends_fin(const struct rec_life *l)
{
	return word_get(&l->type) == SOCK_STREAM &&
	       (word_get(&l->family) == AF_INET || word_get(&l->family) == AF_INET6) &&
	       !(word_get(&l->flags) & (REC_LIFE_LISTENING | REC_LIFE_SHUT_WR | REC_LIFE_RESET)) &&
	       (word_get(&l->flags) & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED)) &&
	       !word_get(&shim.end_began);
}

/* Its death is recorded: who returns from a call on it from now on sees that, and says so. */
COLD void stuck_add(int fd, const struct rec_life *l)
{
	uint32_t reader = word_get(&l->reader_tid), writer = word_get(&l->writer_tid);

	if (!sends_fin(l))
		return;
	if (reader && reader != thread_tid())
		remember(fd, l, reader);
	if (writer && writer != thread_tid() && writer != reader)
		remember(fd, l, writer);
}

/* This thread is back from a call on a socket that was closed meanwhile, or has left it. */
COLD void stuck_returned(void)
{
	struct stuck mine;

	if (!word_get(&nr_stuck))
		return;
	EACH_STUCK(s)
	{
		uint64_t now;

		if (word_get(&s->tid) != thread.tid || !take(s, thread.tid, &mine))
			continue;
		now = now_ns();
		if (now >= mine.close_ns + STUCK_NS)
			tell_of(&mine, now);
	}
}

/* The close failed: it was none. */
void stuck_undo(int fd)
{
	struct stuck ignored;

	if (!word_get(&nr_stuck))
		return;
	EACH_STUCK(s)
	if (word_get(&s->tid) && s->fd == fd)
		take(s, word_get(&s->tid), &ignored);
}

/* The child of a fork has one thread, which is here. */
void stuck_reborn(void)
{
	memset(all, 0, sizeof(all));
	nr_stuck = 0;
}

/* ---- who is still inside ---- */

static bool is_io(uint64_t nr)
{
	static const uint16_t calls[] = {SYS_read,     SYS_readv,    SYS_recvfrom, SYS_recvmsg,
					 SYS_recvmmsg, SYS_write,    SYS_writev,   SYS_sendto,
					 SYS_sendmsg,  SYS_sendmmsg, SYS_sendfile, SYS_splice,
					 SYS_connect};

	for (uint32_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

static uint32_t digit(char c)
{
	return c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
	       : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
				      : 99;
}

static const char *number_read(const char *s, uint32_t base, uint64_t *n)
{
	for (*n = 0; digit(*s) < base; s++)
		*n = *n * base + digit(*s);
	return s;
}

/* "0 0x5 0x7ffd8c0 ...": the call that a thread is blocked in, and its arguments; or "running". */
static bool is_blocked_in(const char *text, int fd)
{
	uint64_t nr, first;
	const char *s = number_read(text, 10, &nr);

	if (s == text || strncmp(s, " 0x", 3) != 0)
		return false;
	number_read(s + 3, 16, &first);
	return is_io(nr) && (int)(uint32_t)first == fd;
}

/* Returns 1 or 0; -1: not known. */
static int is_inside(uint32_t tid, int fd)
{
	char path[64], line[256];
	struct text t = text_in(path, sizeof(path));
	long n;

	text_add(&t, "/proc/self/task/");
	text_add_number(&t, tid);
	text_add(&t, "/syscall");
	n = text_read_file(path, line, sizeof(line) - 1);
	if (n < 0)
		return n == -ENOENT || n == -ESRCH ? 0 : -1;
	line[n] = '\0';
	return is_blocked_in(line, fd);
}

static void look_at(struct stuck *s, uint64_t now)
{
	uint32_t tid = word_get_acquire(&s->tid);
	struct stuck found;
	int inside;

	if (!tid || tid == BEING_TAKEN || now < s->close_ns + STUCK_NS)
		return;
	inside = is_inside(tid, s->fd);
	if (inside >= 0 && take(s, tid, &found) && inside)
		tell_of(&found, now);
}

/* Now and then, and at the end. */
void stuck_look(uint64_t now)
{
	if (!word_get(&nr_stuck) || shim.sealed)
		return;
	EACH_STUCK(s)
	look_at(s, now);
}
