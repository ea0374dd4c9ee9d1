/* SPDX-License-Identifier: MIT */
/* Sockets that come by other doors than socket() and accept(), and their other numbers. */
#include "guest.h"

#define RIGHTS 4 /* descriptors that one message has room for */

/* The C library's own, past every hook. */
static void *unhooked(const char *name)
{
	void *f = dlsym(dlopen("libc.so.6", RTLD_LAZY), name);

	must(f, name);
	return f;
}

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(RIGHTS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

struct parcel {
	char byte;
	struct iovec iov;
	union control control;
};

static struct msghdr parcel_head(struct parcel *p, size_t room)
{
	p->iov = (struct iovec){&p->byte, 1};
	return (struct msghdr){.msg_iov = &p->iov,
			       .msg_iovlen = 1,
			       .msg_control = room ? &p->control : NULL,
			       .msg_controllen = room};
}

static struct msghdr parcel_pack(struct parcel *p, const int *fds, int nr)
{
	struct msghdr msg;

	memset(p, 0, sizeof(*p));
	msg = parcel_head(p, CMSG_SPACE((size_t)nr * sizeof(int)));
	p->control.head.cmsg_level = SOL_SOCKET;
	p->control.head.cmsg_type = SCM_RIGHTS;
	p->control.head.cmsg_len = CMSG_LEN((size_t)nr * sizeof(int));
	memcpy(CMSG_DATA(&p->control.head), fds, (size_t)nr * sizeof(int));
	return msg;
}

/* The first descriptor in what came; *nr how many there are. */
static int parcel_open(struct msghdr *msg, int *nr)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*nr = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		return fd;
	}
	must(false, "no descriptor came");
	return -1;
}

/* ---- sending ---- */

static __attribute__((noinline)) void send_away(int to, const int *fds, int nr)
{
	struct parcel p;
	struct msghdr msg = parcel_pack(&p, fds, nr);

	must(sendmsg(to, &msg, 0) == 1, "sendmsg");
}

static __attribute__((noinline)) void send_two_away(int to, const int *fds)
{
	struct parcel p[2];
	struct mmsghdr msgs[2] = {{.msg_hdr = parcel_pack(&p[0], fds, 1)},
				  {.msg_hdr = parcel_pack(&p[1], fds + 1, 1)}};

	must(sendmmsg(to, msgs, 2, 0) == 2, "sendmmsg");
}

static void send_unseen(int to, const int *fds, int nr)
{
	ssize_t (*send)(int, const struct msghdr *, int) = unhooked("sendmsg");
	struct parcel p;
	struct msghdr msg = parcel_pack(&p, fds, nr);

	must(send(to, &msg, 0) == 1, "sendmsg");
}

/* ---- receiving ---- */

static __attribute__((noinline)) int receive_msg(int from, int flags, int *nr)
{
	struct parcel p;
	struct msghdr msg = parcel_head(&p, sizeof(p.control));

	must(recvmsg(from, &msg, flags) == 1, "recvmsg");
	return parcel_open(&msg, nr);
}

static __attribute__((noinline)) int receive_mmsg(int from)
{
	struct parcel p[2];
	struct mmsghdr msgs[2];
	int nr;

	for (int i = 0; i < 2; i++)
		msgs[i] = (struct mmsghdr){parcel_head(&p[i], sizeof(p[i].control)), 0};
	must(recvmmsg(from, msgs, 2, MSG_DONTWAIT, NULL) >= 1, "recvmmsg");
	return parcel_open(&msgs[0].msg_hdr, &nr);
}

/* Two descriptors: what was peeked at is installed as well as what is then received. */
static __attribute__((noinline)) int receive_peeked(int from)
{
	int nr, peeked = receive_msg(from, MSG_PEEK, &nr);

	close(receive_msg(from, 0, &nr));
	return peeked;
}

static __attribute__((noinline)) int take_over(int fd, bool raw)
{
	int (*get)(int, int, unsigned) = dlsym(RTLD_DEFAULT, "pidfd_getfd");
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0), got;

	must(self >= 0, "pidfd_open");
	if (raw || !get)
		got = (int)syscall(SYS_pidfd_getfd, self, fd, 0);
	else
		got = get(self, fd, 0);
	must(got >= 0, "pidfd_getfd");
	close(self);
	return got;
}

static int pair[2];

static void make_pair(void)
{
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
}

static int pass_by(const char *how, int fd)
{
	int nr, on = 1;

	if (!strcmp(how, "pidfd_getfd"))
		return take_over(fd, false);
	if (!strcmp(how, "pidfd_getfd_call"))
		return take_over(fd, true);
	if (!strcmp(how, "credentials")) /* a control message more */
		setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	if (!strcmp(how, "seen"))
		send_away(pair[0], &fd, 1);
	else
		send_unseen(pair[0], &fd, 1);
	if (!strcmp(how, "recvmmsg"))
		return receive_mmsg(pair[1]);
	if (!strcmp(how, "peek"))
		return receive_peeked(pair[1]);
	return receive_msg(pair[1], 0, &nr);
}

/* The accepted socket goes through the door HOW, its first number is closed; three times leaked. */
int guest_pass(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	make_pair();
	for (int i = 0; i < 4; i++) {
		int client = connect_to(&addr), server = accept_client(listener), got;
		char byte;

		got = pass_by(argc > 0 ? argv[0] : "recvmsg", server);
		close(server);
		close(client);
		must(read(got, &byte, 1) == 0, "EOF");
		if (i == 3)
			close(got);
	}
	return 0;
}

/* Three sent, room for two: the kernel closes the third and says MSG_CTRUNC. */
int guest_pass_truncated(int argc, char **argv)
{
	union {
		struct cmsghdr head;
		char room[CMSG_LEN(2 * sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control.room)};
	int fds[3], nr;

	(void)argc, (void)argv;
	make_pair();
	for (int i = 0; i < 3; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
	send_unseen(pair[0], fds, 3);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	must(recvmsg(pair[1], &msg, 0) == 1 && (msg.msg_flags & MSG_CTRUNC), "MSG_CTRUNC");
	parcel_open(&msg, &nr);
	must(nr == 2, "two");
	return 0;
}

/* A worker is sent what its parent accepts, and forgets to close it; the parent does not. */
int guest_pass_to_worker(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), nr, status;
	bool mmsg = argc > 0 && !strcmp(argv[0], "sendmmsg");
	char byte;

	make_pair();
	if (fork() == 0) {
		close(listener);
		close(pair[0]);
		for (int i = 0; i < 4; i++) {
			int fd = receive_msg(pair[1], 0, &nr);

			must(read(fd, &byte, 1) == 0, "EOF");
			if (i == 3)
				close(fd);
		}
		exit(0);
	}
	for (int i = 0; i < 2; i++) {
		int clients[2], servers[2];

		for (int k = 0; k < 2; k++) {
			clients[k] = connect_to(&addr);
			servers[k] = accept_client(listener);
		}
		if (mmsg)
			send_two_away(pair[0], servers);
		for (int k = 0; k < 2; k++) {
			if (!mmsg)
				send_away(pair[0], &servers[k], 1);
			close(servers[k]);
			close(clients[k]);
		}
	}
	wait(&status);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker");
	close(listener);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/* More than are kept, to itself: one is sent and received again and again. */
int guest_pass_many(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), nr;

	make_pair();
	for (int i = 0; i < (argc > 0 ? atoi(argv[0]) : 1); i++) {
		int got;

		send_away(pair[0], &fd, 1);
		got = receive_msg(pair[1], 0, &nr);
		close(fd);
		fd = got;
	}
	return 0;
}

/* Control buffers that lead nowhere: what the kernel makes of them, and nothing else. */
int guest_pass_hostile(int argc, char **argv)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *places[] = {NULL, page + 4096, page + 4096 - 16, page + 4096 - 20, (void *)8};
	char byte;
	struct iovec iov = {&byte, 1};

	(void)argc, (void)argv;
	must(page != MAP_FAILED && mprotect(page + 4096, 4096, PROT_NONE) == 0, "mmap");
	make_pair();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t r;

		send_away(pair[0], &pair[0], 1);
		msg.msg_control = places[i];
		msg.msg_controllen = 64;
		r = recvmsg(pair[1], &msg, MSG_DONTWAIT);
		printf("received %zd %s %zu %x\n", r, r < 0 ? strerror(errno) : "",
		       msg.msg_controllen, (unsigned)msg.msg_flags);
		msg = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
		msg.msg_control = places[i];
		msg.msg_controllen = 64;
		r = sendmsg(pair[0], &msg, MSG_DONTWAIT);
		printf("sent %zd %s\n", r, r < 0 ? strerror(errno) : "");
		while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1)
			;
	}
	printf("%zd\n", recvmsg(pair[1], NULL, MSG_DONTWAIT));
	return 0;
}

/* A datagram to itself, with control data that is no descriptor. */
void stamp_itself(void)
{
	static int fd;
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	struct parcel p = {.byte = 0};
	struct msghdr msg = parcel_head(&p, 0);
	int on = 1;

	if (!fd) {
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		must(bind(fd, (struct sockaddr *)&addr, len) == 0 &&
			     getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
			     connect(fd, (struct sockaddr *)&addr, len) == 0 &&
			     setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)) == 0,
		     "to itself");
	}
	must(sendmsg(fd, &msg, 0) == 1, "sendmsg");
	msg = parcel_head(&p, sizeof(p.control));
	must(recvmsg(fd, &msg, 0) == 1 && msg.msg_controllen, "a time stamp");
}

/* ---- open at the start, and passed on by exec ---- */

/* Is handed a listener, as socket activation does it. */
int guest_activated(int argc, char **argv)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int listener = argc > 0 ? atoi(argv[0]) : 3;

	must(getsockname(listener, (struct sockaddr *)&addr, &len) == 0, "listener");
	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	serve_one(listener, &addr);
	return 0;
}

/* Is handed a connection by three numbers, as inetd does it; closes one. */
int guest_inetd(int argc, char **argv)
{
	int fd = argc > 0 ? atoi(argv[0]) : 0;
	char byte;

	must(read(fd, &byte, 1) == 0, "EOF");
	close(fd);
	return 0;
}

static void become(const char *guest, const char *arg)
{
	execl("/proc/self/exe", "guest", guest, arg, NULL);
	must(false, "exec");
}

/* Leaks three that it knew of, and goes on as another program, which touches none of them. */
int guest_leak_and_exec(int argc, char **argv)
{
	const char *how = argc > 0 ? argv[0] : "";
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	fcntl(listener, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		int fd = leak_one(listener, &addr);

		if (!strcmp(how, "cloexec"))
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	serve_one(listener, &addr);
	if (!strcmp(how, "child") && fork() != 0) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		wait(NULL);
		return 0;
	}
	if (!strcmp(how, "child"))
		close(dup(listener)); /* has a recording of its own */
	become("nothing", NULL);
	return 0;
}

/* Accepts, and leaves the reading to the next program. */
int guest_hand_to_exec(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), client = connect_to(&addr);
	char fd[16];

	(void)argc, (void)argv;
	snprintf(fd, sizeof(fd), "%d", accept_client(listener));
	close(listener);
	close(client);
	become("inetd_kept", fd);
	return 0;
}

static pid_t reader;

static void *read_to_end(void *arg)
{
	char byte;

	reader = gettid();
	must(read((int)(intptr_t)arg, &byte, 1) == 0, "EOF");
	return NULL;
}

/* Reads to the end in a thread, which ends and leaves it open. */
int guest_inetd_kept(int argc, char **argv)
{
	int fd = argc > 0 ? atoi(argv[0]) : 0;
	pthread_t t;

	must(pthread_create(&t, NULL, read_to_end, (void *)(intptr_t)fd) == 0, "thread");
	pthread_join(t, NULL);
	while (syscall(SYS_tgkill, getpid(), reader, 0) == 0) /* joined, and yet about to end */
		sched_yield();
	return 0;
}

/* ---- what no hook sees ---- */

/* Sockets made and accepted past the hooks. "alone": and nothing that a hook sees. */
int guest_unseen_births(int argc, char **argv)
{
	int (*make)(int, int, int) = unhooked("socket");
	int (*take)(int, struct sockaddr *, socklen_t *) = unhooked("accept");
	int (*shut)(int) = unhooked("close");
	int (*join)(int, const struct sockaddr *, socklen_t) = unhooked("connect");
	const char *how = argc > 0 ? argv[0] : "";
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	int listener;

	if (!strcmp(how, "unix")) {
		must(make(AF_UNIX, SOCK_STREAM, 0) >= 0, "socket");
		return 0;
	}
	if (strcmp(how, "alone") != 0)
		close(socket(AF_INET, SOCK_STREAM, 0));
	listener = make(AF_INET, SOCK_STREAM, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(listener, (struct sockaddr *)&addr, len) == 0 && listen(listener, 8) == 0 &&
		     getsockname(listener, (struct sockaddr *)&addr, &len) == 0,
	     "listen");
	for (int i = 0; i < 3; i++) {
		int client = make(AF_INET, SOCK_STREAM, 0), fd;

		must(join(client, (struct sockaddr *)&addr, len) == 0, "connect");
		fd = take(listener, NULL, NULL);
		must(fd >= 0 && shut(client) == 0, "accept");
		must(recv(fd, &client, 1, 0) == 0, "EOF");
	}
	shut(listener);
	return 0;
}

/* ---- births and other numbers that hooks see ---- */

int guest_pair(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_pair();
	return 0;
}

static int alias_by(const char *how, int fd)
{
	int other = 200;

	if (!strcmp(how, "dup"))
		return dup(fd);
	if (!strcmp(how, "dup2"))
		return dup2(fd, other);
	if (!strcmp(how, "dup3"))
		return dup3(fd, other, O_CLOEXEC);
	if (!strcmp(how, "fcntl"))
		return fcntl(fd, F_DUPFD, other);
	if (!strcmp(how, "fcntl_cloexec"))
		return fcntl(fd, F_DUPFD_CLOEXEC, other);
	if (!strcmp(how, "fcntl64"))
		return fcntl64(fd, F_DUPFD, other);
	send_away(pair[0], &fd, 1); /* to itself, before the first number is closed */
	return receive_msg(pair[1], 0, &other);
}

/* One that is kept by its other number is one leak; one of which both are closed is none. */
int guest_alias(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), fd, other;

	make_pair();
	for (int i = 0; i < 2; i++) {
		fd = leak_one(listener, &addr);
		other = alias_by(argc > 0 ? argv[0] : "", fd);
		must(other >= 0 && other != fd, "alias");
		close(fd);
		if (i == 0)
			must(dup2(other, 300) == 300 && close(other) == 0, "move");
		else
			close(other);
	}
	close(pair[0]);
	close(pair[1]);
	close(listener);
	return 0;
}

/* One listener goes, another comes: no sign of the end. */
int guest_listens_again(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);

	(void)argc, (void)argv;
	close(listener);
	listener = listen_any(&addr);
	serve_one(listener, &addr);
	printf("left open: %d\n", leak_one(listener, &addr));
	return 0;
}
