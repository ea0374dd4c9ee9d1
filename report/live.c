/* SPDX-License-Identifier: MIT */
/* Looks at processes that still run. */
#include "live.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alive.h"
#include "alloc.h"
#include "tcp_table.h"

struct looker {
	struct tcp_table diag;
	bool has_diag;
	struct tcp_table proc;
	const struct process *proc_of; /* whose namespace the table proc is of */
	bool has_proc;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- what the kernel knows --------------------------------------------------------------- */

static const struct tcp_entry *find_entry(struct looker *look, const struct process *p,
					  uint64_t inode)
{
	const struct tcp_entry *e = tcp_table_find(&look->diag, inode);

	if (e)
		return e;
	if (look->proc_of != p) {
		tcp_table_release(&look->proc);
		look->has_proc = !tcp_table_read_proc(&look->proc, p->pid);
		look->proc_of = p;
	}
	return tcp_table_find(&look->proc, inode);
}

static bool is_tcp(const struct whole_life *r)
{
	return (r->family == AF_INET || r->family == AF_INET6) && r->type == SOCK_STREAM &&
	       (r->protocol == 0 || r->protocol == IPPROTO_TCP);
}

/* A socket of state CLOSE is in no table: TCP has forgotten it. */
static void take_facts(struct whole_life *r, const struct tcp_entry *e, uint64_t ns)
{
	static const struct tcp_entry closed = {.state = TCP_CLOSE};

	if (!e)
		e = &closed;
	r->flags |= REC_LIFE_FACTS;
	r->facts_ns = ns;
	r->kernel_tcp_state = e->state;
	r->kernel_unsent = e->send_queue;
	r->kernel_unread = e->receive_queue;
	r->kernel_last_ack_ms = e->has_last_ack ? e->last_ack_ms : 0;
	r->kernel_eof_unread = e->state == TCP_CLOSE_WAIT && e->receive_queue;
	if (r->kernel_eof_unread)
		r->kernel_unread--;
	if (e->cookie)
		r->kernel_cookie = e->cookie;
}

static bool is_another_socket(const struct whole_life *r, const struct tcp_entry *e)
{
	return e && e->cookie && r->kernel_cookie && e->cookie != r->kernel_cookie;
}

/* The inode behind a descriptor; 0 if it is no socket, -1 if we may not know. */
static int64_t read_inode(uint32_t pid, int fd)
{
	char *path = xstrfmt("/proc/%u/fd/%d", pid, fd), link[64];
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	int64_t inode;

	free(path);
	if (n < 0)
		return errno == ENOENT ? 0 : -1;
	link[n] = '\0';
	return sscanf(link, "socket:[%" SCNd64 "]", &inode) == 1 ? inode : 0;
}

static bool thread_ended(uint32_t pid, uint32_t tid)
{
	char *path = xstrfmt("/proc/%u/task/%u", pid, tid);
	bool ended = !(tid & REC_THREAD_NUMBER) && access(path, F_OK) < 0 && errno == ENOENT;

	free(path);
	return ended;
}

static void look_at_life(struct looker *look, struct life *l, struct process *p)
{
	int64_t inode = read_inode(p->pid, l->fd);
	const struct tcp_entry *e;

	if (inode < 0) {
		p->unreadable = true;
		return;
	}
	if (!inode) {
		l->r.flags |= REC_LIFE_GONE;
		return;
	}
	/* The thread of an inherited socket lived in the parent, or in the image before. */
	l->r.flags &= ~(uint32_t)REC_LIFE_TOUCHER_ENDED;
	if (!(l->r.flags & (REC_LIFE_INHERITED | REC_LIFE_AT_START)) ||
	    (l->r.flags & REC_LIFE_TOUCHED))
		if (thread_ended(p->pid, l->r.touch_tid))
			l->r.flags |= REC_LIFE_TOUCHER_ENDED;
	if (!is_tcp(&l->r))
		return;
	e = find_entry(look, p, (uint64_t)inode);
	if (is_another_socket(&l->r, e))
		l->r.flags |= REC_LIFE_GONE;
	else if (e || look->has_proc)
		take_facts(&l->r, e, p->now_ns);
}

/* ---- what no hook saw -------------------------------------------------------------------- */

/* Younger ones may have been opened since the recording was read. */
#define QUIET_MS 1000

struct unseen {
	struct life *lives;
	size_t nr, alloc;
};

/* For each descriptor up to the highest recorded one, whether it is a socket that we know. */
#define FD_MAX (1 << 26) /* no kernel gives out more; a damaged recording may */

struct known {
	bool *is;
	size_t nr;
};

static struct known find_known(const struct process *p)
{
	struct known k = {NULL, 0};
	size_t i;

	for (i = 0; i < p->rec->nr_lives; i++)
		if ((size_t)p->rec->lives[i].fd >= k.nr && p->rec->lives[i].fd < FD_MAX)
			k.nr = (size_t)p->rec->lives[i].fd + 1;
	k.is = xcalloc(k.nr, sizeof(*k.is));
	for (i = 0; i < p->rec->nr_lives; i++)
		if ((size_t)p->rec->lives[i].fd < k.nr)
			k.is[p->rec->lives[i].fd] |= p->rec->lives[i].life->seq & 1;
	return k;
}

static void look_at_descriptor(struct looker *look, const struct process *p, int fd,
			       struct unseen *to)
{
	int64_t inode = read_inode(p->pid, fd);
	const struct tcp_entry *e = inode > 0 ? find_entry(look, p, (uint64_t)inode) : NULL;
	struct life *l;

	if (!e || !e->has_last_ack || e->last_ack_ms < QUIET_MS)
		return;
	ALLOC_GROW(to->lives, to->nr + 1, to->alloc);
	l = &to->lives[to->nr++];
	memset(l, 0, sizeof(*l));
	l->process = p;
	l->fd = fd;
	l->r.seq = 1;
	l->r.family = AF_INET;
	l->r.type = SOCK_STREAM;
	l->r.flags = REC_LIFE_UNSEEN;
	l->r.born_by = l->r.touch_call = REC_CALL_UNSEEN;
	l->r.born_ns = l->r.touch_ns = p->now_ns;
	l->r.epoll_fd = -1;
	take_facts(&l->r, e, p->now_ns);
}

/* Connections that a running process has and its recording has not. */
static void look_for_unseen(struct looker *look, const struct process *p, struct unseen *to)
{
	char *path = xstrfmt("/proc/%u/fd", p->pid);
	DIR *dir = p->rec->header->lost_lives ? NULL : opendir(path);
	struct known known = find_known(p);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] != '.' && !((size_t)fd < known.nr && known.is[fd]))
			look_at_descriptor(look, p, fd, to);
	}
	if (dir)
		closedir(dir);
	free(known.is);
	free(path);
}

static void add_unseen(struct history *h, struct looker *look)
{
	struct unseen found = {NULL, 0, 0};
	size_t i;

	for (i = 0; i < h->nr_processes; i++)
		if (h->processes[i].end == PROCESS_RUNNING)
			look_for_unseen(look, &h->processes[i], &found);
	if (found.nr) {
		h->lives = xreallocarray(h->lives, h->nr_lives + found.nr, sizeof(*h->lives));
		memcpy(h->lives + h->nr_lives, found.lives, found.nr * sizeof(*found.lives));
		h->nr_lives += found.nr;
	}
	free(found.lives);
}

/*
 * Its number may have become another socket's between the reading of the recording and the look
 * at the descriptor. A death is recorded before it happens: if it is not by now, it was the same.
 */
static void forget_the_moved(struct history *h)
{
	const struct process *of = NULL;
	int file = -1;
	size_t i;

	for (i = 0; i < h->nr_lives; i++) {
		struct life *l = &h->lives[i];

		if (l->process->end != PROCESS_RUNNING)
			continue;
		if (l->process != of) {
			if (file >= 0)
				close(file);
			of = l->process;
			file = open(of->rec->path, O_RDONLY | O_CLOEXEC);
		}
		if (file >= 0 && !recording_life_goes_on(of->rec, file, l->recorded))
			l->r.flags |= REC_LIFE_GONE;
	}
	if (file >= 0)
		close(file);
}

static void drop_gone(struct history *h)
{
	size_t i, kept = 0;

	for (i = 0; i < h->nr_lives; i++)
		if (!(h->lives[i].r.flags & REC_LIFE_GONE))
			h->lives[kept++] = h->lives[i];
	h->nr_lives = kept;
}

static void set_now(struct history *h)
{
	uint64_t now = now_ns();
	size_t i;

	for (i = 0; i < h->nr_processes; i++)
		if (h->processes[i].end == PROCESS_RUNNING)
			h->processes[i].now_ns = now;
}

void live_complete(struct history *h)
{
	struct looker look = {.diag = TCP_TABLE_INIT, .proc = TCP_TABLE_INIT};
	size_t i, running = 0;

	for (i = 0; i < h->nr_processes; i++) {
		struct process *p = &h->processes[i];

		if (!process_is_alive(p))
			continue;
		p->end = PROCESS_RUNNING;
		p->threads = threads_of(p->pid);
		running++;
	}
	if (!running)
		return;
	look.has_diag = !tcp_table_read_diag(&look.diag);
	set_now(h); /* the ages in the answer count from here */
	for (i = 0; i < h->nr_lives; i++)
		if (h->lives[i].process->end == PROCESS_RUNNING)
			look_at_life(&look, &h->lives[i],
				     h->processes + (h->lives[i].process - h->processes));
	forget_the_moved(h);
	drop_gone(h);
	add_unseen(h, &look);
	tcp_table_release(&look.diag);
	tcp_table_release(&look.proc);
}
