/* SPDX-License-Identifier: MIT */
/* hook.c: the functions behind the hooks. */
#ifndef SHIM_HOOK_H
#define SHIM_HOOK_H

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef __GLIBC__
#include "musl.h"
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
pid_t __vfork(void);
int __clone(int (*f)(void *), void *stack, int flags, void *arg, ...);
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t bsd_signal(int sig, sighandler_t handler);
sighandler_t ssignal(int sig, sighandler_t handler);
sighandler_t __sysv_signal(int sig, sighandler_t handler);
sighandler_t sysv_signal(int sig, sighandler_t handler);
sighandler_t sigset(int sig, sighandler_t handler);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* guests call deprecated functions */
struct real {
#define HOOK(name) typeof(&name) name;
#include "hooks.def"
#undef HOOK
};
#pragma GCC diagnostic pop

extern struct real real;

void real_resolve(void);

#endif
