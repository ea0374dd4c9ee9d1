/* SPDX-License-Identifier: MIT */
/*
 * Programs that the C library starts by itself: posix_spawn, system, popen. Its child shares our
 * memory and calls no hook, so what its file actions close is closed in its own table alone.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "children.h"
#include "hook.h"
#include "house.h"

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct started s = child_begin(path, envp);
	int r = real.posix_spawn(pid, path, actions, attr, argv, envp);

	if (r)
		child_failed(s);
	return r;
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct started s = child_begin(file, envp);
	int r = real.posix_spawnp(pid, file, actions, attr, argv, envp);

	if (r)
		child_failed(s);
	return r;
}

EXPORT int system(const char *command)
{
	struct started s = child_begin("/bin/sh", environ);
	int r = real.system(command);

	if (r < 0)
		child_failed(s);
	return r;
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	struct started s = child_begin("/bin/sh", environ);
	FILE *f = real.popen(command, mode);

	if (!f)
		child_failed(s);
	return f;
}
