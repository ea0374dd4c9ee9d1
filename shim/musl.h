/* SPDX-License-Identifier: MIT */
/*
 * What the hooks need of glibc's headers, for a C library that lacks it (musl). A function that the
 * library does not have is never found behind its hook, and nobody has linked against it.
 */
#ifndef SHIM_MUSL_H
#define SHIM_MUSL_H

#define __SOCKADDR_ARG	     struct sockaddr *
#define __CONST_SOCKADDR_ARG const struct sockaddr *

/* These are other names of the same functions; programs built for glibc call them. */
#undef fcntl64
#undef freopen64
#undef sendfile64
int fcntl64(int fd, int cmd, ...);
FILE *freopen64(const char *path, const char *mode, FILE *file);
ssize_t sendfile64(int out, int in, off_t *at, size_t n);

int close_range(unsigned low, unsigned high, int flags);
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2u
#endif

/* There is one name space, and nothing is bound past the hooks. */
typedef long Lmid_t;
void *dlmopen(Lmid_t space, const char *file, int mode);
#define LM_ID_BASE    0
#define RTLD_DEEPBIND 0

#endif
