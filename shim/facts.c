/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says about a socket. Only questions that change nothing: SO_ERROR and MSG_PEEK
 * would swallow what is the program's own.
 */
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "clock.h"
#include "epoll.h"
#include "house.h"
#include "learnt.h"
#include "lives.h"
#include "recording.h"
#include "samples.h"
#include "shim.h"
#include "slots.h"
#include "stuck.h"
#include "sys.h"
#include "thread.h"
#include "words.h"

#define MEMINFO		 55 /* SO_MEMINFO, Linux 4.12; older headers lack it */
#define MEMINFO_RMEM	 0  /* SK_MEMINFO_RMEM_ALLOC */
#define REFRESH_EVERY_NS 1000000000u
#define REFRESH_AT_ONCE	 64u /* lives per refresh: about 100 us */

static uint32_t ask_queue(int fd, unsigned long request)
{
	int n = 0;

	return sys_ioctl(fd, request, &n) == 0 && n > 0 ? (uint32_t)n : 0;
}

uint32_t facts_unread(int fd)
{
	return ask_queue(fd, SIOCINQ);
}

/* A FIN that nobody has read yet still lies in the receive queue and is counted there. */
static bool ask_eof_unread(int fd, uint32_t unread)
{
	uint32_t mem[9] = {0};
	socklen_t len = sizeof(mem);

	return !unread && sys_getsockopt(fd, SOL_SOCKET, MEMINFO, mem, &len) == 0 &&
	       mem[MEMINFO_RMEM] > 0;
}

static bool is_inet(const struct rec_life *l)
{
	return word_get(&l->family) == AF_INET || word_get(&l->family) == AF_INET6;
}

/* TCP_* of <netinet/tcp.h>; 0 where the kernel is not, or must not be, asked. */
int facts_tcp_state(int fd, const struct rec_life *l, uint32_t *last_ack_ms)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (shim.sealed || !is_inet(l) || word_get(&l->type) != SOCK_STREAM ||
	    (word_get(&l->flags) & REC_LIFE_LISTENING) ||
	    sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	*last_ack_ms = info.tcpi_last_ack_recv;
	return info.tcpi_state;
}

static void ask_tcp(int fd, struct rec_life_rest *l)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	word_set(&l->kernel_tcp_state, info.tcpi_state);
	word_set(&l->kernel_last_ack_ms, info.tcpi_last_ack_recv);
	if (info.tcpi_state == TCP_CLOSE)
		return; /* its queues say nothing */
	if (info.tcpi_state ==
	    TCP_LISTEN) { /* connections that wait for accept(), and how many may */
		word_set(&l->kernel_unread, info.tcpi_unacked);
		word_set(&l->kernel_unsent, info.tcpi_sacked);
		return;
	}
	word_set(&l->kernel_unread, ask_queue(fd, SIOCINQ));
	word_set(&l->kernel_unsent, ask_queue(fd, SIOCOUTQ));
	word_set(&l->kernel_eof_unread, ask_eof_unread(fd, word_get(&l->kernel_unread)));
}

static void ask_addresses(int fd, struct life_ref ref)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (SYS3(SYS_getsockname, fd, &addr, &len) == 0)
		life_local(ref, &addr, len);
	len = sizeof(addr);
	if (!word_get(&ref.life->peer_family) && SYS3(SYS_getpeername, fd, &addr, &len) == 0)
		life_peer(ref, &addr, len);
}

/*
 * A thread of the parent's that touched it before the fork is not ours to ask about, and one that
 * found it open at the start has not had it in hand; and another
 * thread may have taken it in hand since the last question.
 */
static void ask_toucher(struct life_ref ref)
{
	uint32_t flags = word_get(&ref.life->flags);

	const uint32_t strange = REC_LIFE_INHERITED | REC_LIFE_AT_START | REC_LIFE_UNSEEN;

	if ((flags & strange) && !(flags & REC_LIFE_TOUCHED))
		return;
	if (sys_tgkill(shim.pid, (int)word_get(&ref.life->touch_tid), 0) == -ESRCH)
		life_flag(ref, REC_LIFE_TOUCHER_ENDED);
	else if (flags & REC_LIFE_TOUCHER_ENDED)
		__atomic_fetch_and(&ref.life->flags, ~(uint32_t)REC_LIFE_TOUCHER_ENDED,
				   __ATOMIC_RELAXED);
}

/* A set that was closed through a door unseen watches nothing; nor does a thread that has ended. */
static void ask_waiters(struct rec_life *l)
{
	int set = word_get(&l->epoll_fd);
	uint32_t reader = word_get(&l->reader_tid), writer = word_get(&l->writer_tid);

	if (set >= 0 && (SYS2(SYS_fcntl, set, F_GETFD) == -EBADF || life_find(set).life))
		epoll_unwatch(l);
	if (reader && sys_tgkill(shim.pid, (int)reader, 0) == -ESRCH)
		word_cas(&l->reader_tid, &reader, 0);
	if (writer && sys_tgkill(shim.pid, (int)writer, 0) == -ESRCH)
		word_cas(&l->writer_tid, &writer, 0);
}

/* What is there is of the life before. */
static void facts_clear(struct rec_life_rest *rest)
{
	word_set(&rest->kernel_tcp_state, 0);
	word_set(&rest->kernel_last_ack_ms, 0);
	word_set(&rest->kernel_unread, 0);
	word_set(&rest->kernel_unsent, 0);
	word_set(&rest->kernel_eof_unread, 0);
}

/*
 * Completes a life. Returns false where the kernel has no socket there any more: it was closed
 * by a door that no hook sees, and is nobody's leak.
 */
bool facts_ask(int fd, struct life_ref ref)
{
	struct rec_life_rest *rest = life_rest(ref);
	struct rec_life *l = ref.life;
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int r = sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);

	if (!life_is(ref))
		return true;
	if (r == -EBADF || r == -ENOTSOCK)
		return false;
	if (!(word_get(&l->flags) & REC_LIFE_FACTS))
		facts_clear(rest);
	word_set(&rest->kernel_error, (uint16_t)(r < 0 ? -r : 0));
	life_cookie_set(ref, cookie);
	if (is_inet(l)) {
		ask_addresses(fd, ref);
		if (word_get(&l->type) == SOCK_STREAM)
			ask_tcp(fd, rest);
	}
	ask_toucher(ref);
	ask_waiters(l);
	word_set(&rest->facts_ns, now_ns());
	life_flag(ref, REC_LIFE_FACTS);
	return true;
}

/* At the end: whose turn is still on, and who has ended in it. One system call for each. */
void facts_ask_loops(uint64_t now)
{
	struct rec_poller *all = word_get_acquire(&shim.pollers);

	for (uint32_t i = 0; all && i < REC_POLLERS_NR; i++) {
		uint32_t tid = word_get(&all[i].tid);

		if (!tid || tid == UINT32_MAX || !word_get(&all[i].turn_ns))
			continue;
		if (tid == thread_tid() || sys_tgkill(shim.pid, (int)tid, 0) == 0)
			word_set(&all[i].alive_ns, now);
	}
}

/* How many threads there are: what one of them holds in a FILE may be in another's hands. */
void facts_count_threads(void)
{
	struct stat st;

	if (sys_lstat("/proc/self/task", &st) == 0 && st.st_nlink > 2)
		word_set(&shim.head->threads, st.st_nlink - 2);
}

static bool is_worth_asking(const struct rec_life *l, uint64_t now)
{
	return (word_get(&l->seq) & 1) && is_inet(l) && word_get(&l->type) == SOCK_STREAM &&
	       !(word_get(&l->flags) & REC_LIFE_LISTENING) &&
	       word_get(&l->touch_ns) + REFRESH_EVERY_NS < now;
}

/* Returns whether the kernel was asked. */
static bool refresh_one(int fd, uint64_t now)
{
	struct life_ref ref = life_find(fd);

	if (!ref.life || !is_worth_asking(ref.life, now))
		return false;
	if (!facts_ask(fd, ref))
		life_vanished(ref);
	return true;
}

static void refresh_some(uint64_t now)
{
	uint32_t start = word_get(&shim.refresh_cursor), fd = start, asked = 0;
	bool wrapped = false;

	stuck_look(now);
	while (asked < REFRESH_AT_ONCE) {
		fd = life_next(fd);
		if (wrapped && fd >= start)
			break;
		if (fd == UINT32_MAX) {
			wrapped = true;
			fd = 0;
			continue;
		}
		asked += refresh_one((int)fd++, now);
	}
	word_set(&shim.refresh_cursor, fd);
}

/* Once a second a passing birth or wait asks about some idle sockets, so that SIGKILL leaves
 * evidence, and adds to the time line. */
COLD void facts_refresh(uint64_t now)
{
	uint64_t due = word_get(&shim.next_refresh_ns);

	if (now < due || !word_cas(&shim.next_refresh_ns, &due, now + REFRESH_EVERY_NS))
		return;
	if (!shim.sealed)
		refresh_some(now);
	samples_take(now);
}
