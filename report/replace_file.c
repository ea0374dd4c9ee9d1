/* SPDX-License-Identifier: MIT */
#include "replace_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "message.h"
#include "text.h"

static bool starts_with(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

/*
 * The file whose name is to be renamed over; NULL: a device, a pipe or the like, which is written
 * through. So is what a link such as /dev/stdout leads to: others hold that file open.
 */
static char *file_behind(const char *path)
{
	struct stat st;
	char *real;

	if (lstat(path, &st))
		return xstrdup(path);
	if (S_ISREG(st.st_mode))
		return xstrdup(path);
	if (!S_ISLNK(st.st_mode) || starts_with(path, "/dev/") || starts_with(path, "/proc/"))
		return NULL;
	real = realpath(path, NULL);
	if (real && !stat(real, &st) && S_ISREG(st.st_mode))
		return real;
	free(real);
	return NULL;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrfmt("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int write_and_close(FILE *out, int (*fill)(FILE *out, const void *data), const void *data)
{
	int error = fill(out, data) || fflush(out) || ferror(out);

	return fclose(out) || error ? -1 : 0;
}

int replace_file(const char *path, int (*fill)(FILE *out, const void *data), const void *data)
{
	char *file = file_behind(path);
	char *to = file ? xstrfmt("%s.%d.tmp", file, (int)getpid()) : NULL;
	FILE *out = fopen(to ? to : path, to ? "wxe" : "we");
	int error = !out || write_and_close(out, fill, data);

	if (!error && to)
		error = rename(to, file);
	if (error)
		complain("%s: cannot be written: %s", path, strerror(errno));
	if (error && out && to)
		unlink(to);
	free(to);
	free(file);
	return error ? -1 : 0;
}

int replace_file_check(const char *path)
{
	char *file = file_behind(path), *dir = file ? directory_of(file) : NULL;
	struct stat st;
	int error = access(dir ? dir : path, dir ? W_OK | X_OK : W_OK) ? errno : 0;

	if (!file && !stat(path, &st) && S_ISDIR(st.st_mode))
		error = EISDIR;
	free(dir);
	free(file);
	if (!error || error == ENOENT)
		return 0;
	complain("%s: cannot be written: %s", path, strerror(error));
	return -1;
}

static bool is_same_place(const char *a, const char *b)
{
	struct stat sa, sb;

	return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

bool replace_file_is_same(const char *a, const char *b)
{
	char *file_a = file_behind(a), *file_b = file_behind(b);
	char *dir_a = file_a ? directory_of(file_a) : NULL;
	char *dir_b = file_b ? directory_of(file_b) : NULL;
	bool same = dir_a && dir_b && !strcmp(text_basename(file_a), text_basename(file_b)) &&
		    (!strcmp(dir_a, dir_b) || is_same_place(dir_a, dir_b));

	free(dir_a);
	free(dir_b);
	free(file_a);
	free(file_b);
	return same;
}
