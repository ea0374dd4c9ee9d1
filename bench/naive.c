/* SPDX-License-Identifier: MIT */
/*
 * For comparison: what a preloaded library costs that is written down in an hour. At each birth
 * and death it walks the stack by libunwind, and keeps it in a table behind a lock.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#define FRAMES	 32
#define TABLE_NR 65536

static struct {
	uint64_t birth[FRAMES], death[FRAMES];
	int state;
} table[TABLE_NR];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void walk(uint64_t *frames)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t pc;

	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	for (int i = 0; i < FRAMES && unw_step(&cursor) > 0; i++) {
		unw_get_reg(&cursor, UNW_REG_IP, &pc);
		frames[i] = pc;
	}
}

static int born(int fd)
{
	if (fd < 0 || fd >= TABLE_NR)
		return fd;
	pthread_mutex_lock(&lock);
	walk(table[fd].birth);
	pthread_mutex_unlock(&lock);
	return fd;
}

static void dies(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (fd < 0 || fd >= TABLE_NR || !table[fd].birth[0])
		return;
	pthread_mutex_lock(&lock);
	walk(table[fd].death);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		table[fd].state = info.tcpi_state;
	pthread_mutex_unlock(&lock);
}

/* Looked up once: by whoever comes first. */
#define REAL(name, type)                                                                           \
	static type *real;                                                                         \
	if (!real)                                                                                 \
	real = (type *)dlsym(RTLD_NEXT, name)

typedef int socket_function(int family, int type, int protocol);
typedef int accept_function(int fd, void *addr, void *len);
typedef int accept4_function(int fd, void *addr, void *len, int flags);
typedef int close_function(int fd);

int socket(int family, int type, int protocol)
{
	REAL("socket", socket_function);
	return born(real(family, type, protocol));
}

int accept(int fd, __SOCKADDR_ARG addr, socklen_t *len)
{
	REAL("accept", accept_function);
	return born(real(fd, *(void **)&addr, len));
}

int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *len, int flags)
{
	REAL("accept4", accept4_function);
	return born(real(fd, *(void **)&addr, len, flags));
}

int close(int fd);

int close(int fd)
{
	REAL("close", close_function);
	dies(fd);
	return real(fd);
}
