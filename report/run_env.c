/* SPDX-License-Identifier: MIT */
/* The environment of a program under the shim. */
#include "run_env.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "alloc.h"

char *command_path(struct strbuf *why)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n >= 0)
		exe[n] = '\0';
	else if (!realpath((const char *)getauxval(AT_EXECFN), exe)) { /* without /proc */
		strbuf_addf(why, "/proc/self/exe: %s", strerror(errno));
		return NULL;
	}
	return xstrdup(exe);
}

char *shim_find(struct strbuf *why)
{
	char *exe = command_path(why), *path, *shim, *slash;

	if (!exe)
		return NULL;
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	path = xstrfmt("%s/%s", exe, SOCKLINT_SHIM_FROM_BIN);
	shim = realpath(path, NULL);
	if (!shim)
		strbuf_addf(why, "%s: %s: the shim is not installed beside the command", path,
			    strerror(errno));
	free(path);
	free(exe);
	if (shim && strpbrk(shim, ": ")) {
		strbuf_addf(why, "%s: LD_PRELOAD cannot name a path with a blank or ':' in it",
			    shim);
		free(shim);
		return NULL;
	}
	return shim;
}

static bool is_variable(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=';
}

/*
 * The shim comes before other preloaded libraries, so that it sees what the program calls; one that
 * answers in the C library's stead would hide it otherwise. The user's options come before ours.
 */
static char *add_to(const char *name, const char *value, bool first)
{
	const char *old = getenv(name);

	if (!old || !*old)
		return xstrfmt("%s=%s", name, value);
	return first ? xstrfmt("%s=%s:%s", name, value, old)
		     : xstrfmt("%s=%s:%s", name, old, value);
}

#define SHIM_KEEPS_NS 1000000000 /* and all that is later, by itself */

static char *options_make(const char *dir, uint64_t max_dwell_ns)
{
	if (max_dwell_ns >= SHIM_KEEPS_NS)
		return xstrfmt("dir=%s:report=none", dir);
	return xstrfmt("dir=%s:report=none:max-dwell=0.%09" PRIu64, dir, max_dwell_ns);
}

char **env_make(const char *shim, const char *dir, uint64_t max_dwell_ns)
{
	char *options = options_make(dir, max_dwell_ns);
	size_t nr = 0, i;
	char **env;

	while (environ[nr])
		nr++;
	env = xcalloc(nr + 3, sizeof(*env));
	for (nr = 0, i = 0; environ[i]; i++)
		if (!is_variable(environ[i], "LD_PRELOAD") &&
		    !is_variable(environ[i], "SOCKLINT_OPTIONS"))
			env[nr++] = xstrdup(environ[i]);
	env[nr++] = add_to("LD_PRELOAD", shim, true);
	env[nr++] = add_to("SOCKLINT_OPTIONS", options, false);
	free(options);
	return env;
}

void env_free(char **env)
{
	size_t i;

	for (i = 0; env[i]; i++)
		free(env[i]);
	free(env);
}
