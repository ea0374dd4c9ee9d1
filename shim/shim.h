/* SPDX-License-Identifier: MIT */
/*
 * The shim's one header, grouped by the file each declaration comes from.
 *
 * Code here runs inside somebody else's program: in signal handlers, in vfork children, in
 * threads about to be cancelled, on 16 KiB stacks, before main and after exit. It may use
 * real.x, raw system calls (sys.h), atomics and the clocks (clock.c). Never malloc, stdio, a lock,
 * a thread, a changed errno or return value. What fails is counted in the recording's header.
 *
 * at:		where a hook was called from
 * life:	one socket in one descriptor; its slot is reused, its seq tells generations apart
 * site:	an interned backtrace
 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recording.h"
#include "sys.h"
#ifndef __GLIBC__
#include "musl.h"
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define EXPORT	    __attribute__((visibility("default")))
#define COLD	    __attribute__((cold, noinline))

/* Single words of the recording are read and written by several threads, and by the report. */
#define word_get(p)	       __atomic_load_n((p), __ATOMIC_RELAXED)
#define word_set(p, v)	       __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define word_add(p, v)	       __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define word_get_acquire(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define word_set_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define word_cas(p, old, new)                                                                      \
	__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Copies what another thread may read or write meanwhile: each of its words stays whole. */
static inline void words_copy(void *to, const void *from, size_t bytes)
{
	typedef uint32_t __attribute__((may_alias)) half;
	typedef uint64_t __attribute__((may_alias)) word;
	size_t i = 0;

	for (; !(((uintptr_t)to | (uintptr_t)from) % sizeof(word)) && i + sizeof(word) <= bytes;
	     i += sizeof(word))
		word_set((word *)((char *)to + i),
			 word_get((const word *)((const char *)from + i)));
	for (; i < bytes; i += sizeof(half))
		word_set((half *)((char *)to + i),
			 word_get((const half *)((const char *)from + i)));
}

/* Binds to the oldest version of a symbol: the shim must load where glibc is older than here. */
#if defined(__x86_64__) && defined(__GLIBC__)
#define OLD_SYMBOL(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5");
#else
#define OLD_SYMBOL(name)
#endif

/* The last argument but one of recvmmsg, and the last of sendmmsg. */
#ifdef __GLIBC__
typedef int mmsg_flags;
#else
typedef unsigned mmsg_flags;
#endif

/* Functions that glibc exports and its headers withhold, or declare only at times. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags, __SOCKADDR_ARG from,
		       socklen_t *from_len);
void closefrom(int low);
int __poll(struct pollfd *fds, nfds_t nr, int timeout);
int __poll_chk(struct pollfd *fds, nfds_t nr, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t nr, const struct timespec *timeout, const sigset_t *mask,
		size_t room);
int __select(int nr, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int epoll_pwait2(int epfd, struct epoll_event *events, int room, const struct timespec *timeout,
		 const sigset_t *mask);
int pidfd_getfd(int pidfd, int fd, unsigned flags);
int __close(int fd);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t bsd_signal(int sig, sighandler_t handler);
sighandler_t ssignal(int sig, sighandler_t handler);
sighandler_t __sysv_signal(int sig, sighandler_t handler);
sighandler_t sysv_signal(int sig, sighandler_t handler);
sighandler_t sigset(int sig, sighandler_t handler);

/* ---- hook.c: the functions behind the hooks ---------------------------------------------- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* guests call deprecated functions */
struct real {
#define HOOK(name) typeof(&name) name;
#include "hooks.def"
#undef HOOK
};
#pragma GCC diagnostic pop

extern struct real real;

/* Where a hook was called from. cfa is the caller's stack pointer after the hook returns. */
struct at {
	uintptr_t pc;
	uintptr_t cfa;
};

#define AT_CALLER                                                                                  \
	((struct at){(uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa()})

void real_resolve(void);

/* ---- options.c --------------------------------------------------------------------------- */

enum option_report { REPORT_NONE, REPORT_EXIT };

struct options {
	char dir[512]; /* absolute, or "" for the default one */
	enum option_report report;
	bool on_signal;
	uint32_t depth;		/* frames per stack, 1 .. REC_SITE_FRAMES */
	uint32_t max_files;	/* recordings in one directory */
	uint64_t max_size;	/* bytes of one recording */
	uint64_t long_dwell_ns; /* a close so long after the FIN keeps the recording */
};

extern struct options options;

void options_read(const char *s);

/* ---- init.c: the start ------------------------------------------------------------------- */

/* 1 in the process for which `shim` holds true; 0 before the start and after any kind of fork. */
extern uint32_t *init_alive;

bool init_or_reborn(void);

/* First thing in every hook: makes real.x callable. Returns whether the call may be recorded. */
static inline bool hook_enter(void)
{
	return likely(word_get(init_alive) == 1) || init_or_reborn();
}

void init_alive_again(void);
void init_head_reset(void);

/* ---- sys.c: the gate before our system calls ---------------------------------------------- */

/*
 * Calls that belong together: libunwind's, or while a file of ours is open. No handler may jump out
 * of a stay, nor asynchronous cancellation end it: signals wait. A filter of the guest's waits too.
 */
struct stay {
	uint64_t signals; /* the guest's mask */
	bool outermost;
	bool holds; /* signals */
	bool file;  /* gate_hold()'s */
};

/* Returns whether the stay may be: not with a filter, nor when one is about to come. */
bool stay_begin(struct stay *stay);
/* Also where it was not to be. */
void stay_end(const struct stay *stay);

void sys_is_refused(void);
bool sys_seal(bool all_threads);
void sys_unseal(void);
void sys_reborn(void);

/* ---- state of this process and thread ---------------------------------------------------- */

#define LIVES_L2       16384u
#define LIVES_L1       1041u /* up to descriptor 2^30 */
#define SITE_CHUNKS    512u
#define MODULE_CHUNKS  16u
#define OUTCOME_CHUNKS 256u

/*
 * Whether the program has begun to stop: its last listener was closed, it was handed a signal that
 * it catches, or exit() was called.
 */
enum end_began { END_NOT_YET, END_NO_LISTENER, END_SIGNALLED, END_EXITS };

/* Where the recording stands; only recorder.c moves it. */
enum attach_state { DETACHED, ATTACHING, ATTACHED, ATTACH_FAILED };

struct shim {
	int pid;
	int parent_pid;
	uint32_t attach; /* enum attach_state */
	uint32_t attaching_tid;
	bool forked;	    /* this process was forked by one under the shim */
	bool sealed;	    /* a seccomp filter: ask the kernel nothing more */
	bool coarse_clock;  /* the time stamp counter was taken away: only that clock is left */
	bool never_unwind;  /* forked while another thread was inside libunwind */
	bool started;	    /* init_start ran to its end */
	uint32_t ended;	    /* the end was recorded, or is being */
	uint32_t end_began; /* enum end_began */
	bool notable;	    /* the outcomes hold what a rule may speak of */
	bool modules_stale; /* a dlclose while there was no recording */
	bool folded;	    /* ... and the recording, with nothing to tell, was unlinked */
	uint32_t epoch;	    /* counts dlcloses that unmapped a cited module */
	uint32_t nr_modules;
	uint32_t nr_sites;
	uint64_t next_refresh_ns;
	uint64_t forked_ns;	    /* the last fork: who was born before it has several holders */
	uint64_t next_listeners_ns; /* when the lives may next be looked through for listeners */
	uint64_t end_began_ns;	    /* END_NO_LISTENER, END_SIGNALLED: when */
	uint32_t refresh_cursor;
	uint32_t top_chunk; /* highest lives chunk in use, plus 1 */
	uint64_t start_ns;
	uint64_t start_real_ns;
	uint64_t starttime;
	struct rec_header *head; /* the recording's, or `init_no_head` while there is none */
	struct rec_summary *summary;
	struct rec_life **lives[LIVES_L1];
	struct rec_site *sites[SITE_CHUNKS];
	struct rec_module *modules[MODULE_CHUNKS];
	struct rec_progress *progress;
	struct rec_incident *incidents;
	struct rec_outcome *outcomes[OUTCOME_CHUNKS];
	struct rec_poller *pollers;
	bool pollers_refused;	    /* no room for them */
	struct rec_sample *samples; /* NULL until there is one */
	struct rec_sent *sent;	    /* NULL until something is */
	struct rec_kept *kept; /* likewise; in a child, its parent's until it has a recording */
	uint32_t image;	       /* number of this recording among those of the pid */
	char run_dir[600];
	char path[700];
	struct stat stderr_at_start;
	uint64_t oldest_id; /* none below is given to a socket any more */
	/* Written now and then by any thread: away from what every call reads. */
	_Alignas(64) uint64_t next_id;
	uint32_t nr_settled; /* threads that were given a shard of their own */
};

extern struct shim shim;

/* What a thread knows of its own polling; see poll.c. */
struct polling {
	struct rec_poller *entry;
	uintptr_t loop_pc; /* where it polls in a loop, as opposed to a helper's poll in between */
	uint64_t loop_seen_ns;
	const void *known; /* memory of a set that was there a moment ago ... */
	size_t known_bytes;
	uint64_t known_until_ns; /* ... and is believed to be there as long */
	uint64_t stamp_ns;	 /* the last stamp */
	uint64_t look;		 /* what the set looked like then, ... */
	uintptr_t look_pc;	 /* ... whose it was ... */
	uint64_t look_until_ns;	 /* ... and how long nothing need be done while it stays so */
	uint64_t due_ns;	 /* no stamp before, the set being large */
	bool by_epoll;		 /* it waits by epoll_wait */
};

/* The last call of this thread's on a closed number, for a loop that does not stop. */
struct use {
	uintptr_t pc;
	int fd;
	uint32_t seq;
	struct rec_incident *incident; /* NULL: none */
};

struct thread {
	uint32_t tid; /* 0: ask */
	uint32_t touch_seq;
	uint32_t shard;	  /* where it counts; 0: not settled yet */
	uint32_t counted; /* until it is */
	uint64_t id;	  /* the next socket's, while before ids_end */
	uint64_t ids_end;
	struct rec_outcome *outcomes[4]; /* where it counted last, in the recording `of` */
	const struct rec_header *of;
	struct rec_progress *progress[4]; /* of the sites served last, by the site's number */
	uintptr_t stack_lo;		  /* known to be readable: [stack_lo, stack_hi) */
	uintptr_t stack_hi;
	uintptr_t close_pc; /* who called close() last, for which number */
	int close_fd;
	struct use use;
	uint32_t calls; /* of ours that are under way: more than one in a handler */
	bool stays;	/* between stay_begin() and stay_end() */
	bool file_open; /* between gate_hold() and gate_release() */
	bool unwinding;
	struct polling polling;
	bool in_birth; /* between a call that makes a socket and the record of it */
};

extern __thread struct thread thread __attribute__((tls_model("initial-exec")));

/* Where the kernel may not be asked: no tid, but no other living thread's number either. */
static inline uint32_t thread_number(void)
{
	return REC_THREAD_NUMBER | (uint32_t)((uintptr_t)&thread >> 6);
}

uint32_t thread_ask(void);

static inline uint32_t thread_tid(void)
{
	uint32_t tid = thread.tid;

	return likely(tid) ? tid : thread_ask();
}

/*
 * A vfork child shares our memory, and what it closes is not ours. One system call. It cannot fail:
 * where it does there is a filter that no hook saw come.
 */
static inline bool process_is_other(void)
{
	int pid = shim.sealed ? shim.pid : sys_getpid();

	if (unlikely(pid < 0))
		sys_is_refused();
	return pid != shim.pid && pid >= 0;
}

/* clock.c */
typedef int clock_function(clockid_t clock, struct timespec *ts);

extern clock_function *clock_get; /* never NULL; a function of the kernel's that needs no call */

void clock_find(void);
uint64_t clock_ns(clockid_t clock);

static inline uint64_t now_ns(void)
{
	return clock_ns(unlikely(shim.coarse_clock) ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC);
}

static inline uint64_t now_coarse_ns(void)
{
	struct timespec ts = {0, 0};

	clock_get(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- shards.c: what threads count apart ---------------------------------------------------- */

#define SHARDS_SHARED 8u /* where threads count that may not live long */

uint32_t shard_unsettled(void);
struct rec_shard shards_total(const struct rec_header *h);
uint64_t id_new(void);
uint64_t id_from_now_on(void);

/* Which of REC_SHARDS is this thread's. */
static inline uint32_t shard_of_thread(void)
{
	return likely(thread.shard) ? thread.shard : shard_unsettled();
}

/* ---- text.c: building paths and reading /proc without stdio ------------------------------ */

struct text {
	char *buf;
	size_t room;
	size_t len;
	bool cut;
};

struct text text_in(char *buf, size_t room);
void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_add_path(struct text *t, const char *path, size_t n);
void text_add_number(struct text *t, uint64_t n);

/* Reads up to n bytes of a file. Returns their number, or -errno. */
long text_read_file(const char *path, char *buf, size_t n);

/* ---- rundir.c: which directory the recordings of this run lie in ------------------------- */

struct process_id {
	int pid;
	int ppid;
	uint64_t starttime;
};

bool process_id_read(struct process_id *id, int pid);
int rundir_make(void);
bool rundir_is_first_process(void);

/* ---- recorder.c: the file ---------------------------------------------------------------- */

bool recorder_attach(void);
void *recorder_grow(enum rec_chunk_kind kind, uint32_t units, uint32_t base, uint32_t nr,
		    uint32_t entry_bytes);
void recorder_reserve(void);
int recorder_allocate(int fd, uint64_t offset, uint64_t bytes);
void recorder_lost(uint64_t *counter);

/* Makes sure that there is a recording. Returns whether there is. */
static inline bool recorder_ready(void)
{
	return likely(word_get_acquire(&shim.attach) == ATTACHED) || recorder_attach();
}

/* ---- summary.c: the counts of the whole run ----------------------------------------------- */

void summary_open(const char *dir, bool create);
bool summary_refuses(void);
void summary_failed(int error);

/* ---- children.c: programs that are started, and what becomes of the shim in them ---------- */

struct started {
	struct rec_child *child; /* NULL: not known by name */
	bool bare;
};

void children_prepare(void);
struct started child_begin(const char *path, char *const envp[]);
struct started child_begin_fd(int fd, char *const envp[]);
void child_failed(struct started s);
void child_loaded(void);

/* ---- lives.c: the table of descriptors --------------------------------------------------- */

/* A life as it was found: what comes back from the kernel belongs to it while seq is the same. */
struct life_ref {
	struct rec_life *life; /* NULL: no socket that we know of */
	uint32_t seq;
};

struct birth {
	enum rec_call call;
	int family;
	int type;
	int protocol;
	uint32_t flags;
};

struct life_ref life_find_detached(int fd, struct rec_life *life);
struct life_ref life_born(int fd, const struct birth *birth, struct at at);
struct life_ref life_found(int fd, const struct birth *birth, uint64_t born_ns);
struct life_ref life_alias(int fd, struct life_ref from, int from_fd);
void life_born_by_dup(int fd, struct life_ref from, int from_fd, enum rec_call call, struct at at);
bool life_die(int fd, struct at at, uint32_t *undo);
void life_undo_death(int fd, uint32_t undo);
void life_vanished(struct life_ref ref);
void life_accepted_from(struct life_ref listener, uint64_t ns);
void life_eof(struct life_ref ref, struct at at);
void life_error(struct life_ref ref, int error, struct at at);
void life_flag(struct life_ref ref, uint32_t flag);
void lives_flag_all(uint64_t id, uint32_t flag);
void life_shut(struct life_ref ref, int how, struct at at);
void life_forget_waiters(struct rec_life *life);
void life_addr(struct rec_addr *to, const void *addr, socklen_t len);
struct rec_life **life_chunk_pointer(uint32_t chunk);
struct rec_life *life_chunk_grow(uint32_t chunk);

/* ---- inherit.c: what a forked child takes over ------------------------------------------- */

bool lives_inherit(void);

/* A private copy of all lives chunks, taken before a fork for the child. */
struct snapshot {
	void *mem;
	size_t bytes;
};

struct snapshot lives_snapshot(void);
void lives_adopt(const struct snapshot *snapshot);

/* The first number from `fd` on that is near a socket, or UINT32_MAX: leaps over the gaps. */
uint32_t life_next(uint32_t fd);

extern struct rec_life *lives_first[LIVES_L2]; /* shim.lives[0]: a million descriptors */

struct rec_life *life_slot_far(int fd);

/* The slot of a descriptor, or NULL where no socket was near it yet. */
static inline struct rec_life *life_slot(int fd)
{
	struct rec_life *lives;
	uint64_t chunk;

	if (unlikely((uint32_t)fd >= LIVES_L2 * REC_LIVES_PER_CHUNK))
		return life_slot_far(fd);
	/* The quotient, by one multiplication: it is exact up to 2^26. */
	chunk = (uint32_t)fd * (UINT64_C(0x100000000) / REC_LIVES_PER_CHUNK + 1) >> 32;
	lives = word_get_acquire(&lives_first[chunk]);
	return lives ? lives + ((uint32_t)fd - chunk * REC_LIVES_PER_CHUNK) : NULL;
}

/* The open life in fd. */
static inline struct life_ref life_find(int fd)
{
	struct rec_life *life = life_slot(fd);
	uint32_t seq = life ? word_get_acquire(&life->seq) : 0;

	if (likely(!(seq & 1)))
		return (struct life_ref){NULL, 0};
	if (unlikely(word_get_acquire(&shim.attach) != ATTACHED))
		return life_find_detached(fd, life);
	return (struct life_ref){life, seq};
}

static inline bool life_is(struct life_ref ref)
{
	return ref.life && word_get_acquire(&ref.life->seq) == ref.seq;
}

/* ---- wait.c: who is inside a call, and who was told ---------------------------------------- */

int wait_unwound(int version, int actions, uint64_t class, void *exception, void *context);
void wait_told(struct life_ref ref, uint32_t events, struct at at);
uint64_t wait_returned(void);

/* In each hook that says of its thread that it waits: a cancelled thread leaves by this. */
#define CANCELLABLE __asm__ volatile(".cfi_personality 0x1b, wait_unwound")

/* What means that the peer is gone, in poll's revents and in epoll's. */
#define EVENTS_GONE ((uint32_t)(POLLHUP | POLLRDHUP))

static inline void in_call_begin(uint32_t *word)
{
	word_set(word, thread_tid());
}

/* Whatever generation the word belongs to by now: if it names us, we wrote it. */
static inline void in_call_end(uint32_t *word)
{
	if (likely(word_get(word) == thread.tid))
		word_set(word, 0);
}

/* ---- pollers.c: which thread polls, and what ------------------------------------------------ */

#define POLL_SMALL_SET 32u /* members; a larger set is not looked at each time */

/* A call of poll or select; began_ns: when, or 0 where nothing is recorded. */
struct poll_call {
	uint64_t began_ns;
	struct rec_poller *entry; /* that says that this thread waits, or NULL */
};

bool poller_is_unchanged(uint64_t look, uint64_t now, struct at at);
uint64_t poller_next_stamp(uint64_t now);
bool poller_stamp(int fd, uint64_t ns);
void poller_drop(int fd);
void poller_stamped(uint32_t members, uint64_t now, uint64_t ns, struct at at);
void poller_waits(struct poll_call *call, struct at at);

static inline uint64_t poller_look(uint64_t look, uint64_t word)
{
	look = (look ^ word) * 0x9e3779b97f4a7c15u;
	return look ^ look >> 32;
}

/* A descriptor may name another socket than before, though the set looks the same. */
static inline uint64_t poller_look_at(uint64_t look, uint64_t word, int fd)
{
	const struct rec_life *l = life_slot(fd);

	return poller_look(look, word ^ (l ? word_get(&l->seq) * 0xd6e8feb86659fd93u : 0));
}
void poller_returned(const struct poll_call *call, struct at at);
struct rec_poller *poller_turn_ends(void);
void poller_turn_begins(struct rec_poller *entry);

/* ---- epoll.c, epoll_sets.c: which set watches a socket ------------------------------------- */

#define EPOLL_FDS 65536u

extern uint64_t epoll_fds[EPOLL_FDS / 64]; /* descriptors that are epoll sets */

void epoll_made(int fd);
void epoll_filled(int set);
void epoll_duplicated(int from, int to);
void epoll_closed(int fd);
int epoll_set_of(int fd);
void epoll_unwatch(struct rec_life *life);
void epoll_dismiss(struct rec_life *life);

static inline bool epoll_is_set(int fd)
{
	return (unsigned)fd < EPOLL_FDS &&
	       (word_get(&epoll_fds[(unsigned)fd / 64]) >> ((unsigned)fd % 64) & 1);
}

/* ---- progress.c: which thread has got how far -------------------------------------------- */

struct rec_progress *progress_find(uint32_t site, uint64_t now);
void progress_ended(const struct rec_life *life);
/* The thread that touched it last has touched a younger socket of its site since. */
bool progress_moved_on(const struct rec_life *life);

/* This thread's entry for a site, or NULL where there is no room. */
static inline struct rec_progress *progress_get(uint32_t tid, uint32_t site, uint64_t now)
{
	struct rec_progress *p = thread.progress[site % 4];
	uintptr_t offset = (uintptr_t)p - (uintptr_t)word_get(&shim.progress);

	/* In the table still: after a failed exec there is another. */
	if (likely(p && offset < REC_PROGRESS_NR * sizeof(*p) && word_get(&p->tid) == tid &&
		   word_get(&p->site) == site))
		return p;
	return progress_find(site, now);
}

/* This thread has just touched `life`. first: for the first time since its birth. */
static inline void progress_touched(const struct rec_life *life, uint32_t tid, uint64_t now,
				    bool first)
{
	struct rec_progress *p = progress_get(tid, word_get(&life->site), now);
	uint64_t born_ns = word_get(&life->born_ns);

	if (unlikely(!p))
		return;
	if (born_ns >= word_get(&p->newest_born_ns)) {
		word_set(&p->newest_born_ns, born_ns);
		word_set(&p->newest_touch_ns, now);
		word_set(&p->newest_touch_seq, thread.touch_seq);
	}
	if (first)
		word_set(&p->served, word_get(&p->served) + 1);
}

/* ---- a touch: what every read and write costs, so it is here and stands in one cache line --- */

void stuck_returned(void);
void life_taken(struct life_ref ref);

/* Returns when that was, or 0 where the socket is gone. Leaves errno alone. */
static inline __attribute__((always_inline)) uint64_t life_touch(struct life_ref ref,
								 enum rec_call call, struct at at)
{
	const uint32_t in_hand = REC_LIFE_TOUCHED | REC_LIFE_HANDED;
	struct rec_life *l = ref.life;
	uint32_t tid, flags;
	uint64_t now;

	if (unlikely(!life_is(ref))) {
		stuck_returned();
		return 0;
	}
	now = now_coarse_ns();
	word_set(&l->touch_ns, now);
	word_set(&l->touch_pc, at.pc);
	word_set(&l->touch_call, (uint16_t)call);
	tid = thread_tid();
	word_set(&l->touch_tid, tid);
	word_set(&l->touch_seq, ++thread.touch_seq);
	flags = word_get(&l->flags);
	if (unlikely((flags & in_hand) != REC_LIFE_TOUCHED))
		life_taken(ref);
	progress_touched(l, tid, now, !(flags & REC_LIFE_TOUCHED));
	return now;
}

/* It took bytes, at the touch that returned touched_ns. */
static inline void life_wrote(struct life_ref ref, uint64_t touched_ns)
{
	if (likely(touched_ns))
		word_set(&ref.life->write_ns, touched_ns);
}

/* ---- outcomes.c: how the sockets of each place ended -------------------------------------- */

void outcome_add(int fd, const struct rec_life *life);
void outcome_listener_closes(const struct rec_life *life);
void outcome_listener_opens(const struct rec_life *life);
void outcome_signalled(void);
void outcome_goes_on(const struct rec_life *life);

/* ---- facts.c: what the kernel says about a socket ---------------------------------------- */

bool facts_ask(int fd, struct life_ref ref);
int facts_tcp_state(int fd, const struct rec_life *l, uint32_t *last_ack_ms);
uint32_t facts_unread(int fd);
void facts_refresh(uint64_t now);

/* ---- samples.c: the time line -------------------------------------------------------------- */

void samples_take(uint64_t now);
void samples_end(uint64_t now);
void samples_reborn(void);
void facts_count_threads(void);

/* ---- found.c: sockets that no hook saw being opened --------------------------------------- */

uint64_t found_cookie(int fd);
bool found_describe(int fd, struct birth *b);
void found_at_start(void);
uint32_t found_unseen(void);

/* ---- pass.c: sockets that pass between processes ------------------------------------------ */

void pass_received(const struct msghdr *msg, enum rec_call call, struct at at);
void pass_taken(int fd, struct at at);
void pass_sent(int fd, const struct msghdr *msg, struct at at);

/* ---- stack.c, unwinder.c, ldso.c, sites.c, modules.c: from a caller to a site -------------- */

struct frames {
	uint32_t nr;
	uint32_t flags; /* enum rec_site_flag */
	bool cacheable; /* every return address lies at its slot */
	uint64_t pc[REC_SITE_FRAMES];
	uint32_t slot[REC_SITE_FRAMES]; /* where pc lies, in bytes above the first cfa */
};

uint32_t stack_site(struct at at);
bool stack_readable(const void *p, struct at at);
void stack_change(struct at at);

static inline void stack_enter(struct at at)
{
	if (unlikely(at.cfa < thread.stack_lo || at.cfa >= thread.stack_hi))
		stack_change(at);
}

/* Whether the program's n bytes at p lie in its live stack, as far as that is known. */
static inline bool stack_holds(const void *p, size_t n, struct at at)
{
	uintptr_t from = (uintptr_t)p;

	stack_enter(at);
	return from >= at.cfa && from < thread.stack_hi && thread.stack_hi - from >= n;
}

/* The number that stands for its pipe; no real descriptor: fs.nr_open ends at 2^30. */
enum { unwinder_fd = INT_MAX - 40 };

void unwinder_load(void);
void unwinder_warm(void);
bool unwinder_present(void);
bool unwinder_walk(struct at at, struct frames *frames);
bool unwinder_enter(struct stay *stay);
void unwinder_leave(const struct stay *stay);
bool gate_hold(struct stay *stay);
void gate_release(const struct stay *stay);
void unwinder_gate_close(void);
void unwinder_gate_open(void);
void unwinder_reborn(void);
bool unwinder_is_caller(struct at at);
long unwinder_probe(const void *address);

void ldso_find_lock(void);
bool ldso_lock_is_stuck(void);

uint32_t site_intern(const struct frames *frames);
void site_bears(uint32_t site, enum rec_call call);
void site_connects(uint32_t site, const struct rec_addr *peer);
struct rec_site *site_get(uint32_t id);
bool sites_inherit(void);
bool modules_inherit(void);
void module_cite(uint64_t pc);
void module_unloaded(void);

/* ---- load.c: what the guest does past every hook ----------------------------------------- */

void blind_to(uint32_t flag);
void blind_tell_summary(void);

/* ---- the raw doors: what syscall() is asked to do, each by its family's file -------------- */

/* Does what its hook does, by system call `nr` with the arguments a; results as syscall()'s. */
typedef long raw_door(long nr, const long a[6], struct at at);

#define RAW(nr, door) raw_door door;
#include "raw.def"
#undef RAW

static inline long raw_call(long nr, const long a[6])
{
	return real.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- incidents.c: calls that went wrong --------------------------------------------------- */

struct rec_incident *incident_add(const struct rec_incident *in);
void incident_double_close(int fd, struct at at);
void incident_exhausted(int fd, enum rec_call call, int error, struct at at);
void incident_use(int fd, enum rec_call call, struct at at);

/* A call on a number in which no socket lives. Returns its result. */
static inline ssize_t use_returned(int fd, enum rec_call call, ssize_t r, struct at at)
{
	if (unlikely(r < 0))
		incident_use(fd, call, at);
	return r;
}

/* ---- stuck.c: sockets that are closed under a thread -------------------------------------- */

void stuck_add(int fd, const struct rec_life *l);
void stuck_undo(int fd);
void stuck_look(uint64_t now);
void stuck_reborn(void);

/* After its death was recorded. */
static inline void stuck_closed(int fd, const struct rec_life *l)
{
	if (unlikely(word_get(&l->reader_tid) || word_get(&l->writer_tid)))
		stuck_add(fd, l);
}

/* ---- close.c, process.c ------------------------------------------------------------------ */

typedef int close_function(int fd);

void close_forget(int fd);
int close_recorded(int fd, struct at at, close_function *really);
void process_reborn(const struct snapshot *snapshot);

/* ---- end.c, tell.c: the end of the process, and saying what was found -------------------- */

void end_record(enum rec_end_kind kind, uint32_t value);
void end_take_back(void);
/* wishes.c: how the report is to be judged that is printed there; arguments of the command */
#define WISHES_MAX 16u
void wish(const char *argument, const char *value, const char *end, bool is_path);
void wish_suppressions(const char *s);
void wish_epoch(const char *seconds);
uint32_t wishes(const char **argv);
const char *wished_epoch(void);

void tell_prepare(void);
void tell(void);
void tell_failure(int error);
void tell_line(const char *line, size_t n);

/* ---- api.c, kept.c: what a program asks of us by include/socklint.h ------------------------ */

struct socklint_checkpoint;
struct socklint_leak;

int socklint_keep_v1(int fd, const char *reason);
void socklint_checkpoint_v1(struct socklint_checkpoint *now, size_t bytes);
int socklint_leaks_v1(const struct socklint_checkpoint *since, int which, struct socklint_leak *out,
		      size_t each_bytes, size_t room);
void kept_add(uint64_t id, int fd, const char *reason);
void kept_inherit(void);

/* ---- asan.c: no hook, but asked for by name ------------------------------------------------ */

const char *__asan_default_options(void);

/* ---- signals.c --------------------------------------------------------------------------- */

void signals_arm_all(void);
void signals_disarm_all(void);

/* ---- caught.c: sigaction() and signal(), for signals that the program may mean to end by -- */

int caught_set(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t caught_signal(sighandler_t (*set)(int, sighandler_t), int sig, sighandler_t h);

/* Not in the guest's house. (fork, exit and their like stay usable: they are hooks here.) */
#pragma GCC poison malloc calloc realloc free strdup printf fprintf snprintf fopen puts fputs
#pragma GCC poison clock_gettime pthread_create pthread_mutex_lock pthread_sigmask sigprocmask
#pragma GCC poison perror abort

#endif
