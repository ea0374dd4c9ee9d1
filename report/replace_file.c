/* SPDX-License-Identifier: MIT */
#include "replace_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "text.h"

/* A device, a pipe or a link such as /dev/stdout is written through: a rename would replace it. */
static bool is_no_file(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !S_ISREG(st.st_mode);
}

static int write_and_close(FILE *out, int (*fill)(FILE *out, const void *data), const void *data)
{
	int error = fill(out, data) || fflush(out) || ferror(out);

	return fclose(out) || error ? -1 : 0;
}

int replace_file(const char *path, int (*fill)(FILE *out, const void *data), const void *data)
{
	bool through = is_no_file(path);
	char *to = through ? NULL : xstrfmt("%s.%d.tmp", path, (int)getpid());
	FILE *out = fopen(through ? path : to, through ? "we" : "wxe");
	int error = !out || write_and_close(out, fill, data);

	if (!error && !through)
		error = rename(to, path);
	if (error)
		complain("%s: cannot be written: %s", path, strerror(errno));
	if (error && out && !through)
		unlink(to);
	free(to);
	return error ? -1 : 0;
}
