/* SPDX-License-Identifier: MIT */
/*
 * The recording: all that the shim (which writes) and the report (which reads) share.
 *
 * One file per process image, "PID.N.socklint" (N counts the images that a pid ran through by
 * exec), in a directory per run, beside one file "summary". The shim maps a recording MAP_SHARED
 * and writes single aligned words; so the file is readable at every instant, also while the
 * program runs and after SIGKILL. A reader must distrust every number in it.
 *
 *	offset 0		struct rec_header, in a unit of its own
 *	REC_UNIT ...		chunks, each 1 or more units long, each with a struct rec_chunk
 *first
 *	...			up to header.file_bytes
 *
 * A unit whose chunk header still says REC_CHUNK_NONE is being made: step over one unit. So that
 * its second unit is not taken for a chunk, only what is there before the header's magic is longer
 * than one.
 * All words are in the byte order of the machine that ran the program.
 *
 * Times "_ns" are CLOCK_MONOTONIC in nanoseconds and 0 for "never"; "touch" times come from
 * CLOCK_MONOTONIC_COARSE and may lag by up to 10 ms. header.start_ns and header.start_real_ns
 * are the same instant on both clocks.
 */
#ifndef SOCKLINT_RECORDING_H
#define SOCKLINT_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#define REC_MAGIC	  "SOCKLINT"
#define REC_SUMMARY_MAGIC "SOCKLSUM"
#define REC_VERSION	  5u
#define REC_UNIT	  16384u
#define REC_SUFFIX	  ".socklint"
#define REC_SUMMARY_NAME  "summary"

/* A "_tid" with this bit is no tid but a number of the shim's: the kernel could not be asked. */
#define REC_THREAD_NUMBER (1u << 31)

/* ---- lives ------------------------------------------------------------------------------- */

/* The call that touched a socket last, or that gave birth to it. Codes are append-only. */
#define REC_CALLS(X)                                                                               \
	X(NONE, "none")                                                                            \
	X(SOCKET, "socket")                                                                        \
	X(SOCKETPAIR, "socketpair")                                                                \
	X(ACCEPT, "accept")                                                                        \
	X(ACCEPT4, "accept4")                                                                      \
	X(DUP, "dup")                                                                              \
	X(DUP2, "dup2")                                                                            \
	X(DUP3, "dup3")                                                                            \
	X(FCNTL, "fcntl")                                                                          \
	X(CONNECT, "connect")                                                                      \
	X(BIND, "bind")                                                                            \
	X(LISTEN, "listen")                                                                        \
	X(READ, "read")                                                                            \
	X(READV, "readv")                                                                          \
	X(RECV, "recv")                                                                            \
	X(RECVFROM, "recvfrom")                                                                    \
	X(RECVMSG, "recvmsg")                                                                      \
	X(RECVMMSG, "recvmmsg")                                                                    \
	X(WRITE, "write")                                                                          \
	X(WRITEV, "writev")                                                                        \
	X(SEND, "send")                                                                            \
	X(SENDTO, "sendto")                                                                        \
	X(SENDMSG, "sendmsg")                                                                      \
	X(SENDMMSG, "sendmmsg")                                                                    \
	X(SENDFILE, "sendfile")                                                                    \
	X(SHUTDOWN, "shutdown")                                                                    \
	X(CLOSE, "close")                                                                          \
	X(SPLICE, "splice")                                                                        \
	X(FDOPEN, "fdopen")                                                                        \
	X(PIDFD_GETFD, "pidfd_getfd")                                                              \
	X(POLL, "poll")                                                                            \
	X(SELECT, "select")                                                                        \
	X(EPOLL_WAIT, "epoll_wait")                                                                \
	X(AT_START, "open at the start")                                                           \
	X(UNSEEN, "a call that no hook saw")

enum rec_call {
#define REC_CALL_ENUM(code, name) REC_CALL_##code,
	REC_CALLS(REC_CALL_ENUM)
#undef REC_CALL_ENUM
		REC_CALL_COUNT
};

enum rec_life_flag {
	REC_LIFE_ACCEPTED = 1u << 0,	   /* born by accept: we are the server side */
	REC_LIFE_LISTENING = 1u << 1,	   /* listen() succeeded */
	REC_LIFE_CONNECTED = 1u << 2,	   /* connect() succeeded, or is under way (EINPROGRESS) */
	REC_LIFE_CONNECT_FAILED = 1u << 3, /* the last connect() failed; its errno in reset_errno */
	REC_LIFE_EOF = 1u << 4,		   /* the program read the EOF: eof_* say where and when */
	REC_LIFE_RESET = 1u << 5,	   /* a call returned ECONNRESET, EPIPE, ...: reset_* */
	REC_LIFE_SHUT_RD = 1u << 6,	   /* shutdown(SHUT_RD or SHUT_RDWR) succeeded */
	REC_LIFE_SHUT_WR = 1u << 7,	   /* shutdown(SHUT_WR or SHUT_RDWR) succeeded */
	REC_LIFE_TOUCHED = 1u << 8,	   /* used for I/O by this process after its birth */
	REC_LIFE_DUPLICATE = 1u << 9,	   /* shares its socket with another descriptor (same id) */
	REC_LIFE_INHERITED = 1u << 10, /* came by fork; site, time and thread are the parent's */
	REC_LIFE_FACTS = 1u << 11,     /* the kernel_* fields are filled in, as of facts_ns */
	REC_LIFE_GONE = 1u << 12,      /* at the end the kernel no longer had this socket here */
	REC_LIFE_TOUCHER_ENDED = 1u << 13, /* as of facts_ns the thread touch_tid had ended */
	REC_LIFE_REVIVED = 1u << 14,  /* a recorded close had not closed it: put right at the end */
	REC_LIFE_TOLD = 1u << 15,     /* poll, select or epoll_wait said that the peer is gone */
	REC_LIFE_FIRED = 1u << 16,    /* its EPOLLONESHOT was delivered, and it was not rearmed */
	REC_LIFE_AT_START = 1u << 17, /* was open when this image started: passed on by exec */
	REC_LIFE_UNSEEN = 1u << 18, /* no hook saw its birth: it was found in the kernel's table */
	REC_LIFE_RECEIVED = 1u << 19, /* came from another process: SCM_RIGHTS or pidfd_getfd */
	REC_LIFE_SENT = 1u << 20,     /* was sent by SCM_RIGHTS: somebody else may hold it */
	REC_LIFE_CLOEXEC = 1u << 21,  /* FD_CLOEXEC was set when the image ended by exec */
	REC_LIFE_STDIO = 1u << 22,    /* read and written through a FILE, where no hook looks */
	REC_LIFE_KEPT = 1u << 23,     /* the program says that it is meant to stay open */
	REC_LIFE_COPY = 1u << 24,     /* DUPLICATE, and not the first of them */
	REC_LIFE_FIRST_CLOSED = 1u
				<< 25, /* COPY: the first was closed; close_* say where and when */
	REC_LIFE_HANDED = 1u << 26, /* its EPOLLONESHOT was delivered; no call has used it since */
	REC_LIFE_COOKIE = 1u << 27, /* kernel_cookie is filled in */
	REC_LIFE_ABORTS = 1u << 28, /* SO_LINGER is on, of 0 s: its close sends a RST, not a FIN */
};

struct rec_addr {
	uint16_t family; /* AF_INET, AF_INET6; 0: not known */
	uint16_t port;	 /* host byte order */
	uint32_t scope;	 /* sin6_scope_id, of link-local addresses only */
	uint8_t ip[16];	 /* network byte order; IPv4 in the first four bytes */
};

/*
 * One descriptor that is, or was last, a socket. Descriptors that share a socket share its id. The
 * slot of descriptor D is number D % 65 of the REC_CHUNK_LIVES chunk whose base is D / 65 * 65.
 *
 * Such a chunk holds all its struct rec_life first, which start with a cache line each, and then as
 * many struct rec_life_rest: see rec_life_rest_of().
 */
struct rec_life {
	/* One cache line: what every read and write uses. */
	uint32_t seq;  /* generation: odd while open, even when closed, 0 never used */
	uint32_t site; /* where it was born */
	uint64_t born_ns;
	uint32_t flags;	    /* enum rec_life_flag */
	uint8_t born_by;    /* enum rec_call */
	uint8_t touch_call; /* enum rec_call of the last touch; the birth is the first touch */
	uint8_t type;	    /* SOCK_STREAM, ... without flags */
	uint8_t protocol;
	uint64_t touch_ns; /* coarse, see above; of a listener, exact: its last accept() */
	uint64_t touch_pc; /* return address in the caller; 0: the birth. A place once its module
			      is gone, see rec_place() */
	uint32_t touch_tid;
	uint32_t touch_seq;  /* count of touches by that thread: orders its touches exactly */
	uint32_t reader_tid; /* a thread inside a read-like call on it, or 0 */
	uint32_t writer_tid; /* a thread inside a write-like call on it, or 0 */
	uint64_t write_ns;   /* last successful send or write (coarse) */
	/* The second: who it is, and who waits on it. */
	uint64_t id; /* number of the socket in this process image, from 1; kept by dup */
	uint32_t born_tid;
	uint8_t family;	      /* AF_* as given at birth */
	uint8_t local_family; /* of its addresses, see rec_life_local() and rec_life_peer() ... */
	uint8_t peer_family;
	uint8_t reset_errno; /* with RESET or CONNECT_FAILED */
	uint8_t local_ip[16];
	uint8_t peer_ip[16];
	uint16_t local_port;
	uint16_t peer_port;
	int32_t epoll_fd;      /* the epoll set that watches it, or -1 */
	uint32_t epoll_events; /* the mask that was given to epoll_ctl last */
	uint32_t poller_tid;   /* who had it in a poll or select set last, see rec_poller */
	/* The third: what comes towards its end. */
	uint64_t polled_ns; /* ... and when that was stamped (coarse). Where poller_tid is 0: when
			       its epoll set ceased to wait for it */
	uint64_t told_ns;   /* poll, select or epoll_wait first said HUP, RDHUP or ERR of it */
	uint64_t shut_ns;
	uint32_t told_site; /* with told_ns: where it was told that the peer is gone */
	uint32_t shut_site;
	uint64_t eof_ns;
	uint32_t eof_site;
	uint32_t eof_tid;
	uint64_t close_ns; /* of the last death in this slot: valid while seq is even, or
			      FIRST_CLOSED */
	uint32_t close_site;
	uint32_t close_tid;
};

/*
 * What the kernel says of it, and what is rare. It is not cleared between two lives: the flags of
 * the life, and its addresses, say what of it is there.
 */
struct rec_life_rest {
	uint64_t facts_ns;	     /* FACTS: when the kernel was asked */
	uint32_t kernel_last_ack_ms; /* tcpi_last_ack_recv: lower bound of the age of a FIN */
	uint32_t kernel_unread;	     /* SIOCINQ, bytes; LISTEN: not accepted yet */
	uint32_t kernel_unsent;	     /* SIOCOUTQ, bytes; LISTEN: their limit */
	uint8_t kernel_tcp_state;    /* TCP_ESTABLISHED .. of <netinet/tcp.h>; 0: not TCP */
	uint8_t kernel_eof_unread;   /* 1: SO_MEMINFO proves that the EOF still lies unread */
	uint16_t kernel_error;	     /* errno of the question, when it could not be answered */
	uint64_t kernel_cookie;	     /* COOKIE: SO_COOKIE, the socket's name across processes */
	uint64_t reset_ns;	     /* RESET */
	uint32_t reset_site;
	int32_t sibling_fd; /* DUPLICATE: a descriptor that shares the socket (a hint) */
	uint32_t scope;	    /* of its addresses, where these are of one link */
	uint32_t reserved;
};

#define REC_LIVES_PER_CHUNK 65u /* one unit */
#define REC_LIFE_BYTES	    (sizeof(struct rec_life) + sizeof(struct rec_life_rest))

/* life: the slot of fd, in its chunk. */
static inline struct rec_life_rest *rec_life_rest_of(const struct rec_life *life, uint32_t fd)
{
	uint32_t i = fd % REC_LIVES_PER_CHUNK;

	return (struct rec_life_rest *)(uintptr_t)(life - i + REC_LIVES_PER_CHUNK) + i;
}

/* fe80::/10: the same address is there on every link. */
static inline int rec_ip_is_of_link(uint8_t family, const uint8_t ip[16])
{
	return family == 10 /* AF_INET6 */ && ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static inline struct rec_addr rec_addr_of(uint8_t family, uint16_t port, uint32_t scope,
					  const uint8_t ip[16])
{
	struct rec_addr a = {
		.family = family, .port = port, .scope = rec_ip_is_of_link(family, ip) ? scope : 0};
	size_t i;

	for (i = 0; i < sizeof(a.ip); i++)
		a.ip[i] = ip[i];
	return a;
}

static inline struct rec_addr rec_life_local(const struct rec_life *l,
					     const struct rec_life_rest *rest)
{
	return rec_addr_of(l->local_family, l->local_port, rest->scope, l->local_ip);
}

static inline struct rec_addr rec_life_peer(const struct rec_life *l,
					    const struct rec_life_rest *rest)
{
	return rec_addr_of(l->peer_family, l->peer_port, rest->scope, l->peer_ip);
}

/* ---- sites and modules ------------------------------------------------------------------- */

#define REC_SITE_FRAMES 60

enum rec_site_flag {
	REC_SITE_TRUNCATED = 1u << 0,	/* deeper than the depth that was asked for */
	REC_SITE_CALLER_ONLY = 1u << 1, /* could not be unwound here: the caller's address alone */
	REC_SITE_HANDLER = 1u << 2, /* ends with a signal's frame: what it interrupted is chance */
};

#define REC_SITE_SEVERAL_PEERS UINT64_MAX

/*
 * A place in the code: the number of its module, from 1, and below that the address in the terms
 * of that file, which says where it is whenever and wherever the file is mapped. Module 0: in no
 * file (a JIT's), or in one that could not be asked for; then it is the address itself.
 */
#define REC_OFFSET_BITS 48

static inline uint64_t rec_place(uint32_t module, uint64_t offset)
{
	return (uint64_t)module << REC_OFFSET_BITS |
	       (offset & ((UINT64_C(1) << REC_OFFSET_BITS) - 1));
}

static inline uint32_t rec_place_module(uint64_t place)
{
	return (uint32_t)(place >> REC_OFFSET_BITS);
}

static inline uint64_t rec_place_offset(uint64_t place)
{
	return rec_place(0, place);
}

/* An interned backtrace. Site ids count from 1; id 0 means "no stack was taken". */
struct rec_site {
	uint32_t hash;
	uint16_t nr;	/* frames used; 0: not (yet) valid */
	uint16_t flags; /* enum rec_site_flag */
	uint32_t reserved;
	uint32_t born_by;	/* enum rec_call that gives birth to sockets here; 0: none does */
	uint64_t ended_born_ns; /* as rec_progress.ended_born_ns, of threads evicted from there */
	uint64_t peer; /* a hash of the one peer that its sockets connected to; 0: none yet */
	/* Return addresses as places, innermost (the hook's caller) first */
	uint64_t pc[REC_SITE_FRAMES];
};

#define REC_BUILD_ID_MAX 32
#define REC_PATH_MAX	 440

/*
 * An ELF file that a site cites: number i of the chunk whose base is b has the number b + i + 1.
 * One that is unloaded and comes back has its number again, wherever and by whatever name it does.
 * The address a in it is a - lo + vaddr in the file's own terms.
 */
struct rec_module {
	uint32_t seq;	  /* 0: not there; odd: being written. It moves when the path does */
	uint32_t mapped;  /* REC_MODULE_MAPPED: at lo, just now */
	uint32_t content; /* without a build id: a hash of what is mapped of it; 0: not known */
	uint8_t build_id_len;
	uint8_t path_cut; /* 1: the path was longer than there is room for */
	uint8_t is_vdso;
	uint8_t is_shim; /* frames in here are socklint's own: drop them */
	uint64_t lo;	 /* where it is mapped, or was last */
	uint64_t bytes;
	uint64_t vaddr; /* of lo, in the file's own terms */
	uint8_t build_id[REC_BUILD_ID_MAX];
	char path[REC_PATH_MAX]; /* NUL-terminated */
};

enum rec_module_mapped {
	REC_MODULE_GONE,
	REC_MODULE_MAPPED,
	REC_MODULE_RETURNS, /* it is, but lo is not yet right */
};

/* ---- progress: what proves that a thread moved on --------------------------------------- */

/*
 * How far one thread has got with the sockets of one birth site. Only that thread writes it. The
 * table is fixed: an idle entry may be evicted, its ended_born_ns is then folded into the site.
 */
struct rec_progress {
	uint32_t tid; /* 0: free */
	uint32_t site;
	uint64_t newest_born_ns;   /* birth of the youngest socket that the thread has touched */
	uint64_t newest_touch_ns;  /* when it touched that one last (coarse) */
	uint32_t newest_touch_seq; /* as rec_life.touch_seq */
	uint32_t served;	   /* sockets of the site that it touched after their birth */
	uint64_t ended_born_ns;	   /* youngest birth of a served socket that the thread closed */
	uint64_t ended;		   /* served sockets that it closed */
	uint64_t reserved[2];
};

/* ---- pollers: who waits in poll and select ------------------------------------------------ */

/*
 * One thread that calls poll or select. On entry it stamps the members of its set that wait for
 * input (a large set not each time); a socket whose polled_ns is older than its poller's
 * stamped_ns has left the set since. A helper that polls in between from another place leaves
 * stamped_ns as it is: the loop comes back. Only that thread writes it; idle entries may be
 * evicted.
 *
 * A thread's turn is the time between two waits, by epoll_wait or in its loop by poll or select:
 * what the first of them told may still lie before it.
 */
struct rec_poller {
	uint32_t tid;	      /* 0: free */
	uint32_t waiting;     /* 1 while it is inside the call */
	uint64_t stamped_ns;  /* coarse, but no two stamps of a thread are the same */
	uint64_t turn_ns;     /* when its turn began (coarse); 0 while it waits */
	uint64_t before_ns;   /* when the turn before that began; 0: there was none */
	uint64_t alive_ns;    /* at the end: then this thread was still in its turn; or 0 */
	uint64_t reserved[3]; /* a cache line for each */
};

/* ---- sent: sockets handed to other processes ---------------------------------------------- */

/* A ring: what was sent by SCM_RIGHTS, kept beyond the sender's own close. */
struct rec_sent {
	uint64_t cookie; /* written last */
	uint64_t id;
	uint64_t born_ns;
	uint64_t sent_ns;
	uint32_t born_site;
	uint32_t born_tid;
	uint32_t sent_site;
	uint32_t sent_tid;
	uint16_t born_by; /* enum rec_call */
	uint16_t reserved2;
	int32_t fd;
	uint64_t reserved;
};

/* ---- kept: what is meant to stay open ----------------------------------------------------- */

#define REC_KEPT_REASON 112

/* Why, for a socket that the program has marked so. One that is no more may stand here still. */
struct rec_kept {
	uint64_t id; /* written last; 0: free, UINT64_MAX: being made */
	int32_t fd;
	uint32_t reserved;
	char reason[REC_KEPT_REASON]; /* NUL-terminated */
};

/* ---- outcomes: how the sockets of each place ended ---------------------------------------- */

enum rec_outcome_flag {
	REC_OUTCOME_PASSIVE = 1u << 0,	 /* the peer had sent its FIN before we closed */
	REC_OUTCOME_TOLD = 1u << 1,	 /* ... and the program had read it */
	REC_OUTCOME_RESET = 1u << 2,	 /* the connection was over before: RST, a failed connect */
	REC_OUTCOME_INHERITED = 1u << 3, /* closed by a process that had it from another */
	REC_OUTCOME_AT_END = 1u << 4,	 /* closed after exit() or, if older, the last listener */
	REC_OUTCOME_ACCEPTED = 1u << 5,	 /* we were the server */
	REC_OUTCOME_TCP = 1u << 6,
	/* AT_END: nobody waited on it for a second, and its thread had served a younger one */
	REC_OUTCOME_LEFT = 1u << 7,
};

/*
 * Buckets of times: number 0 is less than REC_BUCKET_NS, number N from REC_BUCKET_NS << (N - 1) to
 * before REC_BUCKET_NS << N; the last has no end.
 */
#define REC_BUCKETS   30
#define REC_BUCKET_NS 65536u

/*
 * Ended sockets of one birth site, closed at one site in one way. Several entries may have the
 * same key (threads count apart): they are to be added up. Only the close of a socket's last
 * descriptor counts.
 */
struct rec_outcome {
	uint32_t birth_site; /* written last; 0: free, UINT32_MAX: being made */
	uint32_t close_site;
	uint32_t flags; /* enum rec_outcome_flag */
	uint32_t shard;
	uint64_t nr;
	uint64_t dwell_max_ns; /* from the peer's FIN to our close; for PASSIVE ones */
	uint64_t life_max_ns;  /* from birth to close */
	uint64_t last_ns;      /* when the last of them ended */
	uint32_t dwell[REC_BUCKETS];
	uint32_t life[REC_BUCKETS];
	uint64_t first_ns;  /* when the first of them ended */
	uint64_t nr_active; /* TCP: we sent the first FIN, and TIME_WAIT is ours */
	uint32_t asked;	 /* TCP, closed before the peer's FIN: how often the kernel was asked ... */
	uint32_t unread; /* ... and said that data lay unread: then a RST was sent for a FIN */
	uint64_t reserved;
};

/* ---- samples: the time line --------------------------------------------------------------- */

enum rec_sample_flag {
	REC_SAMPLE_AT_LEAST = 1u << 0, /* not all sockets were looked at: there were more */
};

/*
 * How things stood at one moment: in time order, the first some second after the start, the last
 * at the end (none where the process lived for less than a second). When the table is full every
 * second one is dropped, and the time between two doubles, so it always spans the whole life.
 * Where no hook passes for long there is a gap.
 */
struct rec_sample {
	uint64_t ns;
	uint64_t births;   /* so far, as the header counts them */
	uint64_t deaths;   /* likewise */
	uint32_t open;	   /* descriptors that hold sockets, of every kind */
	uint32_t fin_seen; /* TCP: the peer's FIN is known of, by whatever, and ours is not sent */
	uint32_t close_wait; /* ... of those, what the kernel said when asked last */
	uint32_t flags;	     /* enum rec_sample_flag */
	uint32_t reserved;
	uint32_t check; /* rec_sample_check(): one that fails is half written, or of no use */
};

static inline uint32_t rec_sample_check(const struct rec_sample *s)
{
	const uint64_t words[] = {s->ns, s->births, s->deaths,
				  (uint64_t)s->open << 32 | s->fin_seen,
				  (uint64_t)s->close_wait << 32 | s->flags};
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash >> 32) | 1u;
}

/* ---- incidents --------------------------------------------------------------------------- */

enum rec_incident_kind {
	REC_INCIDENT_NONE,
	REC_INCIDENT_DOUBLE_CLOSE,    /* close() of a descriptor whose socket was closed before */
	REC_INCIDENT_EXHAUSTED,	      /* EMFILE or ENFILE at a birth */
	REC_INCIDENT_USE_AFTER_CLOSE, /* a call failed by EBADF: the socket was closed before */
	REC_INCIDENT_HOLDER,	      /* who held the descriptors at an EXHAUSTED */
	REC_INCIDENT_CLOSED_UNDER_READER, /* closed while another thread was inside a call on it */
	REC_INCIDENT_KINDS
};

/*
 * One of a kind, place and first place is kept, and says how often it happened again. The words
 * that name two are read by kind.
 */
struct rec_incident {
	uint32_t kind; /* written last */
	int32_t fd;
	uint32_t site;
	/*
	 * DOUBLE_CLOSE, USE_AFTER_CLOSE: where it was closed the first time. HOLDER: the site of
	 * its EXHAUSTED; `site` is where those sockets were born. CLOSED_UNDER_READER: its birth.
	 */
	uint32_t first_site;
	uint64_t ns;
	union {
		uint64_t first_ns;
		uint64_t fd_limit; /* EXHAUSTED: RLIMIT_NOFILE, soft, then */
		uint64_t until_ns; /* CLOSED_UNDER_READER: when the call was seen, or returned */
	};
	union {
		uint64_t life_id;
		uint64_t nr_sockets; /* EXHAUSTED: numbers that held sockets; HOLDER: of `site` */
	};
	uint32_t tid;
	uint32_t error;
	uint64_t last_ns; /* of the last one alike; 0: there was none */
	uint32_t again;	  /* how many more there were */
	uint16_t call;	  /* enum rec_call; 0: not known */
	uint16_t reserved;
};

/* ---- chunks ------------------------------------------------------------------------------ */

enum rec_chunk_kind {
	REC_CHUNK_NONE,
	REC_CHUNK_LIVES,   /* base: first descriptor; entry_bytes: REC_LIFE_BYTES */
	REC_CHUNK_SITES,   /* base: first site id */
	REC_CHUNK_MODULES, /* base: number of the first */
	REC_CHUNK_PROGRESS,
	REC_CHUNK_INCIDENTS,
	REC_CHUNK_OUTCOMES,
	REC_CHUNK_SAMPLES,
	REC_CHUNK_POLLERS,
	REC_CHUNK_SENT,
	REC_CHUNK_KEPT,
	REC_CHUNK_KINDS
};

/* Followed by nr entries of entry_bytes each. A reader steps over kinds that it does not know. */
struct rec_chunk {
	uint32_t kind; /* written last */
	uint32_t units;
	uint32_t base;
	uint32_t nr;
	uint32_t entry_bytes;
	uint32_t reserved[11];
};

#define REC_CHUNK_ROOM(units) ((units)*REC_UNIT - sizeof(struct rec_chunk))
#define REC_SITES_PER_CHUNK   31u /* one unit */
#define REC_MODULES_PER_CHUNK 31u /* one unit */
#define REC_PROGRESS_UNITS    4u
#define REC_PROGRESS_NR	      1023u
#define REC_INCIDENTS_NR      255u /* one unit */
#define REC_OUTCOMES_NR	      51u  /* one unit */
#define REC_POLLERS_UNITS     4u
#define REC_POLLERS_NR	      1023u
#define REC_SENT_NR	      255u /* one unit */
#define REC_KEPT_NR	      127u /* one unit */
#define REC_SAMPLES_NR	      340u /* one unit; even */

/* ---- header ------------------------------------------------------------------------------ */

enum rec_end_kind {
	REC_END_NONE,	/* still running, or killed without a chance to say so */
	REC_END_RETURN, /* exit() or main's return; end_value is not known (0) */
	REC_END_EXIT,	/* _exit() or quick_exit(): end_value is the status */
	REC_END_SIGNAL, /* default SIGTERM, SIGINT or SIGHUP: end_value is the signal */
	REC_END_EXEC,	/* execve: what is open and not close-on-exec passes to the next image */
};

enum rec_header_flag {
	REC_HEADER_FORKED = 1u << 0,	  /* made in a forked child; parent_pid started it */
	REC_HEADER_NO_UNWINDER = 1u << 1, /* libunwind could not be loaded: callers only */
	REC_HEADER_SEALED = 1u << 2, /* a seccomp filter came: the kernel was not asked since */
	REC_HEADER_NO_UNWIND_AFTER_FORK = 1u << 3, /* forked while another thread unwound */
	REC_HEADER_IO_URING = 1u << 4,		   /* uses io_uring, which no hook sees */
	REC_HEADER_FOLLOWED = 1u << 5,		   /* started by "socklint run" */
	REC_HEADER_NO_PROC = 1u << 7, /* which sockets were open at the start was guessed */
	REC_HEADER_MANY_AT_START =
		1u << 8, /* more sockets were open at the start than were followed */
	/* Ended by exec, and if that succeeded has nothing to tell ... */
	REC_HEADER_SPENT = 1u << 9,    /* at all: what was open is closed */
	REC_HEADER_ORIGINS = 1u << 10, /* but where the sockets come from that it passed on */
	REC_HEADER_DEEPBIND = 1u << 6, /* loaded a library past the hooks: RTLD_DEEPBIND, dlmopen */
};

/* What threads count apart, so that no two write one cache line: to be added up. */
struct rec_shard {
	uint64_t births;
	uint64_t deaths;
	uint64_t reserved[6];
};

#define REC_SHARDS 128u

struct rec_header {
	char magic[8]; /* REC_MAGIC, written last */
	uint32_t version;
	uint32_t header_bytes; /* sizeof(struct rec_header) */
	uint32_t unit_bytes;   /* REC_UNIT */
	uint32_t flags;	       /* enum rec_header_flag */
	uint64_t file_bytes;   /* chunks reach up to here */
	uint32_t pid;
	uint32_t parent_pid;
	uint64_t start_ns; /* when the shim started in this image */
	uint64_t start_real_ns;
	uint64_t starttime; /* field 22 of /proc/PID/stat: tells a reused pid apart; 0: not known */
	uint32_t end_kind;  /* enum rec_end_kind, written after all facts */
	uint32_t end_value;
	uint64_t end_ns;
	uint64_t facts_ns; /* when all open lives were completed with kernel facts; 0: never */
	/* counters */
	uint64_t births; /* in the file 0: the shards have it */
	uint64_t deaths;
	uint64_t births_without_stack;
	uint64_t lost_lives; /* births for which the recording could not grow */
	uint64_t lost_sites; /* stacks for which there was no room */
	uint64_t lost_incidents;
	uint64_t lost_modules;
	uint64_t grow_errno;	/* why it could not grow the last time */
	uint64_t nr_sites;	/* ids given out */
	uint64_t nr_incidents;	/* no two alike; the first REC_INCIDENTS_NR are kept */
	uint64_t fd_limit;	/* RLIMIT_NOFILE, soft, at the start */
	uint64_t nr_sent;	/* ever sent; the last REC_SENT_NR are kept */
	uint64_t lost_outcomes; /* ended sockets that no outcome counts */
	uint64_t last_seen_ns;	/* coarse: when a wait (poll, epoll_wait ...) returned last */
	uint64_t threads;	/* alive at facts_ns; 0: not known */
	uint32_t port_lo;	/* net.ipv4.ip_local_port_range; 0: not known */
	uint32_t port_hi;
	uint64_t stop_ns; /* of a SIGTERM or SIGINT that it caught; 0: none, or it goes on */
	uint64_t reserved[6];
	char host[64];
	char exe[1024];	    /* what /proc/self/exe says */
	char cmdline[4096]; /* arguments, each ended by a NUL; cmdline_bytes of them */
	uint32_t cmdline_bytes;
	uint32_t reserved2[11];
	struct rec_shard shards[REC_SHARDS];
};

/* ---- summary ----------------------------------------------------------------------------- */

/* How the program of "socklint run" ended. */
enum rec_program_end {
	REC_PROGRAM_EXITED = 1u << 0, /* by itself, not by a signal */
	REC_PROGRAM_TOLD = 1u << 1,   /* a signal was passed on to it, or it says so */
};

/* The directory's "summary": counts that outlive folded recordings. Updated by atomic adds. */
struct rec_summary {
	char magic[8]; /* REC_SUMMARY_MAGIC */
	uint32_t version;
	uint32_t bytes;		/* sizeof(struct rec_summary) */
	uint64_t loaded;	/* process images in which the shim started */
	uint64_t made;		/* recordings made */
	uint64_t folded;	/* recordings that ended with nothing open and were unlinked */
	uint64_t folded_births; /* sockets born in those */
	uint64_t refused;	/* recordings not made: max-files reached */
	uint64_t failed;	/* recordings not made: no room or no permission */
	uint64_t failed_errno;	/* the last reason */
	uint64_t suspicious; /* sockets, and processes, of which a rule may have to say something */
	uint64_t program_pid;	 /* by "socklint run": the program that it started ... */
	uint64_t program_end_ns; /* ... and when that ended, however it did */
	uint64_t execs; /* images that were to be started by exec or spawn, and did not fail to */
	uint64_t flags; /* enum rec_header_flag: IO_URING and DEEPBIND of any process */
	uint64_t lost_children; /* programs not followed for which no rec_child was free */
	uint64_t program_end;	/* enum rec_program_end */
};

#define REC_CHILDREN_NR	  20u
#define REC_CHILD_PATH	  168
#define REC_SUMMARY_BYTES 4096u /* the whole file */

enum rec_child_state {
	REC_CHILD_FREE,
	REC_CHILD_CLAIMED, /* its path is being written */
	REC_CHILD_VALID,
};

/*
 * A program that was started by exec or spawn, under the name it was started by. They lie in the
 * summary behind struct rec_summary; one program may have several.
 */
struct rec_child {
	uint32_t state; /* enum rec_child_state */
	uint32_t started;
	uint32_t loaded; /* of those, how many loaded the shim (by the last part of the name) */
	uint32_t bare;	 /* ... and how many could not: their environment had no LD_PRELOAD */
	uint64_t reserved;
	char path[REC_CHILD_PATH]; /* NUL-terminated; a longer one has lost its beginning */
};

#define REC_ASSERT(name, expr) _Static_assert(expr, name)
REC_ASSERT("addr", sizeof(struct rec_addr) == 24);
REC_ASSERT("life", sizeof(struct rec_life) == 192);
REC_ASSERT("life by words", offsetof(struct rec_life, born_ns) == 8);
REC_ASSERT("a touch stays in one line", offsetof(struct rec_life, id) == 64);
REC_ASSERT("a life has three lines", offsetof(struct rec_life, polled_ns) == 128);
REC_ASSERT("addresses by words", offsetof(struct rec_life, local_ip) % 8 == 0);
REC_ASSERT("a call is a byte", REC_CALL_COUNT <= UINT8_MAX);
REC_ASSERT("rest of a life", sizeof(struct rec_life_rest) == 56);
REC_ASSERT("site", sizeof(struct rec_site) == 512);
REC_ASSERT("module", sizeof(struct rec_module) == 512);
REC_ASSERT("progress", sizeof(struct rec_progress) == 64);
REC_ASSERT("incident", sizeof(struct rec_incident) == 64);
REC_ASSERT("outcome", sizeof(struct rec_outcome) == 320);
REC_ASSERT("outcomes fit", REC_OUTCOMES_NR * 320u <= REC_CHUNK_ROOM(1));
REC_ASSERT("poller", sizeof(struct rec_poller) == 64);
REC_ASSERT("shard", sizeof(struct rec_shard) == 64);
REC_ASSERT("a shard is a line", offsetof(struct rec_header, shards) % 64 == 0);
REC_ASSERT("sent", sizeof(struct rec_sent) == 64);
REC_ASSERT("kept", sizeof(struct rec_kept) == 128);
REC_ASSERT("sample", sizeof(struct rec_sample) == 48);
REC_ASSERT("samples fit", REC_SAMPLES_NR * 48u <= REC_CHUNK_ROOM(1));
REC_ASSERT("chunk", sizeof(struct rec_chunk) == 64);
REC_ASSERT("header", sizeof(struct rec_header) <= REC_UNIT);
REC_ASSERT("summary", sizeof(struct rec_summary) == 128);
REC_ASSERT("child", sizeof(struct rec_child) == 192);
REC_ASSERT("children fit", REC_CHILDREN_NR * 192u + 128u <= REC_SUMMARY_BYTES);
REC_ASSERT("lives fit", REC_LIVES_PER_CHUNK *REC_LIFE_BYTES <= REC_CHUNK_ROOM(1));
REC_ASSERT("sites fit", REC_SITES_PER_CHUNK * 512u <= REC_CHUNK_ROOM(1));
REC_ASSERT("modules fit", REC_MODULES_PER_CHUNK * 512u <= REC_CHUNK_ROOM(1));
REC_ASSERT("progress fits", REC_PROGRESS_NR * 64u <= REC_CHUNK_ROOM(REC_PROGRESS_UNITS));
REC_ASSERT("incidents fit", REC_INCIDENTS_NR * 64u <= REC_CHUNK_ROOM(1));
REC_ASSERT("pollers fit", REC_POLLERS_NR * 64u <= REC_CHUNK_ROOM(REC_POLLERS_UNITS));
REC_ASSERT("sent fit", REC_SENT_NR * 64u <= REC_CHUNK_ROOM(1));
REC_ASSERT("kept fit", REC_KEPT_NR * 128u <= REC_CHUNK_ROOM(1));

#endif
