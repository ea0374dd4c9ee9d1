/* SPDX-License-Identifier: MIT */
/* A plugin that finds its own library by its own RUNPATH. */
#include <dlfcn.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

int plugin(void);

int plugin(void)
{
	void *h = dlopen("libplugin_inner.so", RTLD_NOW);
	int (*inner)(void) = NULL;

	close(socket(AF_UNIX, SOCK_STREAM, 0));
	if (!h)
		return -1;
	*(void **)&inner = dlsym(h, "inner");
	return inner ? inner() : -2;
}
