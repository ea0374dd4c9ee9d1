/* SPDX-License-Identifier: MIT */
/* "socklint --version". */
#include "version.h"

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <elfutils/version.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>

#define STR2(x) #x
#define STR(x)	STR2(x)

#define UNWINDER "libunwind.so.8" /* what the shim asks the loader for */

/* The library itself knows no version: its file's name has one. */
static void print_unwinder(FILE *out)
{
	void *h = dlopen(UNWINDER, RTLD_LAZY | RTLD_LOCAL);
	char path[PATH_MAX];
	struct link_map *map;

	if (h && !dlinfo(h, RTLD_DI_LINKMAP, &map) && realpath(map->l_name, path))
		fprintf(out, "  libunwind  %s, loaded at run time\n", path);
	else
		fprintf(out,
			"  libunwind  none: " UNWINDER " is not here, stacks are callers only\n");
	if (h)
		dlclose(h);
}

void version_print(FILE *out, struct argp_state *state)
{
	(void)state;
	fprintf(out, "socklint " SOCKLINT_VERSION "\n");
	print_unwinder(out);
	fprintf(out, "  elfutils   %s, built with 0." STR(_ELFUTILS_VERSION) "\n",
		dwfl_version(NULL));
	fprintf(out, "  jansson    %s, built with " JANSSON_VERSION "\n", jansson_version_str());
	fprintf(out, "  glibc      %s, built with " STR(__GLIBC__) "." STR(__GLIBC_MINOR__) "\n",
		gnu_get_libc_version());
#ifdef __clang__
	fprintf(out, "  compiler   " __VERSION__ "\n");
#else
	fprintf(out, "  compiler   gcc " __VERSION__ "\n");
#endif
}
